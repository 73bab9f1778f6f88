// Finds and starts llama-server, and says what it is told.
#pragma once

#include <string>
#include <vector>

#include "mascing/template_options.h"

namespace mascing::cli {

/// `named` if not empty; else $MASCING_LLAMA_SERVER, the one built next to our libllama, or the
/// first in PATH. Throws Error{kSystem} if none can be run.
[[nodiscard]] std::string find_server(const std::string& named);

/// Throws Error{kSystem} if the port is in use or the address does not belong to this machine.
void require_free_port(const std::string& host, int port);

/// Replaces this process with the program, so signals and the exit code are passed through. Never
/// returns; throws Error{kSystem} if the program cannot be started.
[[noreturn]] void become(const std::string& program, const std::vector<std::string>& words);

/// What the chat template is to do, as options of llama-server. The reasoning is always said: by
/// itself the server lets every model reason that can, and masks are measured as it was said here.
/// It has no word for ReasoningMode::kSkip, which is left out.
[[nodiscard]] std::vector<std::string> template_words(const TemplateOptions& options);

/// $MASCING_CACHE_DIR, else $XDG_CACHE_HOME/mascing, else ~/.cache/mascing, as in CMake.
[[nodiscard]] std::string cache_folder();

}  // namespace mascing::cli
