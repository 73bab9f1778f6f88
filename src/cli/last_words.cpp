// Signal handlers write with one system call and leave: nothing else is safe there.
#include "cli/last_words.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/messages.h"
#include "mascing/llama_host.h"

namespace mascing::cli {
namespace {

/// What a handler says, made before it is needed: folded, or on one line.
struct PreparedWords {
  std::string division =
      error_text("[engine] the inference engine divided by zero",
                 "the model file states impossible sizes; see them with `mascing inspect "
                 "--no-probe`, or download it again");
  std::string shortened =
      error_text("[read] a file that is being read was shortened, or its disk fails",
                 "copy the model again, and do not change files while mascing runs");
  std::string server_lost =
      error_text("[engine] an rpc-server ended, or the connection to it broke",
                 "start it again and run the same command; finished work is saved where the "
                 "command writes a folder or a journal");
  std::string stack =
      error_text("[read] something in a file nests, or calls itself, without end",
                 "macros of a chat template may do that: look at the model with `mascing inspect "
                 "--no-probe`, or take it from another source");
  std::string memory =
      error_text("out of memory",
                 "use a smaller model or, where the command has them, a smaller --parallel and "
                 "--context, or raise the limit (ulimit -v)");
};

const PreparedWords& prepared() {
  static const PreparedWords words;
  return words;
}

/// Several threads may end at once; the first one speaks.
[[noreturn]] void leave(std::string_view words) {
  static std::atomic_flag is_leaving = ATOMIC_FLAG_INIT;
  while (is_leaving.test_and_set()) {
    ::pause();
  }
  (void)!::write(STDERR_FILENO, words.data(), words.size());
  ::_exit(1);
}

/// A reason begins with the place in the engine's source; its folder was on the machine that built
/// it.
std::string without_folders(const std::string& reason) {
  const size_t slash = reason.rfind('/', reason.find(':'));
  return slash == std::string::npos ? reason : reason.substr(slash + 1);
}

extern "C" void on_fault(int signal_number) {
  leave(signal_number == SIGFPE ? prepared().division : prepared().shortened);
}

/// The stack of the main thread, and what faults did before.
struct MainStack {
  uintptr_t low = 0;
  uintptr_t high = 0;
  struct sigaction before {};
};
MainStack main_stack;  // NOLINT: a handler cannot be given it

extern "C" void on_bad_address(int signal_number, siginfo_t* facts, void* /*context*/) {
  const auto place = reinterpret_cast<uintptr_t>(facts->si_addr);
  if (facts->si_code > 0 && place >= main_stack.low && place < main_stack.high) {
    leave(prepared().stack);
  }
  (void)::sigaction(SIGSEGV, &main_stack.before, nullptr);
  if (facts->si_code <= 0) {  // sent by a process; any other comes again by itself
    (void)::raise(signal_number);
  }
}

/// A full stack has no room for a handler, which gets one of its own.
void watch_stack() {
  constexpr size_t kOwnBytes = size_t{64} << 10;
  constexpr uintptr_t kGapBytes = uintptr_t{1} << 20;  // that the system keeps free below
  static std::array<std::byte, kOwnBytes> own;
  stack_t other{};
  other.ss_sp = own.data();
  other.ss_size = own.size();
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      ::sigaltstack(&other, nullptr) != 0) {
    return;
  }
  main_stack.high = reinterpret_cast<uintptr_t>(&limit);
  main_stack.low = main_stack.high - limit.rlim_cur - kGapBytes;
  struct sigaction action {};
  action.sa_sigaction = on_bad_address;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  (void)::sigaction(SIGSEGV, &action, &main_stack.before);
}

void on_engine_abort(const char* message) {
  const std::string reason = printable(message == nullptr ? "" : message, 400);
  if (reason.find("RPC server") != std::string::npos) {
    leave(prepared().server_lost);
  }
  leave(error_text("[engine] the inference engine gave up: " + without_folders(reason),
                   "the model file may be damaged or too large for this machine; try `mascing "
                   "inspect --no-probe`, or a smaller --context"));
}

[[noreturn]] void on_terminate() {
  std::string reason = "unknown";
  try {
    if (const std::exception_ptr error = std::current_exception()) {
      std::rethrow_exception(error);
    }
  } catch (const std::bad_alloc&) {
    leave(prepared().memory);
  } catch (const std::exception& error) {
    reason = printable(error.what(), 400);
  } catch (...) {
  }
  leave(error_text("unexpected end: " + reason,
                   "please report this together with the command you ran"));
}

}  // namespace

void install_last_words() {
  (void)prepared();
  std::signal(SIGFPE, on_fault);
  std::signal(SIGBUS, on_fault);
  watch_stack();
  std::set_terminate(on_terminate);
  set_engine_abort_handler(on_engine_abort);
}

}  // namespace mascing::cli
