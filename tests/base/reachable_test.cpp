// Connections on this machine.
#include "base/reachable.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace mascing {
namespace {

/// A port of this machine where connections wait to be taken.
class Port {
 public:
  Port() : handle_(::socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(handle_, generic(), size), 0);
    EXPECT_EQ(::listen(handle_, 0), 0);
    EXPECT_EQ(::getsockname(handle_, generic(), &size), 0);
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port() { close(); }

  void close() {
    if (handle_ >= 0) {
      ::close(handle_);
      handle_ = -1;
    }
  }
  [[nodiscard]] sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }
  [[nodiscard]] std::string number() const { return std::to_string(ntohs(address_.sin_port)); }

 private:
  int handle_;
  sockaddr_in address_{};
};

TEST(Reachable, SaysNothingOfAnOpenPortAndWhyOfAClosedOne) {
  Port port;
  EXPECT_EQ(why_unreachable("127.0.0.1", port.number(), 5000), "");
  port.close();
  EXPECT_EQ(why_unreachable("127.0.0.1", port.number(), 5000), std::strerror(ECONNREFUSED));
  EXPECT_NE(why_unreachable("127.0.0.1", "no-such-service", 5000), "");
}

// A port whose queue is full does not answer.
TEST(Reachable, ASignalDoesNotShortenThePatience) {
  Port port;
  std::array<int, 4> waiting{};
  for (int& one : waiting) {
    one = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)::connect(one, port.generic(), sizeof(sockaddr_in));
  }
  struct sigaction noting {};
  struct sigaction before {};
  noting.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGALRM, &noting, &before), 0);
  itimerval alarm{};
  alarm.it_value.tv_usec = 50'000;
  ASSERT_EQ(::setitimer(ITIMER_REAL, &alarm, nullptr), 0);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(why_unreachable("127.0.0.1", port.number(), 400), std::strerror(ETIMEDOUT));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(390));
  ::sigaction(SIGALRM, &before, nullptr);
  for (const int one : waiting) {
    ::close(one);
  }
}

}  // namespace
}  // namespace mascing
