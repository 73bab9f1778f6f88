// Measurements are cached as JSON. Keys cover everything a value depends on besides the context of
// the cache.
#include "measure/cached_evaluator.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/append.h"
#include "base/sha256.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "measure/cached_numbers.h"
#include "stage/baseline_masks.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kReplies = "replies";  // the unit of progress

std::string messages_key(const Conversation& conversation) {
  Conversation bare;
  bare.id = conversation.id;
  bare.messages = conversation.messages;
  return to_jsonl(bare);
}

std::string chunk_key(const std::vector<Conversation>& chunk,
                      const Steering& steering,
                      const Sampling& sampling,
                      uint64_t first_stream) {
  const json sampled = {sampling.temperature,
                        sampling.seed,
                        sampling.n_max_token,
                        sampling.n_max_reasoning_token,
                        first_stream};
  std::string key = "replies-v2\x1e" + steering_key(steering) + sampled.dump();
  for (const Conversation& conversation : chunk) {
    key += messages_key(conversation) + '\n';
  }
  return key;
}

std::string blocks_key(const std::vector<TextBlock>& blocks) {
  Sha256 digest;
  for (const auto& [tokens, begin] : blocks) {
    const int64_t n_token = std::ssize(tokens);
    digest.update(&n_token, sizeof n_token);
    digest.update(&begin, sizeof begin);
    digest.update(tokens.data(), tokens.size() * sizeof(int32_t));
  }
  return digest.hex();
}

/// Tokens of replies to a chunk, at most, with the scores of steered ones.
int64_t token_estimate(const std::vector<Conversation>& chunk,
                       const Steering& steering,
                       const Sampling& sampling) {
  constexpr int64_t kBytesPerToken = 4;
  int64_t n_token = 0;
  for (const Conversation& conversation : chunk) {
    n_token += sampling.n_max_token + sampling.n_max_reasoning_token;
    for (const Message& message : conversation.messages) {
      n_token += std::ssize(message.content) / kBytesPerToken;
    }
  }
  return is_active(steering) ? 2 * n_token : n_token;
}

json to_value(const AskedReply& reply) {
  return {{"id", reply.id},
          {"text", reply.text},
          {"visible", reply.visible},
          {"tokens", reply.tokens},
          {"reasoning", reply.n_reasoning_token},
          {"limit", reply.hit_limit},
          {"unfinished", reply.is_unfinished},
          {"mean_nll", reply.mean_nll},
          {"error", reply.error}};
}

AskedReply from_value(const json& value) {
  AskedReply reply;
  reply.id = value.at("id").get<std::string>();
  reply.text = value.at("text").get<std::string>();
  reply.visible = value.at("visible").get<std::string>();
  reply.tokens = value.at("tokens").get<std::vector<int32_t>>();
  reply.n_reasoning_token = value.at("reasoning").get<int64_t>();
  reply.hit_limit = value.at("limit").get<bool>();
  reply.is_unfinished = value.at("unfinished").get<bool>();
  reply.mean_nll = number_or_nan(value.at("mean_nll"));
  reply.error = value.at("error").get<std::string>();
  return reply;
}

/// Restricted to conversations that can be rendered and run.
std::vector<Residual> residuals_of(Host& host, const std::vector<Conversation>& rows) {
  std::vector<ResidualRequest> requests;
  for (const Conversation& row : rows) {
    try {
      requests.push_back({host.render(row).tokens});
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::kBadInput) {
        throw;
      }
    }
  }
  std::vector<Residual> residuals;
  for (auto& outcome : host.residuals(requests)) {
    if (outcome.ok()) {
      residuals.push_back(std::move(outcome.value));
    }
  }
  return residuals;
}

