// The style of report.html, light and dark, and the colours that all pages share.
#pragma once

namespace mascing {

/// The colours as CSS variables of both schemes; stands before everything that uses them.
[[nodiscard]] const char* colour_sheet();
/// Everything else of the plain page.
[[nodiscard]] const char* style_sheet();

}  // namespace mascing
