// Posts JSON to a server, within limits. The only file pair that includes curl.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace mascing {

struct HttpLimits {
  double timeout_s = 60.0;  ///< from the first packet to the last byte
  size_t max_body_bytes = 1U << 20;
};

struct HttpReply {
  long status = 0;           ///< NOLINT: curl's type; 0 = no answer
  std::string body;          ///< up to the limit
  double retry_after_s = 0;  ///< what the server asks to wait
  bool is_too_long = false;  ///< the body was longer than the limit, and cut off
  std::string error;         ///< why there is no whole answer; empty otherwise
};

/// Keeps its connection from one post to the next. Not thread-safe; several may work at once.
class HttpClient {
 public:
  /// http and https only; redirects are not followed, so that the key goes nowhere else. `key` is
  /// sent as a bearer token if it is not empty. Throws Error{kSystem} if libcurl refuses.
  HttpClient(const std::string& url, const std::string& key);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) = delete;
  ~HttpClient();

  /// Never throws for what a server or a network can do.
  [[nodiscard]] HttpReply post(const std::string& json, const HttpLimits& limits);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mascing
