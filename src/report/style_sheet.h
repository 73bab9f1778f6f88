// The report's style sheet, light and dark.
#pragma once

namespace mascing {

extern const char* const kStyleSheet;

}  // namespace mascing
