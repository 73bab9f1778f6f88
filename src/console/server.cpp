// cpp-httplib, as libllama's own package has it. One answer at a time: whoever comes meanwhile is
// told so.
#include "console/server.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include <cpp-httplib/httplib.h>
#include <nlohmann/json.hpp>

#include "base/secret.h"
#include "console/gate.h"
#include "mascing/error.h"
#include "report/bundle.h"
#include "report/style_sheet.h"

namespace mascing::console {
namespace {

constexpr int64_t kTokenBytes = 16;
constexpr std::chrono::milliseconds kPause{50};  ///< between two looks at should_stop

constexpr const char* kPage =
    R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mascing console</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="console.css">
<script src="console.js" defer></script>
</head>
<body><noscript>The console needs JavaScript.</noscript></body>
</html>
)html";

/// Nothing from elsewhere, nothing inline, in no frame, kept in no cache.
const httplib::Headers& safe_headers() {
  static const httplib::Headers headers = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
       "data:; "
       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"Cache-Control", "no-store"},
      {"Referrer-Policy", "no-referrer"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"}};
  return headers;
}

void refuse(httplib::Response& response, const Refusal& refusal) {
  const nlohmann::json body = {
      {"type", "error"}, {"message", refusal.message}, {"hint", refusal.hint}};
  response.status = refusal.status;
  response.set_content(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                       "application/json");
}

Knock knock_of(const httplib::Request& request) {
  return {request.method,
          request.path,
          request.get_header_value("Host"),
          request.get_header_value("Origin"),
          request.get_header_value("Sec-Fetch-Site"),
          request.get_header_value("Content-Type")};
}

/// What httplib itself refuses has a status only.
Refusal words_of(int status) {
  switch (status) {
    case 404:
      return {404,
              "there is nothing at this address",
              "the page is at the address with a / at its end"};
    case 413:
      return {413,
              "the request has more than " + std::to_string(kMaxBodyBytes) + " bytes",
              "start a new conversation"};
    default:
      return {status, "the request was not understood", "docs/console.md has its form"};
  }
}

/// Takes the one place for an answer, if it is free, and gives it back at the end.
class Place {
 public:
  explicit Place(std::atomic<bool>& is_taken)
      : is_taken_(is_taken), has_it_(!is_taken.exchange(true)) {}
  ~Place() { give_back(); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] bool has_it() const { return has_it_; }
  void give_back() {
    if (std::exchange(has_it_, false)) {
      is_taken_ = false;
    }
  }

 private:
  std::atomic<bool>& is_taken_;
  bool has_it_;
};

}  // namespace

class Server::Impl {
 public:
  Impl(Answers& answers, int port) : answers_(answers), gate_(random_hex(kTokenBytes), bind(port)) {
    server_.set_default_headers(safe_headers());
    server_.set_payload_max_length(kMaxBodyBytes);
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(2);
    server_.set_pre_routing_handler([this](const auto& request, auto& response) {
      const auto refusal = gate_.why_refused(knock_of(request));
      if (refusal) {
        refuse(response, *refusal);
      }
      return refusal ? httplib::Server::HandlerResponse::Handled
                     : httplib::Server::HandlerResponse::Unhandled;
    });
    server_.set_error_handler([](const auto& /*request*/, auto& response) {
      if (response.body.empty()) {
        refuse(response, words_of(response.status));
      }
    });
    server_.Get(".*", [this](const auto& request, auto& response) { show(request, response); });
    server_.Post(".*", [this](const auto& request, auto& response) { answer(request, response); });
  }

  [[nodiscard]] const Gate& gate() const { return gate_; }

  void run(const std::function<bool()>& should_stop) {
    std::thread listening([this] { server_.listen_after_bind(); });
    server_.wait_until_ready();
    while (!should_stop() && server_.is_running()) {
      std::this_thread::sleep_for(kPause);
    }
    server_.stop();
    listening.join();
  }

 private:
  /// Two consoles must not share a port, as httplib's own options would let them.
  int bind(int port) {
    server_.set_socket_options(
        [](socket_t socket) { httplib::set_socket_opt(socket, SOL_SOCKET, SO_REUSEADDR, 1); });
    const int bound = port == 0 ? server_.bind_to_any_port("127.0.0.1")
                      : server_.bind_to_port("127.0.0.1", port) ? port
                                                                : -1;
    if (bound < 0) {
      throw Error(ErrorKind::kSystem,
                  "[console] port " + std::to_string(port) + " of 127.0.0.1 cannot be had",
                  "another program may use it; --port 0 takes a free one");
    }
    return bound;
  }

  void show(const httplib::Request& request, httplib::Response& response) {
    const std::string name = gate_.name_of(request.path);
    if (name == "/") {
      response.set_content(kPage, "text/html; charset=utf-8");
    } else if (name == "/console.js") {
      response.set_content(console_script(), "text/javascript; charset=utf-8");
    } else if (name == "/console.css") {
      response.set_content(std::string(colour_sheet()) + console_style(),
                           "text/css; charset=utf-8");
    } else if (name == "/facts") {
      response.set_content(answers_.facts(), "application/json");
    } else {
      response.status = 404;
    }
  }

  void answer(const httplib::Request& request, httplib::Response& response) {
    if (gate_.name_of(request.path) != "/ask") {
      response.status = 404;
      return;
    }
    const auto place = std::make_shared<Place>(is_answering_);
    if (!place->has_it()) {
      refuse(response,
             {409, "the console is busy with another answer", "ask again when it is done"});
      return;
    }
    Question question;
    try {
      question = parse_question(request.body, answers_.defaults());
    } catch (const Error& error) {
      refuse(response, {400, error.what(), error.hint()});
      return;
    }
    response.set_chunked_content_provider(
        "application/x-ndjson",
        [this, place, question](size_t /*offset*/, httplib::DataSink& sink) {
          answers_.answer(
              question,
              {[&](const std::string& line) { return sink.write(line.data(), line.size()); },
               [&] { return sink.is_writable(); }});
          place->give_back();  // before the client learns that the answer is complete
          sink.done();
          return true;
        });
  }

  Answers& answers_;
  httplib::Server server_;
  Gate gate_;
  std::atomic<bool> is_answering_ = false;
};

Server::Server(Answers& answers, int port) {
  if (*console_script() == '\0') {
    throw Error(ErrorKind::kUsage,
                "[console] this build has no page: npm was missing when it was configured",
                "install npm, then configure and build again; `mascing chat` needs no page");
  }
  impl_ = std::make_unique<Impl>(answers, port);
}

Server::~Server() = default;

std::string Server::url() const {
  return impl_->gate().url();
}

void Server::run(const std::function<bool()>& should_stop) {
  impl_->run(should_stop);
}

}  // namespace mascing::console
