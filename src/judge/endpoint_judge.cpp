// A few threads, each with its own connection, take exchanges from a shared counter.
#include "judge/endpoint_judge.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/numeric.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/text.h"
#include "format/json_text.h"
#include "judge/http_client.h"
#include "judge/judge_text.h"
#include "judge/known_exchanges.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr const char* kCompletions = "/chat/completions";
constexpr double kFirstPause = 0.5;     // seconds
constexpr double kLongestPause = 30.0;  // seconds
constexpr size_t kMostBodyBytes = 1U << 20;
constexpr std::chrono::milliseconds kWatchPause(100);

std::string completions_url(const JudgeSpec& spec) {
  std::string url = spec.url;
  const size_t scheme = url.find("://");
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  if (!is_http || url.size() <= scheme + 3) {
    throw Error(ErrorKind::kUsage,
                "[judge] \"" + printable(url) + "\" is not an http:// or https:// URL",
                "use the URL of the server, such as http://localhost:8000/v1");
  }
  const std::string host =
      url.substr(scheme + 3, url.find_first_of("/?#", scheme + 3) - scheme - 3);
  if (host.find('@') != std::string::npos) {
    throw Error(ErrorKind::kUsage,
                "[judge] the URL of '" + spec.name + "' contains a user name or password",
                "URLs are written to the results; use an environment variable and key_env instead");
  }
  url.resize(std::min(url.find('#'), url.size()));
  const size_t end = std::min(url.find('?'), url.size());
  const std::string query = url.substr(end);
  url.resize(end);
  while (url.ends_with('/')) {
    url.pop_back();
  }
  return (url.ends_with(kCompletions) ? url : url + kCompletions) + query;
}

std::string secret_from(const JudgeSpec& spec) {
  if (spec.key_variable.empty()) {
    return "";
  }
  const char* value = std::getenv(spec.key_variable.c_str());
  std::string secret = value == nullptr ? "" : trim(value);
  const bool is_plain =
      std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (secret.empty() || !is_plain) {
    throw Error(ErrorKind::kUsage,
                "[judge] '" + spec.name + "' needs its key in the environment variable " +
                    spec.key_variable + ", which is " +
                    (secret.empty() ? "not set" : "not a single word of ASCII characters"),
                "export " + spec.key_variable + "=... before starting mascing");
  }
  return secret;
}

/// choices[0].message.content; throws Error{kBadInput} if there is none.
std::string content_of(const std::string& body) {
  const json root = parse_json(body, "[judge] its answer", "");
  const json::json_pointer content("/choices/0/message/content");
  const bool has_text = root.is_object() && root.contains(content) && root.at(content).is_string();
  if (!has_text) {
    throw Error(ErrorKind::kBadInput, "[judge] its answer has no choices[0].message.content");
  }
  return root.at(content).get<std::string>();
}

bool may_pass(long status) {  // NOLINT: curl's type
  return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace

/// What the threads of one call share. Whoever waits is woken when the last one has ended, or when
/// all must stop.
struct EndpointCall {
  std::atomic<size_t> next{0};
  std::atomic<bool> must_stop{false};
  std::mutex mutex = {};
  std::condition_variable changed = {};
  size_t n_ended = 0;  // guarded by the mutex

  void stop() {
    const std::lock_guard lock(mutex);
    must_stop = true;
    changed.notify_all();
  }
  void end_one() {
    const std::lock_guard lock(mutex);
    ++n_ended;
    changed.notify_all();
  }
  void pause(double seconds) {
    std::unique_lock lock(mutex);
    changed.wait_for(
        lock, std::chrono::duration<double>(seconds), [this] { return must_stop.load(); });
  }
  /// Until all have ended; asks the watch meanwhile.
  void wait_for_all(size_t n_thread, const JudgeWatch& watch) {
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, kWatchPause, [&] { return n_ended == n_thread; })) {
      if (watch) {
        lock.unlock();
        watch();
        lock.lock();
      }
    }
  }
};

/// State of one exchange until its verdict.
class EndpointRequest {
 public:
  EndpointRequest(const EndpointJudge& judge, HttpClient& client, EndpointCall& call)
      : judge_(judge), client_(client), call_(call), start_(Clock::now()) {}

  Judgement run(const Exchange& exchange, uint64_t stream) {
    const std::string body = judge_.body_for(exchange);
    Judgement judgement;
    for (int64_t attempt = 0;; ++attempt) {
      double pause_s = pause_after(attempt, stream);
      if (try_once(body, judgement, pause_s)) {
        return judgement;
      }
      if (call_.must_stop || attempt >= judge_.spec_.n_retry) {
        judgement.error += " (" + std::to_string(attempt + 1) + " attempts)";
        return judgement;
      }
      if (pause_s >= remaining_s()) {
        judgement.error += " (no time left for another attempt within " +
                           format_number(judge_.spec_.patience_s, 1) + " s)";
        return judgement;
      }
      call_.pause(pause_s);
    }
  }

