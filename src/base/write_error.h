// What is said where the system refuses to write.
#pragma once

#include <string>

namespace mascing {

/// Throws Error{kSystem}: "[write] PATH: cannot ACTION: ", the words of the system for `code`
/// (errno), and a hint.
[[noreturn]] void refuse_to_write(const std::string& path, const std::string& action, int code);

}  // namespace mascing
