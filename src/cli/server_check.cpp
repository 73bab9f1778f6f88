// Three requests for each question (strength 0, the masks' strengths, no strengths), and two greedy
// replies in this process. Prompts are not kept by the server: its cache ignores strengths.
#include "cli/server_check.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/mask_options.h"
#include "format/json_text.h"
#include "judge/http_client.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

using nlohmann::json;

constexpr int64_t kEnoughAnswers = 4;  // to say that a server has another mask

enum class Strengths { kOff, kOn, kUnset };

struct Answers {
  std::string off;
  std::string on;
  std::string unset;  ///< of the server only
};

std::string without_slash(std::string url) {
  while (!url.empty() && url.back() == '/') {
    url.pop_back();
  }
  return url;
}

json body_of(const Conversation& conversation,
             const std::vector<WeightedMask>& masks,
             Strengths strengths,
             int64_t n_token) {
  json messages = json::array();
  for (const Message& message : conversation.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  json body = {{"messages", messages},
               {"temperature", 0},
               {"max_tokens", n_token},
               {"cache_prompt", false},
               {"reasoning_format", "none"}};
  if (strengths != Strengths::kUnset) {
    json adapters = json::array();
    for (size_t i = 0; i < masks.size(); ++i) {
      adapters.push_back(
          {{"id", i}, {"scale", strengths == Strengths::kOn ? masks[i].strength : 0.0}});
    }
    body["lora"] = adapters;
  }
  return body;
}

/// The reply's text.
std::string text_of(const std::string& body, const std::string& url) {
  const json answer = parse_json_or_discard(body);
  const auto at = json::json_pointer("/choices/0/message/content");
  if (answer.is_discarded() || !answer.contains(at) || !answer[at].is_string()) {
    throw Error(ErrorKind::kBadInput,
                "[verify-server] " + url +
                    " answered with something else than a chat completion: " + printable(body, 80),
                "give the address of a llama-server, e.g. http://127.0.0.1:8080");
  }
  return trim(answer[at].get<std::string>());
}

class Server {
 public:
  explicit Server(const ServerCheckOptions& options)
      : options_(options),
        url_(without_slash(options.url) + "/v1/chat/completions"),
        client_(url_, options.key) {}

  std::string ask(const Conversation& conversation,
                  const std::vector<WeightedMask>& masks,
                  Strengths strengths) {
    HttpLimits limits;
    limits.timeout_s = 600.0;
    const json body = body_of(conversation, masks, strengths, options_.n_token);
    const HttpReply reply =
        client_.post(body.dump(-1, ' ', false, json::error_handler_t::replace), limits);
    if (!reply.error.empty()) {
      throw Error(ErrorKind::kSystem,
                  "[verify-server] " + url_ + ": " + printable(reply.error, 200),
                  "start the server first, e.g. with `mascing serve`");
    }
    if (reply.status != 200) {
      throw Error(ErrorKind::kSystem,
                  "[verify-server] " + url_ + " answered with status " +
                      std::to_string(reply.status) + ": " + printable(reply.body, 200),
                  reply.status == 404
                      ? "give the address without a path: http://127.0.0.1:8080"
                      : "the server does not accept chat completions with \"lora\"; "
                        "only llama-server is known to");
    }
    return text_of(reply.body, url_);
  }

 private:
  const ServerCheckOptions& options_;
  std::string url_;
  HttpClient client_;
};

/// Greedy replies of the model in this process, in the order of the prompts; empty texts for those
/// that could not be run.
std::vector<std::string> replies_of(Host& host,
                                    const std::vector<Prompt>& prompts,
                                    const Steering& steering,
                                    int64_t n_token) {
  std::vector<GenerateRequest> requests;
  requests.reserve(prompts.size());
  for (const Prompt& prompt : prompts) {
    requests.push_back({prompt.tokens, steering, 0, prompt.opens_reasoning});
  }
  Sampling sampling;
  sampling.n_max_token = n_token;
  std::vector<std::string> texts;
  for (const Result<Reply>& reply : host.generate(requests, sampling)) {
    texts.push_back(reply.ok() ? trim(reply.value.text) : "");
  }
  return texts;
}

/// Bytes that two texts begin with alike.
size_t n_equal(const std::string& a, const std::string& b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

void compare(const Answers& server, const Answers& exact, ServerCheck& found) {
  ++found.n;
  found.n_server_changed += server.off != server.on ? 1 : 0;
  found.n_exact_changed += exact.off != exact.on ? 1 : 0;
  found.n_same_off += server.off == exact.off ? 1 : 0;
  found.n_same_on += server.on == exact.on ? 1 : 0;
  const bool is_comparable = server.off == exact.off && exact.off != exact.on;
  found.n_comparable += is_comparable ? 1 : 0;
  found.n_same_comparable += is_comparable && server.on == exact.on ? 1 : 0;
  const bool is_like = n_equal(server.on, exact.on) > n_equal(exact.off, exact.on);
  found.n_like_comparable += is_comparable && is_like ? 1 : 0;
  found.n_plain_steered += server.unset == server.on && server.on != server.off ? 1 : 0;
  found.n_plain_unsteered += server.unset == server.off && server.on != server.off ? 1 : 0;
  found.n_off_as_exact += server.off == exact.on && exact.off != exact.on ? 1 : 0;
}

/// Of an adapter, whose fit is never exact, answers end otherwise; but they do not all begin so.
void require_this_mask(const ServerCheckOptions& server, const ServerCheck& found) {
  const std::string answers = std::to_string(found.n_same_comparable) + " of " +
                              std::to_string(found.n_comparable) +
                              " answers that the exact mask changes here";
  if (found.n_comparable >= kEnoughAnswers && found.n_like_comparable == 0) {
    throw Error(ErrorKind::kMismatch,
                "[verify-server] " + printable(server.url, 200) +
                    " acts under something else than this mask: it gives " + answers +
                    ", and none begins as they do",
                "its adapters are of other masks, in another order or at other scales (see GET "
                "/lora-adapters, and give the masks in that order), or fitted badly: `mascing "
                "export --check`");
  }
  if (2 * found.n_same_comparable < found.n_comparable) {
    say_warning(
        "server_differs",
        "under the mask, the server gives " + answers,
        "see GET /lora-adapters for adapters and scales; or the fit is poor: `mascing export "
        "--check`");
  }
}

void print_count(const std::string& what, int64_t n, int64_t n_all) {
  std::cout << what << std::string(what.size() < 52 ? 52 - what.size() : 1, ' ') << n << " of "
            << n_all << '\n';
}

}  // namespace

ServerCheck check_server(const ServerCheckOptions& server,
                         const std::vector<WeightedMask>& masks,
                         const Mask& sum,
                         const ExportOptions& options) {
  const auto host = options.open_host(options.model);
  require_same_model(sum, host->describe());
  std::vector<Conversation> asked;
  std::vector<Prompt> prompts;
  for (const Conversation& conversation : options.conversations) {
    if (std::ssize(asked) == server.n_conversation) {
      break;
    }
    try {
      prompts.push_back(host->render(conversation));
      asked.push_back(conversation);
    } catch (const Error& failure) {
      if (failure.kind() != ErrorKind::kBadInput) {
        throw;
      }
    }
  }
  if (asked.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[verify-server] no conversation to ask",
                "add conversations that end with a user message: --data conversations.jsonl");
  }
  Server remote(server);
  std::vector<Answers> answers;
  answers.reserve(asked.size());
  for (const Conversation& conversation : asked) {
    answers.push_back({remote.ask(conversation, masks, Strengths::kOff),
                       remote.ask(conversation, masks, Strengths::kOn),
                       remote.ask(conversation, masks, Strengths::kUnset)});
  }
  const Steering steering{std::make_shared<const Mask>(sum), sum.alpha};
  const std::vector<std::string> off = replies_of(*host, prompts, {}, server.n_token);
  const std::vector<std::string> on = replies_of(*host, prompts, steering, server.n_token);
  ServerCheck found;
  for (size_t i = 0; i < asked.size(); ++i) {
    compare(answers[i], {off[i], on[i], ""}, found);
  }
  return found;
}

