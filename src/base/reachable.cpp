// One connection, without blocking.
#include "base/reachable.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mascing {
namespace {

struct AddressDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

/// A socket that is closed at the end.
class Socket {
 public:
  explicit Socket(const addrinfo& address)
      : handle_(
            ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (handle_ >= 0) {
      ::close(handle_);
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// 0, or why there is no connection.
  [[nodiscard]] int connect(const addrinfo& address, int patience_ms) const {
    if (handle_ < 0) {
      return errno;
    }
    if (::connect(handle_, address.ai_addr, address.ai_addrlen) == 0) {
      return 0;
    }
    if (errno != EINPROGRESS) {
      return errno;
    }
    if (const int error = wait_for_answer(patience_ms); error != 0) {
      return error;
    }
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(handle_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }

 private:
  /// 0, or why there is none. A signal does not shorten the patience.
  [[nodiscard]] int wait_for_answer(int patience_ms) const {
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
      pollfd wait{handle_, POLLOUT, 0};
      const int n = ::poll(&wait, 1, static_cast<int>(std::max<int64_t>(0, left.count())));
      if (n > 0) {
        return 0;
      }
      if (n == 0) {
        return ETIMEDOUT;
      }
      if (errno != EINTR) {
        return errno;
      }
    }
  }

  int handle_;
};

}  // namespace

std::string why_unreachable(const std::string& host, const std::string& port, int patience_ms) {
  addrinfo wanted{};
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found);
  if (status != 0) {
    return status == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(status);
  }
  const std::unique_ptr<addrinfo, AddressDeleter> list(found);
  const int error = Socket(*list).connect(*list, patience_ms);
  return error == 0 ? "" : std::strerror(error);
}

}  // namespace mascing
