// Both replies are requests of one call of the host, so they share decodes. The routing is observed
// afterwards, so that it costs the replies nothing.
#include "console/answers.h"

#include <array>
#include <chrono>
#include <cmath>
#include <exception>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "console/reply_follower.h"
#include "mascing/error.h"
#include "stage/selection_rates.h"

namespace mascing::console {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::array<const char*, 2> kSides = {"base", "steered"};

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Ends the call if nobody reads what is written.
void write(const AnswerSink& sink, const json& line) {
  if (!sink.write(line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n")) {
    throw Error(ErrorKind::kInterrupted, "[console] the page was closed");
  }
}

/// Also ends the host's calls when nobody reads any more; the earlier watch is asked, too.
class WatchGuard {
 public:
  WatchGuard(Host& host, const AnswerSink& sink) : host_(host), before_(host.set_watch({})) {
    host_.set_watch([&sink, before = before_](const HostCounters& so_far) {
      return sink.is_open() && (!before || before(so_far));
    });
  }
  ~WatchGuard() { host_.set_watch(before_); }
  WatchGuard(const WatchGuard&) = delete;
  WatchGuard& operator=(const WatchGuard&) = delete;

 private:
  Host& host_;
  HostWatch before_;
};

json reply_json(const Reply& reply, const ReplyFormat& format) {
  const ReplyParts parts = split_reply(reply.text, format);
  return {{"reasoning", parts.reasoning},
          {"visible", parts.visible},
          {"tokens", reply.tokens.size()},
          {"hit_limit", reply.finish == FinishReason::kLength},
          {"unfinished", parts.is_unfinished}};
}

/// Rounded, as a large model's map would otherwise have a quarter of a megabyte.
json rates_json(const SelectionRates& rates, int64_t n_expert) {
  constexpr double kSteps = 1e5;
  json rows = json::array();
  for (int64_t i = 0; i < std::ssize(rates.rates); ++i) {
    if (i % n_expert == 0) {
      rows.push_back(json::array());
    }
    rows.back().push_back(std::round(rates.rates[i] * kSteps) / kSteps);
  }
  return {{"tokens", rates.n_token}, {"rates", std::move(rows)}};
}

/// The replies to a question while they are written.
class Both {
 public:
  Both(Host& host,
       const ModelChoice& choice,
       const Question& question,
       const Steering& steering,
       const AnswerSink& sink)
      : host_(host), choice_(choice), sink_(sink), sampling_(question.sampling) {
    const ReasoningMarks marks = host.reasoning_marks();
    for (const bool is_steered : {false, true}) {
      const Prompt prompt = host.render(conversation_of(question, is_steered));
      requests_.push_back(
          {prompt.tokens, is_steered ? steering : Steering{}, 0, prompt.opens_reasoning});
      formats_.push_back({marks, prompt.opens_reasoning});
      followers_.emplace_back(formats_.back());
    }
  }

  void run() {
    const auto replies =
        host_.stream(requests_, sampling_, [&](const TokenView& token) { show(token); });
    json line = {{"type", "done"},
                 {"first_token_ms", first_token_ms_},
                 {"seconds", ms_since(start_) / 1000.0}};
    for (size_t i = 0; i < kSides.size(); ++i) {
      if (!replies[i].ok()) {
        throw Error(ErrorKind::kBadInput,
                    "[console] the " + std::string(kSides[i]) +
                        " model failed to reply: " + replies[i].error,
                    "start a new conversation");
      }
      line[kSides[i]] = reply_json(replies[i].value, formats_[i]);
    }
    write(sink_, line);
    show_routing(replies);
  }

 private:
  void show(const TokenView& token) {
    if (first_token_ms_ < 0.0) {
      first_token_ms_ = ms_since(start_);
    }
    for (const PartChange& change : followers_[token.i_request].add(token.text)) {
      json line = {{"type", "text"},
                   {"side", kSides[token.i_request]},
                   {"part", change.is_reasoning ? "reasoning" : "visible"},
                   {"text", change.text}};
      if (change.is_whole) {
        line["whole"] = true;
      }
      write(sink_, line);
    }
  }

  void show_routing(const std::vector<Result<Reply>>& replies) {
    std::vector<TraceRequest> wanted;
    for (size_t i = 0; i < kSides.size(); ++i) {
      wanted.push_back(
          written_by(requests_[i].tokens, replies[i].value.tokens, requests_[i].steering));
      if (wanted.back().tokens.empty()) {
        return;  // an empty reply has no routing to compare
      }
    }
    const auto rates = selection_rates(host_, wanted, [&](int64_t i_layer, const float* logits) {
      return choice_.experts(i_layer, logits);
    });
    json line = {{"type", "routing"}, {"by_logits", choice_.why_by_logits()}};
    for (size_t i = 0; i < kSides.size(); ++i) {
      if (!rates[i].ok()) {
        throw Error(ErrorKind::kHost, "[console] the routing was not observed: " + rates[i].error);
      }
      line[kSides[i]] = rates_json(rates[i].value, host_.describe().n_expert);
    }
    write(sink_, line);
  }

  Host& host_;
  const ModelChoice& choice_;
  const AnswerSink& sink_;
  Sampling sampling_;
  std::vector<GenerateRequest> requests_;
  std::vector<ReplyFormat> formats_;
  std::vector<ReplyFollower> followers_;
  Clock::time_point start_ = Clock::now();
  double first_token_ms_ = -1.0;
};

void tell(const AnswerSink& sink, const std::string& message, const std::string& hint) {
  const json line = {{"type", "error"}, {"message", message}, {"hint", hint}};
  (void)sink.write(line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace

Answers::Answers(Host& host, std::vector<WeightedMask> masks, Defaults defaults)
    : host_(host),
      choice_(read_model_choice(host.describe())),
      masks_(std::move(masks)),
      defaults_(std::move(defaults)) {
  for (const WeightedMask& mask : masks_) {
    require_same_model(mask.mask, host_.describe());
    defaults_.strengths.push_back(mask.strength);
  }
  (void)steering_at(defaults_.strengths);
}

Steering Answers::steering_at(const std::vector<double>& strengths) const {
  std::vector<WeightedMask> masks = masks_;
  for (size_t i = 0; i < masks.size(); ++i) {
    masks[i].strength = strengths.at(i);
  }
  Steering steering;
  auto sum = std::make_shared<const Mask>(compose_masks(masks));
  steering.alpha = sum->alpha;
  steering.mask = std::move(sum);
  return steering;
}

std::string Answers::facts() const {
  const ModelInfo& info = host_.describe();
  json masks = json::array();
  for (const WeightedMask& used : masks_) {
    masks.push_back({{"name", used.name},
                     {"strength", used.strength},
                     {"direction", used.mask.direction},
                     {"scenario", used.mask.scenario},
                     {"active", used.mask.n_active()}});
  }
  const json facts = {{"model",
                       {{"name", info.name},
                        {"architecture", info.architecture},
                        {"layers", info.n_layer},
                        {"blocks", info.blocks},
                        {"experts", info.n_expert},
                        {"experts_used", info.n_expert_used}}},
                      {"masks", masks},
                      {"system", defaults_.system},
                      {"reasons", !host_.reasoning_marks().start.empty()},
                      {"temperature", defaults_.sampling.temperature},
                      {"seed", defaults_.sampling.seed},
                      {"max_tokens", defaults_.sampling.n_max_token},
                      {"limits",
                       {{"text_bytes", kMaxTextBytes},
                        {"body_bytes", kMaxBodyBytes},
                        {"turns", kMaxTurns},
                        {"strength", kMaxStrength}}}};
  return facts.dump(-1, ' ', false, json::error_handler_t::replace);
}

void Answers::generate(const Question& question, const AnswerSink& sink) {
  const WatchGuard guard(host_, sink);
  Both(host_, choice_, question, steering_at(question.strengths), sink).run();
}

void Answers::answer(const Question& question, const AnswerSink& sink) {
  try {
    generate(question, sink);
  } catch (const Error& error) {
    const bool is_stopped = error.kind() == ErrorKind::kInterrupted;
    tell(sink,
         is_stopped ? "The console was stopped before the answer was complete." : error.what(),
         is_stopped ? "start `mascing console` again" : error.hint());
  } catch (const std::exception& error) {
    tell(sink, std::string("unexpected error: ") + error.what(), "ask again");
  }
}

}  // namespace mascing::console