void judge_server(const ServerCheckOptions& server, const ServerCheck& found) {
  print_count("server: answers that the mask changes", found.n_server_changed, found.n);
  print_count("this process, exact mask: answers it changes", found.n_exact_changed, found.n);
  print_count("same answer on both sides, without the mask", found.n_same_off, found.n);
  print_count("same answer on both sides, with the mask", found.n_same_on, found.n);
  print_count("server, no \"lora\" in the request: as with the mask",
              found.n_plain_steered,
              found.n_server_changed);
  print_count("server, no \"lora\" in the request: as without it",
              found.n_plain_unsteered,
              found.n_server_changed);
  std::cout << std::flush;
  if (found.n_exact_changed == 0 && found.n_server_changed == 0) {
    throw Error(ErrorKind::kInsufficient,
                "[verify-server] the mask changes none of these answers, here as little as there",
                "ask what the mask was made for: --data conversations.jsonl");
  }
  const bool is_baked = 2 * found.n_off_as_exact > found.n_exact_changed;
  if (found.n_server_changed == 0 && is_baked) {
    std::cout
        << "the server answers as under the mask at any strength: it is baked into its model\n";
    return;
  }
  if (found.n_server_changed == 0) {
    throw Error(
        ErrorKind::kMismatch,
        "[verify-server] the mask does not act on " + printable(server.url, 200) +
            ": no answer changes between strength 0 and its own, but " +
            std::to_string(found.n_exact_changed) + " of " + std::to_string(found.n) +
            " do in this process",
        "the server has no adapter, ignores \"lora\", or numbers its adapters otherwise; see "
        "GET /lora-adapters");
  }
  require_this_mask(server, found);
  std::cout << "the mask acts on the server\n";
  if (found.n_plain_unsteered > found.n_plain_steered) {
    say_warning("unsteered_by_default",
                "requests without \"lora\" get the model without the mask",
                "load the adapter at a scale other than 0, as `mascing serve` does");
  }
  if (2 * found.n_same_off < found.n) {
    say_warning("another_model",
                "without the mask, most answers differ from those of the model here",
                "compare model file, chat template and --reasoning of both sides");
  }
}

}  // namespace mascing::cli
