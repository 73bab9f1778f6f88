// The token is the first part of the path, so that one address is all a user needs.
#include "console/gate.h"

#include "base/secret.h"
#include "base/text.h"

namespace mascing::console {
namespace {

constexpr const char* kSecondHint =
    "open the address that `mascing console` printed, on this machine";

/// The part of a path between its first two slashes.
std::string first_part(const std::string& path) {
  return path.empty() ? path : path.substr(1, path.find('/', 1) - 1);
}

}  // namespace

Gate::Gate(std::string token, int port) : token_(std::move(token)), port_(std::to_string(port)) {}

std::string Gate::url() const {
  return "http://127.0.0.1:" + port_ + "/" + token_ + "/";
}

bool Gate::is_own_host(const std::string& host) const {
  const std::string name = to_lower_ascii(host);
  return name == "127.0.0.1:" + port_ || name == "localhost:" + port_;
}

std::optional<Refusal> Gate::why_refused(const Knock& knock) const {
  if (!is_own_host(knock.host)) {
    return Refusal{421, "this is not the host " + printable(knock.host), kSecondHint};
  }
  const bool is_own_origin = knock.origin.empty() || (knock.origin.starts_with("http://") &&
                                                      is_own_host(knock.origin.substr(7)));
  const std::string& site = knock.fetch_site;
  if (!is_own_origin || (!site.empty() && site != "same-origin" && site != "none")) {
    return Refusal{403, "requests of other pages are not answered", kSecondHint};
  }
  if (!is_same_secret(first_part(knock.path), token_)) {
    return Refusal{403, "the token in the address is not this console's", kSecondHint};
  }
  if (knock.method == "POST" &&
      !to_lower_ascii(knock.content_type).starts_with("application/json")) {
    return Refusal{
        415, "the body must be application/json", "add -H 'Content-Type: application/json'"};
  }
  return std::nullopt;
}

std::string Gate::name_of(const std::string& path) const {
  return path.substr(std::min(path.size(), token_.size() + 1));
}

}  // namespace mascing::console
