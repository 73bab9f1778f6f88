// posix_spawn and poll: all three pipes are served at once, so neither side can wait for the other.
#include "base/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "mascing/error.h"

extern char** environ;  // NOLINT: POSIX declares no header for it

namespace mascing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kComplaintBytes = 400;
constexpr double kLongestS = 1e8;  // more overflows the clock
constexpr int kPauseMs = 5;
constexpr int kWatchMs = 100;  // between two questions to the watch

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(ErrorKind::kSystem, "[command] " + what + ": " + std::strerror(error));
}

class File {
 public:
  File() = default;
  explicit File(int number) : number_(number) {}
  File(File&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  File& operator=(File&&) = delete;
  ~File() { close(); }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  void close() {
    if (number_ >= 0) {
      ::close(number_);
      number_ = -1;
    }
  }

 private:
  int number_ = -1;
};

struct Pipe {
  File read_end;
  File write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail("no pipe", errno);
  }
  return {File(ends[0]), File(ends[1])};
}

/// Writing to a program that has ended must give an error, not terminate this process.
class PipeSignalBlock {
 public:
  PipeSignalBlock() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  PipeSignalBlock(const PipeSignalBlock&) = delete;
  PipeSignalBlock& operator=(const PipeSignalBlock&) = delete;
  ~PipeSignalBlock() {
    const timespec none{};
    while (sigtimedwait(&pipe_, nullptr, &none) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

class SpawnSettings {
 public:
  SpawnSettings(const Pipe& in, const Pipe& out, const Pipe& err) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, in.read_end.number(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, out.write_end.number(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err.write_end.number(), STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  [[nodiscard]] pid_t spawn(const std::vector<std::string>& command) const {
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
      arguments.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: posix_spawn keeps them
    }
    arguments.push_back(nullptr);
    pid_t child = -1;
    const int error =
        posix_spawnp(&child, arguments[0], &actions_, &attributes_, arguments.data(), environ);
    if (error != 0) {
      fail("cannot run \"" + printable(command.front()) + "\"", error);
    }
    return child;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// One running program, from its start to its end.
class Child {
 public:
  Child(const std::vector<std::string>& command,
        const std::string& input,
        const ChildLimits& limits)
      : input_(input),
        limits_(limits),
        deadline_(Clock::now() +
                  std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                      std::clamp(limits.timeout_s, 0.0, kLongestS)))) {
    pid_ = SpawnSettings(in_, out_, err_).spawn(command);
    in_.read_end.close();
    out_.write_end.close();
    err_.write_end.close();
    for (const File* file : {&in_.write_end, &out_.read_end, &err_.read_end}) {
      fcntl(file->number(), F_SETFL, O_NONBLOCK);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      finish(true);
    }
  }

  ChildResult run() {
    while (out_.read_end.is_open() || err_.read_end.is_open()) {
      if (Clock::now() >= deadline_ || result_.is_too_long) {
        break;
      }
      ask_watch();
      serve();
    }
    in_.write_end.close();
    while (!has_ended() && Clock::now() < deadline_ && !result_.is_too_long) {
      ask_watch();
      poll(nullptr, 0, kPauseMs);
    }
    finish(false);
    return std::move(result_);
  }

 private:
  [[nodiscard]] int remaining_ms() const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, kWatchMs)) + 1;
  }

  void ask_watch() const {
    if (limits_.watch) {
      limits_.watch();
    }
  }

  void serve() {
    // poll() passes over negative numbers: pipes that are closed already.
    std::array<pollfd, 3> files = {{{in_.write_end.number(), POLLOUT, 0},
                                    {out_.read_end.number(), POLLIN, 0},
                                    {err_.read_end.number(), POLLIN, 0}}};
    if (poll(files.data(), files.size(), remaining_ms()) <= 0) {
      return;
    }
    if (files[0].revents != 0) {
      feed();
    }
    if (files[1].revents != 0 && take(out_.read_end, result_.output)) {
      result_.is_too_long = result_.output.size() > limits_.max_output_bytes;
      result_.output.resize(std::min(result_.output.size(), limits_.max_output_bytes));
    }
    if (files[2].revents != 0 && take(err_.read_end, result_.complaints) &&
        result_.complaints.size() > kComplaintBytes) {
      result_.complaints.erase(0, result_.complaints.size() - kComplaintBytes);
    }
  }

  void feed() {
    const ssize_t n = write(in_.write_end.number(), input_.data() + n_fed_, input_.size() - n_fed_);
    if (n > 0) {
      n_fed_ += n;
    }
    const bool is_refused = n < 0 && errno != EAGAIN && errno != EINTR;
    if (is_refused || n_fed_ == input_.size()) {
      in_.write_end.close();
    }
  }

  /// False if nothing came; closes the pipe at its end.
  static bool take(File& file, std::string& text) {
    std::array<char, 16384> buffer{};
    const ssize_t n = read(file.number(), buffer.data(), buffer.size());
    if (n > 0) {
      text.append(buffer.data(), n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      file.close();
    }
    return n > 0;
  }

  /// Looks without waiting, and leaves the process to be waited for: its number stays ours.
  [[nodiscard]] bool has_ended() const {
    siginfo_t info{};
    const int status = waitid(P_PID, pid_, &info, WEXITED | WNOHANG | WNOWAIT);
    return status == 0 ? info.si_pid == pid_ : errno == ECHILD;
  }

  void finish(bool must_end) {
    if (must_end || !has_ended()) {
      result_.has_timed_out = !must_end && !result_.is_too_long;
    }
    kill(-pid_, SIGKILL);  // what it started ends with it
    int status = 0;
    pid_t waited = waitpid(pid_, &status, 0);
    while (waited < 0 && errno == EINTR) {
      waited = waitpid(pid_, &status, 0);
    }
    pid_ = -1;
    if (waited < 0) {
      result_.exit_code = -1;
      result_.complaints = "how it ended is not known: SIGCHLD is ignored";
      return;
    }
    result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  const std::string& input_;
  ChildLimits limits_;
  Clock::time_point deadline_;
  Pipe in_ = make_pipe();
  Pipe out_ = make_pipe();
  Pipe err_ = make_pipe();
  pid_t pid_ = -1;
  size_t n_fed_ = 0;
  ChildResult result_;
};

}  // namespace

ChildResult run_child(const std::vector<std::string>& command,
                      const std::string& input,
                      const ChildLimits& limits) {
  if (command.empty() || command.front().empty()) {
    throw Error(ErrorKind::kUsage, "[command] no program is named");
  }
  const PipeSignalBlock block;
  return Child(command, input, limits).run();
}

}  // namespace mascing