/// At the token limit a reply may end within a UTF-8 sequence; such bytes become U+FFFD.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string steering_key(const Steering& steering) {
  if (!is_active(steering)) {
    return "unsteered";
  }
  Sha256 digest;
  if (steering.mask) {
    const Mask& mask = *steering.mask;
    digest.update(mask.steer.data(), mask.steer.size() * sizeof(float));
    if (mask.uses(SigmaRule::kCalibrated)) {
      digest.update(mask.sigma.data(), mask.sigma.size() * sizeof(float));
    }
    digest.update(to_string(mask.sigma_rule));
    for (const MaskPart& part : mask.parts) {
      digest.update(part.steer.data(), part.steer.size() * sizeof(float));
      digest.update(to_string(part.sigma_rule));
    }
    if (mask.has_adapter()) {
      digest.update(mask.adapter.hash());
    }
  }
  digest.update(&steering.alpha, sizeof steering.alpha);
  if (steering.rule == SteerRule::kForce) {
    digest.update("force");
  }
  if (steering.control) {
    const std::vector<float>& direction = steering.control->direction;
    digest.update("control");
    digest.update(direction.data(), direction.size() * sizeof(float));
  }
  return digest.hex();
}

CachedEvaluator::CachedEvaluator(Host& host,
                                 Cache cache,
                                 const Sampling& sampling,
                                 Progress progress)
    : host_(host), cache_(std::move(cache)), sampling_(sampling), progress_(std::move(progress)) {
  shown_ = [this](const ProgressEvent& event) {
    last_event_ = event;
    return !progress_ || progress_(event);
  };
}

double CachedEvaluator::budget_spent() const {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  return budget_.share_spent(elapsed.count(), asked_.total());
}

void CachedEvaluator::count(const std::string& key, int64_t n_prefill, int64_t n_generated) {
  if (counted_.insert(sha256_hex(key)).second) {
    asked_.n_prefill += n_prefill;
    asked_.n_generated += n_generated;
  }
}

std::vector<AskedReply> CachedEvaluator::replies(const std::string& what,
                                                 const std::vector<Conversation>& conversations,
                                                 const Steering& steering) {
  return sampled(what, conversations, steering, sampling_);
}

std::vector<AskedReply> CachedEvaluator::sampled(const std::string& what,
                                                 const std::vector<Conversation>& conversations,
                                                 const Steering& steering,
                                                 const Sampling& sampling) {
  std::vector<AskedReply> all;
  const int64_t n_total = std::ssize(conversations);
  for (int64_t start = 0; start < n_total; start += kChunk) {
    report(shown_, {what, start, n_total, kReplies, ""});
    for (AskedReply& reply : chunk(conversations, start, steering, sampling)) {
      all.push_back(std::move(reply));
    }
  }
  report(shown_, {what, n_total, n_total, kReplies, ""});
  return all;
}

std::vector<AskedReply> CachedEvaluator::chunk(const std::vector<Conversation>& conversations,
                                               int64_t start,
                                               const Steering& steering,
                                               const Sampling& sampling) {
  const int64_t end = std::min(start + kChunk, std::ssize(conversations));
  const auto part_of = [&](int64_t first, int64_t n) {
    return std::vector<Conversation>(conversations.begin() + first,
                                     conversations.begin() + first + n);
  };
  const auto key_of = [&](int64_t first, int64_t n) {
    return chunk_key(part_of(first, n), steering, sampling, first);
  };
  std::vector<AskedReply> all;
  in_pieces({"replies", start, end}, key_of, [&](int64_t first, int64_t n) {
    if (first > start && last_event_.unit == kReplies) {
      last_event_.done = first;
    }
    append(ask_chunk(part_of(first, n), steering, sampling, first), all);
  });
  return all;
}

std::vector<AskedReply> CachedEvaluator::ask_chunk(const std::vector<Conversation>& chunk,
                                                   const Steering& steering,
                                                   const Sampling& sampling,
                                                   uint64_t first_stream) {
  const std::string key = chunk_key(chunk, steering, sampling, first_stream);
  json stored;
  if (const auto cached = cache_.get(key)) {
    stored = json::parse(*cached);
  } else {
    const Asked asked =
        watch(std::ssize(chunk), token_estimate(chunk, steering, sampling)).run([&] {
          return ask(host_, chunk, {steering, sampling}, first_stream);
        });
    json rows = json::array();
    for (const AskedReply& reply : asked.replies) {
      rows.push_back(to_value(reply));
    }
    const HostCounters& work = asked.generation;
    stored = {{"replies", std::move(rows)},
              {"seconds", work.seconds},
              {"n_token", work.n_prefill_token + work.n_generated_token}};
    const std::string text = dump(stored);
    cache_.put(key, text);
    stored = json::parse(text);
  }
  Speed& speed = steering_key(steering) == "unsteered" ? plain_ : steered_;
  speed.n_token += stored.at("n_token").get<double>();
  speed.seconds += stored.at("seconds").get<double>();
  std::vector<AskedReply> replies;
  for (const json& value : stored.at("replies")) {
    replies.push_back(from_value(value));
  }
  int64_t n_generated = 0;
  for (const AskedReply& reply : replies) {
    n_generated += std::ssize(reply.tokens);
  }
  const auto n_token = static_cast<int64_t>(stored.at("n_token").get<double>());
  count(key, std::max<int64_t>(0, n_token - n_generated), n_generated);
  return replies;
}

