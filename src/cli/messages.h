// Messages on stderr: folded at 80 columns on a terminal, one line elsewhere, which is easier to
// search in a log.
#pragma once

#include <string>

namespace mascing::cli {

/// `start`, a space and the text; what is folded is indented by `indent` columns. Line breaks of
/// the text stay.
[[nodiscard]] std::string message_text(const std::string& start,
                                       const std::string& text,
                                       size_t indent);

/// `start`, the message and its hint, if it has one.
[[nodiscard]] std::string error_text(const std::string& message,
                                     const std::string& hint,
                                     const std::string& start = "mascing: error:");

}  // namespace mascing::cli
