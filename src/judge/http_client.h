// Posts JSON to a server, within limits. The only file pair that includes curl.h.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

namespace mascing {

struct HttpLimits {
  double timeout_s = 60.0;  ///< from the first packet to the last byte
  size_t max_body_bytes = 1U << 20;
  const std::atomic<bool>* must_stop = nullptr;  ///< true ends the transfer within a second
};

struct HttpReply {
  long status = 0;           ///< NOLINT: curl's type; 0 = no answer
  std::string body;          ///< up to the limit
  double retry_after_s = 0;  ///< pause requested by the server
  bool is_too_long = false;  ///< the body exceeded the limit and was truncated
  std::string error;         ///< why there is no complete answer; empty otherwise
};

/// Reuses its connection. Not thread-safe, but several instances can work in parallel.
class HttpClient {
 public:
  /// http and https only; redirects are not followed, so the key is not sent elsewhere. `key` is
  /// sent as a bearer token if not empty. Throws Error{kSystem} if libcurl fails.
  HttpClient(const std::string& url, const std::string& key);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;
  ~HttpClient();

  /// Does not throw for server or network errors.
  [[nodiscard]] HttpReply post(const std::string& json, const HttpLimits& limits);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mascing
