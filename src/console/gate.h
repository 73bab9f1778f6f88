// Who may talk to the console: whoever knows its token, from this machine, and no page of another
// origin.
#pragma once

#include <optional>
#include <string>

namespace mascing::console {

/// What a request says about where it comes from and what it wants.
struct Knock {
  std::string method = {};
  std::string path = {};          ///< "/TOKEN/name"
  std::string host = {};          ///< header Host
  std::string origin = {};        ///< header Origin; empty if there is none
  std::string fetch_site = {};    ///< header Sec-Fetch-Site; likewise
  std::string content_type = {};  ///< of the body
};

struct Refusal {
  int status = 403;
  std::string message = {};
  std::string hint = {};
};

class Gate {
 public:
  Gate(std::string token, int port);

  /// The address that opens the page.
  [[nodiscard]] std::string url() const;
  /// Why a request is turned away, if it is. Host guards against DNS rebinding, Origin and
  /// Sec-Fetch-Site against pages of others, the content type against forms.
  [[nodiscard]] std::optional<Refusal> why_refused(const Knock& knock) const;
  /// What comes behind the token of a path that was let in.
  [[nodiscard]] std::string name_of(const std::string& path) const;

 private:
  [[nodiscard]] bool is_own_host(const std::string& host) const;

  std::string token_;
  std::string port_;
};

}  // namespace mascing::console
