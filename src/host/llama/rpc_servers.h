// Devices of llama.cpp's rpc-servers.
#pragma once

#include <string>
#include <vector>

#include <ggml-backend.h>

namespace mascing {

/// The devices of all servers, in their order. A server is tried with a connection of our own
/// first, because libllama ends the process where it cannot reach one. Throws Error{kUsage} for an
/// address that is not host:port, Error{kHost} for one that does not answer.
[[nodiscard]] std::vector<ggml_backend_dev_t> connect_rpc_servers(
    const std::vector<std::string>& servers);

}  // namespace mascing
