// The report's style sheet, light and dark.
#pragma once

namespace mascing {

[[nodiscard]] const char* style_sheet();

}  // namespace mascing
