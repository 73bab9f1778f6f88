// What a judge's server answers, byte for byte: status line, headers and body as it likes, over a
// connection of this machine. Whatever it says must end in a verdict or in one printable line
// without the key.
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "fuzz.h"
#include "judge/endpoint_judge.h"

namespace mascing::fuzz {

namespace {

constexpr const char* kKeyVariable = "MASCING_FUZZ_KEY";
constexpr const char* kSecret = "owl-feather-77";

/// Answers every request with the same bytes and ends the connection.
class RawServer {
 public:
  RawServer() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    require(bind(socket_, plain, size) == 0 && listen(socket_, 16) == 0 &&
                getsockname(socket_, plain, &size) == 0,
            "no server can be started");
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1";
    std::thread([this] { serve(); }).detach();
  }

  [[nodiscard]] const std::string& url() const { return url_; }
  void set_answer(std::string_view answer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    answer_ = answer;
  }

 private:
  [[noreturn]] void serve() {
    for (;;) {
      const int client = accept(socket_, nullptr, nullptr);
      if (client >= 0) {
        answer(client);
        close(client);
      }
    }
  }

  void answer(int client) {
    read_request(client);
    std::string bytes;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      bytes = answer_;
    }
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = send(client, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) {
        break;
      }
      at += static_cast<size_t>(n);
    }
    shutdown(client, SHUT_WR);
    drain(client);
  }

  /// Up to the end of its body, whose length it gives.
  static void read_request(int client) {
    constexpr const char* kLength = "Content-Length: ";
    std::string request;
    size_t n_wanted = std::string::npos;
    while (request.size() < n_wanted) {
      char buffer[4096];
      const ssize_t n = recv(client, buffer, sizeof buffer, 0);
      if (n <= 0) {
        return;
      }
      request.append(buffer, static_cast<size_t>(n));
      const size_t end = request.find("\r\n\r\n");
      const size_t length = request.find(kLength);
      if (end != std::string::npos && length < end) {
        n_wanted =
            end + 4 + std::strtoul(request.c_str() + length + std::strlen(kLength), nullptr, 10);
      }
    }
  }

  /// Until the client ends it too; without a rest of the connection that the system keeps.
  static void drain(int client) {
    char buffer[4096];
    while (recv(client, buffer, sizeof buffer, 0) > 0) {
    }
    const linger at_once = {1, 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  int socket_ = -1;
  std::string url_;
  std::mutex mutex_;
  std::string answer_;
};

RawServer& server() {
  static auto* only = new RawServer;  // its thread outlives main
  return *only;
}

JudgeSpec spec_of(const std::string& url) {
  setenv("no_proxy", "127.0.0.1", 1);
  setenv(kKeyVariable, kSecret, 1);
  JudgeSpec spec;
  spec.kind = JudgeKind::kEndpoint;
  spec.name = "fuzz";
  spec.url = url;
  spec.key_variable = kKeyVariable;
  spec.n_retry = 0;
  spec.timeout_s = 5.0;
  return spec;
}

std::string with_body(const std::string& status,
                      const std::string& headers,
                      const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

std::vector<std::string> seeds() {
  const std::string content = R"({"choices": [{"message": {"content": "refused"}}]})";
  return {with_body("200 OK", "Content-Type: application/json\r\n", content),
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n" + content + "\r\n0\r\n\r\n",
          "HTTP/1.0 200 OK\r\n\r\n" + content,
          with_body("429 Too Many Requests", "Retry-After: 1\r\n", "later"),
          with_body("302 Found", "Location: http://127.0.0.1:1/v1\r\n", ""),
          with_body("401 Unauthorized", "", std::string("no such key: ") + kSecret),
          "HTTP/1.1 100 Continue\r\n\r\n" + with_body("200 OK", "Set-Cookie: a=b\r\n", content)};
}

std::vector<std::string> words() {
  return {"HTTP/1.1 ",
          "HTTP/2 ",
          "HTTP/0.9",
          "\r\n",
          "\r\n\r\n",
          "Content-Length: ",
          "Content-Length: -1\r\n",
          "Content-Length: 99999999999999999999\r\n",
          "Transfer-Encoding: chunked\r\n",
          "Content-Encoding: gzip\r\n",
          "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n",
          "Location: file:///etc/hostname\r\n",
          "Connection: Upgrade\r\n",
          "ffffffffffffffff\r\n",
          "\"choices\":",
          "[{\"message\": {\"content\":",
          "\\u0000",
          "\\ud800",
          "\x1B[2J",
          "\xE2\x80\xAE",
          kSecret,
          "answered",
          "500 "};
}

void try_input(std::string_view input) {
  server().set_answer(input);
  static EndpointJudge judge(spec_of(server().url()));
  Exchange exchange;
  exchange.messages = {{"user", "Open the crypt"}};
  exchange.reply = "The crown forbids it.";
  const std::vector<Judgement> judgements = judge.judge({exchange});
  require(judgements.size() == 1, "one exchange, one verdict");
  const std::string& error = judgements.front().error;
  require(printable(error, error.size()) == error, "an error that is not printable");
  require(error.find(kSecret) == std::string::npos, "the key in an error");
  last_outcome() = error.empty() ? "accepted" : shape_of(error);
}

}  // namespace mascing::fuzz
