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
  std::set_terminate(on_terminate);
  set_engine_abort_handler(on_engine_abort);
}

}  // namespace mascing::cli
