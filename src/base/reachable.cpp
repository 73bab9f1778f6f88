// One connection, without blocking.
#include "base/reachable.h"

#include <cerrno>
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
      : handle_(::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK, 0)) {}
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
    pollfd wait{handle_, POLLOUT, 0};
    if (::poll(&wait, 1, patience_ms) != 1) {
      return ETIMEDOUT;
    }
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(handle_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }

 private:
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
    return ::gai_strerror(status);
  }
  const std::unique_ptr<addrinfo, AddressDeleter> list(found);
  const int error = Socket(*list).connect(*list, patience_ms);
  return error == 0 ? "" : std::strerror(error);
}

}  // namespace mascing
