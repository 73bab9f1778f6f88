// The version of the library and of the command-line program.
#pragma once

namespace mascing {

/// "0.1.0", as set in CMakeLists.txt.
[[nodiscard]] const char* version();

}  // namespace mascing
