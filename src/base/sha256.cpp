// SHA-256 through OpenSSL's EVP interface, which picks the processor's own instructions.
#include "base/sha256.h"

#include <algorithm>
#include <array>

#include <openssl/evp.h>

#include "base/mapped_file.h"
#include "mascing/error.h"

namespace mascing {

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* owned) const { EVP_MD_CTX_free(owned); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

namespace {

void require(bool done) {
  if (!done) {
    throw Error(ErrorKind::kSystem,
                "[hash] OpenSSL could not compute SHA-256",
                "check that libcrypto provides SHA-256");
  }
}

}  // namespace

Sha256::Sha256() : state_(std::make_unique<State>()) {
  require(state_->context != nullptr &&
          EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(const void* data, size_t size_bytes) {
  if (size_bytes > 0) {
    require(EVP_DigestUpdate(state_->context.get(), data, size_bytes) == 1);
  }
}

void Sha256::update(std::string_view bytes) {
  update(bytes.data(), bytes.size());
}

Sha256 Sha256::copy() const {
  Sha256 other;
  require(EVP_MD_CTX_copy_ex(other.state_->context.get(), state_->context.get()) == 1);
  return other;
}

std::string Sha256::hex() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size) == 1);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4U];
    text += kDigits[digest[i] & 0xFU];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string sampled_sha256(std::string_view bytes) {
  constexpr size_t kSampleBytes = 65536;
  constexpr size_t kSamples = 256;
  Sha256 digest;
  digest.update(std::to_string(bytes.size()));
  const size_t step = std::max(kSampleBytes, bytes.size() / kSamples);
  for (size_t at = 0; at < bytes.size(); at += step) {
    digest.update(bytes.substr(at, kSampleBytes));
  }
  return digest.hex();
}

uint64_t sha256_bits(std::string_view bytes) {
  return std::stoull(sha256_hex(bytes).substr(0, 16), nullptr, 16);
}

std::string sha256_file(const std::string& path) {
  return sha256_hex(MappedFile(path).bytes());
}

}  // namespace mascing
