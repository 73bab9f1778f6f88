// Secrets that a program hands out: made of random bytes, compared without telling how much was
// right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mascing {

/// `n_byte` bytes of OpenSSL's generator as lower-case hexadecimal digits. Throws Error{kSystem} if
/// the system has no randomness.
[[nodiscard]] std::string random_hex(int64_t n_byte);

/// Takes the same time wherever two texts of one length differ.
[[nodiscard]] bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace mascing
