// Finding and starting llama-server.
#pragma once

#include <string>
#include <vector>

namespace mascing::cli {

/// `named` if it is not empty; else $MASCING_LLAMA_SERVER, the one built beside our libllama, or
/// the first in PATH. Throws Error{kSystem} if there is none that can be run.
[[nodiscard]] std::string find_server(const std::string& named);

/// Throws Error{kSystem} if somebody listens there already or the address is not ours.
void require_free_port(const std::string& host, int port);

/// Replaces this process by the program: signals reach it directly, its exit code is ours. Returns
/// never; throws Error{kSystem} if it cannot be started.
[[noreturn]] void become(const std::string& program, const std::vector<std::string>& words);

/// $MASCING_CACHE_DIR, else $XDG_CACHE_HOME/mascing, else ~/.cache/mascing: as CMake has it.
[[nodiscard]] std::string cache_folder();

}  // namespace mascing::cli
