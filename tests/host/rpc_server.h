// llama.cpp's rpc-server in a process of its own, for as long as the object lives.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ggml-backend.h>
#include <ggml-rpc.h>

namespace mascing {

class RpcServer {
 public:
  RpcServer() : port_(free_port()) {
    child_ = ::fork();
    if (child_ == 0) {
      ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
      ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);  // not what gtest has in its buffer
      ggml_backend_rpc_start_server(address().c_str(), nullptr, 1, 1, &device);
      ::_exit(0);
    }
    for (int i = 0; i < 600 && !listens(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(listens());
  }
  ~RpcServer() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }
  static int free_port() {
    const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(handle, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size), 0);
    ::close(handle);
    return ntohs(address.sin_port);
  }
  [[nodiscard]] bool listens() const {
    const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(port_);
    const bool is_open =
        ::connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(handle);
    return is_open;
  }

  int port_;
  pid_t child_ = -1;
};

}  // namespace mascing
