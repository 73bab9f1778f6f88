// POSIX: access, bind, execv.
#include "cli/server_program.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/files.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

struct AddressDeleter {
  void operator()(addrinfo* address) const { ::freeaddrinfo(address); }
};

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool can_run(const std::string& path) {
  return !path.empty() && ::access(path.c_str(), X_OK) == 0;
}

std::string search_path(const std::string& name) {
  std::istringstream folders(from_environment("PATH"));
  std::string folder;
  while (std::getline(folders, folder, ':')) {
    std::string path = path_within(folder, name);
    if (can_run(path)) {
      return path;
    }
  }
  return "";
}

}  // namespace

std::string find_server(const std::string& named) {
  std::string wanted = named.empty() ? from_environment("MASCING_LLAMA_SERVER") : named;
  if (!wanted.empty()) {
    if (can_run(wanted)) {
      return wanted;
    }
    throw Error(ErrorKind::kSystem,
                "[serve] " + wanted + " is not an executable program",
                "build llama-server with scripts/build_server.sh");
  }
  if (can_run(MASCING_BUILT_SERVER)) {
    return MASCING_BUILT_SERVER;
  }
  std::string found = search_path("llama-server");
  if (found.empty()) {
    throw Error(ErrorKind::kSystem,
                "[serve] llama-server was not found",
                "build it once with scripts/build_server.sh (a few minutes), or pass --server");
  }
  return found;
}

void require_free_port(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  const int status = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  if (status != 0) {
    throw Error(ErrorKind::kSystem,
                "[serve] " + host + " is not a valid address: " + ::gai_strerror(status),
                "use --host 127.0.0.1, or 0.0.0.0 for all interfaces");
  }
  const std::unique_ptr<addrinfo, AddressDeleter> address(found);
  const int opened = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const int bound = ::bind(opened, address->ai_addr, address->ai_addrlen);
  const int code = errno;
  ::close(opened);
  if (bound != 0) {
    throw Error(ErrorKind::kSystem,
                "[serve] cannot listen on " + host + ":" + service + ": " + std::strerror(code),
                code == EADDRINUSE ? "the port is in use; choose another --port"
                                   : "choose another --host or --port");
  }
}

void become(const std::string& program, const std::vector<std::string>& words) {
  std::vector<std::string> copies = {program};
  copies.insert(copies.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  arguments.reserve(copies.size() + 1);
  for (std::string& word : copies) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  throw Error(ErrorKind::kSystem,
              "[serve] cannot start " + program + ": " + std::strerror(errno),
              "check that the program is built for this machine");
}

std::vector<std::string> template_words(const TemplateOptions& options) {
  std::vector<std::string> words;
  if (options.reasoning != ReasoningMode::kSkip) {
    words = {"--reasoning", to_string(options.reasoning)};
  }
  if (!options.arguments.empty()) {
    std::string object;
    for (const auto& [name, value] : options.arguments) {
      object.append(object.empty() ? "{\"" : ", \"").append(name).append("\": ").append(value);
    }
    words.insert(words.end(), {"--chat-template-kwargs", object + "}"});
  }
  return words;
}

std::string cache_folder() {
  if (std::string own = from_environment("MASCING_CACHE_DIR"); !own.empty()) {
    return own;
  }
  const std::string shared = from_environment("XDG_CACHE_HOME");
  return (shared.empty() ? from_environment("HOME") + "/.cache" : shared) + "/mascing";
}

}  // namespace mascing::cli