 private:
  [[nodiscard]] double remaining_s() const {
    const std::chrono::duration<double> elapsed = Clock::now() - start_;
    return judge_.spec_.patience_s - elapsed.count();
  }

  /// Exponential backoff with random jitter, so that requests that failed together spread out.
  static double pause_after(int64_t attempt, uint64_t stream) {
    const double longest = std::min(kLongestPause, kFirstPause * std::exp2(attempt));
    const auto draw = static_cast<int64_t>(mix_seed(stream, attempt) % 1000);
    return longest * (0.5 + ratio(draw, 2000));
  }

  /// True if no attempts are left. Raises `pause_s` to the pause requested by the server.
  bool try_once(const std::string& body, Judgement& judgement, double& pause_s) {
    const double timeout_s = std::min(judge_.spec_.timeout_s, std::max(0.05, remaining_s()));
    const HttpReply reply = client_.post(body, {timeout_s, kMostBodyBytes, &call_.must_stop});
    judgement = {};
    if (!reply.error.empty()) {
      judgement.error = reply.error;
      return reply.is_too_long;
    }
    if (reply.status != 200) {
      judgement.error = "HTTP " + std::to_string(reply.status) +
                        (reply.body.empty() ? "" : ": " + judge_.shown(reply.body));
      pause_s = std::max(pause_s, reply.retry_after_s);
      return !may_pass(reply.status);
    }
    try {
      judgement = judgement_of(content_of(reply.body), judge_.spec_.question);
      if (!judgement.ok()) {
        judgement.error = judge_.shown(judgement.error);
      }
      return true;
    } catch (const Error& error) {
      judgement.error = judge_.shown(error.what());
      return false;
    }
  }

  const EndpointJudge& judge_;
  HttpClient& client_;
  EndpointCall& call_;
  Clock::time_point start_;
};

EndpointJudge::EndpointJudge(JudgeSpec spec, JudgeWatch watch)
    : spec_(std::move(spec)),
      watch_(std::move(watch)),
      url_(completions_url(spec_)),
      secret_(secret_from(spec_)) {
  if (spec_.question.prompt.empty()) {
    spec_.question.prompt = plain_prompt();
  }
}

std::string EndpointJudge::key() const {
  return sha256_hex("endpoint\n" + url_ + '\n' + spec_.served_model + '\n' +
                    question_key(spec_.question));
}

std::string EndpointJudge::body_for(const Exchange& exchange) const {
  json body = {
      {"messages", {{{"role", "user"}, {"content", fill_prompt(spec_.question.prompt, exchange)}}}},
      {"temperature", 0},
      {"max_tokens", spec_.question.n_max_token}};
  if (!spec_.served_model.empty()) {
    body["model"] = spec_.served_model;
  }
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string EndpointJudge::shown(const std::string& text) const {
  std::string told;
  size_t at = 0;
  for (size_t found = 0;
       !secret_.empty() && (found = text.find(secret_, at)) != std::string::npos;) {
    told.append(text, at, found - at).append("(key)");
    at = found + secret_.size();
  }
  told.append(text, at);
  return printable(trim(told), 160);
}

std::vector<Judgement> EndpointJudge::judge(const std::vector<Exchange>& exchanges) {
  std::vector<Judgement> judgements(exchanges.size());
  const size_t n_thread =
      std::min<int64_t>(std::ssize(exchanges), std::max<int64_t>(1, spec_.n_parallel));
  std::vector<HttpClient> clients;
  for (size_t i = 0; i < n_thread; ++i) {
    clients.emplace_back(url_, secret_);
  }
  EndpointCall call;
  const auto work = [&](size_t i_thread) {
    for (size_t i = call.next++; i < exchanges.size() && !call.must_stop; i = call.next++) {
      try {
        judgements[i] = EndpointRequest(*this, clients[i_thread], call).run(exchanges[i], i);
      } catch (const std::exception& error) {
        judgements[i].error = error.what();
      }
    }
    call.end_one();
  };
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < n_thread; ++i) {
    threads.emplace_back(work, i);
  }
  try {
    call.wait_for_all(n_thread, watch_);
  } catch (...) {
    call.stop();
    throw;
  }
  return judgements;
}

void EndpointJudge::self_test() {
  check_known(*this, known_exchanges(spec_));
}

}  // namespace mascing