Perplexity CachedEvaluator::text_perplexity(const std::vector<TextBlock>& blocks,
                                            const Steering& steering) {
  const std::string key = "perplexity\x1e" + steering_key(steering) + blocks_key(blocks);
  int64_t n_asked = 0;
  for (const auto& block : blocks) {
    n_asked += std::ssize(block.tokens);
  }
  count(key, n_asked, 0);
  if (const auto text = cache_.get(key)) {
    const json stored = json::parse(*text);
    return {number_or_nan(stored.at("value")), stored.at("n_token").get<int64_t>()};
  }
  const Perplexity value =
      watch(1, n_asked).run([&] { return perplexity(host_, blocks, steering); });
  cache_.put(key, dump({{"value", value.value}, {"n_token", value.n_token}}));
  return value;
}

Divergence CachedEvaluator::divergence(const std::vector<Conversation>& conversations,
                                       const std::vector<AskedReply>& replies,
                                       const Steering& steering) {
  std::string key = "divergence\x1e" + steering_key(steering);
  for (size_t i = 0; i < conversations.size(); ++i) {
    key += messages_key(conversations[i]) + dump(replies[i].tokens) + '\n';
  }
  if (const auto text = cache_.get(key)) {
    const json stored = json::parse(*text);
    return {number_or_nan(stored.at("kl")), stored.at("n_token").get<int64_t>()};
  }
  const Divergence value =
      watch(1, 0).run([&] { return reply_divergence(host_, conversations, replies, steering); });
  cache_.put(key, dump({{"kl", value.kl}, {"n_token", value.n_token}}));
  return value;
}

std::vector<int64_t> CachedEvaluator::choices(const std::vector<ChoiceQuestion>& questions,
                                              const Steering& steering,
                                              const std::string& system_prompt) {
  json asked = json::array();
  for (const ChoiceQuestion& question : questions) {
    asked.push_back({question.question, question.choices});
  }
  const std::string key = "choices\x1e" + steering_key(steering) + system_prompt + dump(asked);
  if (const auto text = cache_.get(key)) {
    return json::parse(*text).get<std::vector<int64_t>>();
  }
  std::vector<int64_t> answers =
      watch(1, 0).run([&] { return answer_choices(host_, questions, steering, system_prompt); });
  cache_.put(key, dump(answers));
  return answers;
}

ControlVector CachedEvaluator::residual_difference(const std::vector<Conversation>& wanted,
                                                   const std::vector<Conversation>& unwanted) {
  std::string key = "residual_difference";
  for (const auto* rows : {&wanted, &unwanted}) {
    key += '\x1e';
    for (const Conversation& row : *rows) {
      key += messages_key(row) + '\n';
    }
  }
  if (const auto text = cache_.get(key)) {
    const json stored = json::parse(*text);
    return {stored.at("n_block").get<int64_t>(),
            stored.at("n_embd").get<int64_t>(),
            numbers_or_nan<float>(stored.at("direction"))};
  }
  ControlVector control = watch(1, 0).run([&] {
    return mean_residual_difference(residuals_of(host_, wanted), residuals_of(host_, unwanted));
  });
  cache_.put(key,
             dump({{"n_block", control.n_block},
                   {"n_embd", control.n_embd},
                   {"direction", control.direction}}));
  return control;
}

double CachedEvaluator::tokens_per_second(bool steered) const {
  const Speed& speed = steered ? steered_ : plain_;
  return speed.seconds > 0.0 ? speed.n_token / speed.seconds : 0.0;
}

}  // namespace mascing
