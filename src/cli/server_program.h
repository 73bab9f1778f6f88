// Finds and starts llama-server.
#pragma once

#include <string>
#include <vector>

namespace mascing::cli {

/// `named` if not empty; else $MASCING_LLAMA_SERVER, the one built next to our libllama, or the
/// first in PATH. Throws Error{kSystem} if none can be run.
[[nodiscard]] std::string find_server(const std::string& named);

/// Throws Error{kSystem} if the port is in use or the address does not belong to this machine.
void require_free_port(const std::string& host, int port);

/// Replaces this process with the program, so signals and the exit code are passed through. Never
/// returns; throws Error{kSystem} if the program cannot be started.
[[noreturn]] void become(const std::string& program, const std::vector<std::string>& words);

/// $MASCING_CACHE_DIR, else $XDG_CACHE_HOME/mascing, else ~/.cache/mascing, as in CMake.
[[nodiscard]] std::string cache_folder();

}  // namespace mascing::cli
