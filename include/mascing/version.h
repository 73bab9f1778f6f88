// The version of the library and the command.
#pragma once

namespace mascing {

/// "0.1.0", as CMakeLists.txt has it.
[[nodiscard]] const char* version();

}  // namespace mascing
