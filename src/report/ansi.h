// ANSI escape codes for colours.
#pragma once

namespace mascing::ansi {

inline constexpr const char* kBold = "\x1b[1m";
inline constexpr const char* kGreen = "\x1b[32m";
inline constexpr const char* kRed = "\x1b[31m";
inline constexpr const char* kYellow = "\x1b[33m";
inline constexpr const char* kUnderlined = "\x1b[4m";
inline constexpr const char* kReset = "\x1b[0m";

}  // namespace mascing::ansi
