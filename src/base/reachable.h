// Whether another machine can be reached.
#pragma once

#include <string>

namespace mascing {

/// Tries a TCP connection over IPv4 and closes it. Returns why there is none after so much
/// patience, in the words of the system; empty if there is one.
[[nodiscard]] std::string why_unreachable(const std::string& host,
                                          const std::string& port,
                                          int patience_ms);

}  // namespace mascing
