// The devices are not registered with ggml: other models of the process do not use them.
#include "host/llama/rpc_servers.h"

#include <charconv>

#include "base/reachable.h"
#include "base/text.h"
#include "host/llama/back_ends.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int kPatienceMs = 5000;
constexpr int64_t kLastPort = 65535;

using AddServer = ggml_backend_reg_t (*)(const char* endpoint);

struct Endpoint {
  std::string host;
  std::string port;
};

Endpoint parse_endpoint(const std::string& server) {
  const size_t colon = server.find(':');
  Endpoint endpoint{server.substr(0, colon),
                    colon == std::string::npos ? "" : server.substr(colon + 1)};
  int64_t port = 0;
  const char* end = endpoint.port.data() + endpoint.port.size();
  const auto [stop, status] = std::from_chars(endpoint.port.data(), end, port);
  if (endpoint.host.empty() || status != std::errc() || stop != end || port < 1 ||
      port > kLastPort) {
    throw Error(ErrorKind::kUsage,
                "[engine] --rpc: \"" + printable(server) + "\" is not host:port",
                "use a form such as --rpc 192.168.1.2:50052,192.168.1.3:50052");
  }
  return endpoint;
}

}  // namespace

std::vector<ggml_backend_dev_t> connect_rpc_servers(const std::vector<std::string>& servers) {
  std::vector<ggml_backend_dev_t> devices;
  for (const std::string& server : servers) {
    const Endpoint endpoint = parse_endpoint(server);
    const std::string why = why_unreachable(endpoint.host, endpoint.port, kPatienceMs);
    if (!why.empty()) {
      throw Error(ErrorKind::kHost,
                  "[engine] the rpc-server " + printable(server) + " does not answer: " + why,
                  "start it there, `ggml-rpc-server -H ADDRESS -p PORT`, of the same version of "
                  "llama.cpp, and see that no firewall is between");
    }
    load_back_ends();
    ggml_backend_reg_t reg = back_end_function<AddServer>(
        ggml_backend_reg_by_name("RPC"), "ggml_backend_rpc_add_server")(server.c_str());
    for (size_t i = 0; reg != nullptr && i < ggml_backend_reg_dev_count(reg); ++i) {
      devices.push_back(ggml_backend_reg_dev_get(reg, i));
    }
  }
  return devices;
}

}  // namespace mascing
