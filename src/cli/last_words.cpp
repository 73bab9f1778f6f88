// Signal handlers write with one system call and leave: nothing else is safe there.
#include "cli/last_words.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include <unistd.h>

#include "base/text.h"
#include "mascing/llama_host.h"

namespace mascing::cli {
namespace {

constexpr std::string_view kDivision =
    "mascing: error: [engine] the inference engine divided by zero\n"
    "  hint: the model file states impossible sizes; see them with `mascing inspect --no-probe`, "
    "or "
    "download it again\n";
constexpr std::string_view kShortened =
    "mascing: error: [read] a file that is being read was shortened, or its disk fails\n"
    "  hint: copy the model again, and do not change files while mascing runs\n";
constexpr std::string_view kServerLost =
    "mascing: error: [engine] an rpc-server ended, or the connection to it broke\n"
    "  hint: start it again and run the same command; finished work is saved where the command "
    "writes a "
    "folder or a journal\n";
constexpr std::string_view kMemory =
    "mascing: error: out of memory\n"
    "  hint: use a smaller model or, where the command has them, a smaller --parallel and "
    "--context, or "
    "raise the limit (ulimit -v)\n";

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
  leave(signal_number == SIGFPE ? kDivision : kShortened);
}

void on_engine_abort(const char* message) {
  const std::string reason = printable(message == nullptr ? "" : message, 400);
  if (reason.find("RPC server") != std::string::npos) {
    leave(kServerLost);
  }
  leave(
      "mascing: error: [engine] the inference engine gave up: " + without_folders(reason) +
      "\n  hint: the model file may be damaged or too large for this machine; try `mascing inspect "
      "--no-probe`, or a smaller --context\n");
}

[[noreturn]] void on_terminate() {
  std::string reason = "unknown";
  try {
    if (const std::exception_ptr error = std::current_exception()) {
      std::rethrow_exception(error);
    }
  } catch (const std::bad_alloc&) {
    leave(kMemory);
  } catch (const std::exception& error) {
    reason = printable(error.what(), 400);
  } catch (...) {
  }
  leave("mascing: error: unexpected end: " + reason +
        "\n  hint: please report this together with the command you ran\n");
}

}  // namespace

void install_last_words() {
  std::signal(SIGFPE, on_fault);
  std::signal(SIGBUS, on_fault);
  std::set_terminate(on_terminate);
  set_engine_abort_handler(on_engine_abort);
}

}  // namespace mascing::cli
