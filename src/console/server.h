// The console's HTTP side, on 127.0.0.1 only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "console/answers.h"

namespace mascing::console {

class Server {
 public:
  /// Binds 127.0.0.1; port 0 takes a free one. `answers` must outlive it. Throws Error{kUsage} if
  /// the library was built without the page, Error{kSystem} if the port cannot be had.
  Server(Answers& answers, int port);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The address to open, with its token.
  [[nodiscard]] std::string url() const;
  /// Serves until `should_stop` says so; an answer that is being written is ended by its host's
  /// watch.
  void run(const std::function<bool()>& should_stop);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mascing::console
