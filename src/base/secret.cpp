// Random bytes and comparison are libcrypto's.
#include "base/secret.h"

#include <vector>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "mascing/error.h"

namespace mascing {

std::string random_hex(int64_t n_byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::vector<unsigned char> bytes(n_byte);
  if (RAND_bytes(bytes.data(), static_cast<int>(n_byte)) != 1) {
    throw Error(ErrorKind::kSystem,
                "[secret] OpenSSL has no random bytes",
                "check that the system offers getrandom or /dev/urandom");
  }
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace mascing
