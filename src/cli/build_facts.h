// What this program was built with.
#pragma once

#include <string>

namespace mascing::cli {

/// "GNU 12.2.0", the compiler of this program.
[[nodiscard]] std::string compiler_name();
/// CMake's build type, such as "Release".
[[nodiscard]] std::string build_type();
/// The lines of `mascing --version`: "mascing 0.1.0", then compiler, build type and engine.
[[nodiscard]] std::string version_text();

}  // namespace mascing::cli
