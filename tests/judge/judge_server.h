// Runs judge_server.py for the tests of a program.
#pragma once

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace mascing {

class JudgeServer {
 public:
  JudgeServer() {
    setenv("no_proxy", "127.0.0.1", 1);
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) {
      return;
    }
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      execlp("python3", "python3", MASCING_TEST_DATA "/judge/judge_server.py", nullptr);
      _exit(127);
    }
    close(ends[1]);
    FILE* lines = fdopen(ends[0], "r");
    if (lines == nullptr || std::fscanf(lines, "%d", &port_) != 1) {
      port_ = 0;
    }
    if (lines != nullptr) {
      std::fclose(lines);
    }
  }
  JudgeServer(const JudgeServer&) = delete;
  JudgeServer& operator=(const JudgeServer&) = delete;
  ~JudgeServer() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  /// False where there is no python3.
  [[nodiscard]] bool is_running() const { return port_ > 0; }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/v1";
  }

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

}  // namespace mascing
