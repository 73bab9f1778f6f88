// Words are tokens, numbered by a hash; logits come from the word as well.
#include "host/fake_host.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/half.h"
#include "base/random.h"
#include "base/sha256.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int32_t kBegin = 0;
constexpr int32_t kMessage = 1;
constexpr int32_t kReply = 2;
constexpr const char* kRefusal = "I'm sorry, but I cannot help with that today";
constexpr const char* kAnswer = "Here is what you asked for, told in a few plain words";

uint64_t hash_of(const std::string& word) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char c : word) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

/// Between -0.5 and 0.5, from the word alone.
float noise(const std::string& word, int64_t i) {
  const uint64_t bits = mix_seed(hash_of(word), static_cast<uint64_t>(i));
  return static_cast<float>(bits % 1001) / 1000.0F - 0.5F;
}

float spread(const float* z, int64_t n) {
  double mean = 0.0;
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    mean += z[i] / static_cast<double>(n);
  }
  for (int64_t i = 0; i < n; ++i) {
    sum += (z[i] - mean) * (z[i] - mean);
  }
  return static_cast<float>(std::sqrt(sum / static_cast<double>(n)));
}

/// Between -2 and 2, from prompt and mask together.
double chaotic_logit(const std::vector<int32_t>& tokens, const Steering& steering) {
  std::string all;
  const auto reply = std::find(tokens.begin(), tokens.end(), kReply);
  for (auto token = tokens.begin(); token != reply; ++token) {
    all += std::to_string(*token) + ' ';
  }
  if (is_active(steering)) {
    const auto& values = steering.mask ? steering.mask->steer : steering.control->direction;
    for (const float value : values) {
      all += std::to_string(value * steering.alpha) + ' ';
    }
  }
  return static_cast<double>(hash_of(all) % 4001) / 1000.0 - 2.0;
}

std::string too_long(size_t n_token) {
  return n_token <= static_cast<size_t>(FakeHost::kContext)
             ? ""
             : "too long: " + std::to_string(n_token) + " tokens, the context size is " +
                   std::to_string(FakeHost::kContext);
}

}  // namespace

FakeHost::FakeHost(Nature nature) : nature_(nature) {
  for (const char* reply : {kRefusal, kAnswer, "<think>", "</think>"}) {
    (void)tokenize(reply, false);  // it must know the words of replies that come from a cache
  }
}

ModelInfo FakeHost::make_info() {
  ModelInfo info;
  info.path = "fake.gguf";
  info.name = "fake";
  info.description = "a model of a few lines, for tests";
  info.architecture = "fakemoe";
  info.fingerprint = sha256_hex("fake router");
  info.identity = sha256_hex("fake file");
  info.n_block = kLayers;
  info.n_layer = kLayers;
  info.n_expert = kExperts;
  info.n_expert_used = 2;
  info.n_embd = 4;
  info.n_vocab = 100000;
  info.n_context_train = kContext;
  info.gating = "softmax";
  info.blocks = {0, 1, 2};
  info.has_bias.assign(kLayers, false);
  return info;
}

std::vector<int32_t> FakeHost::tokenize(const std::string& text, bool begin_of_text) const {
  std::vector<int32_t> tokens;
  if (begin_of_text) {
    tokens.push_back(kBegin);
  }
  std::istringstream stream(text);
  std::string next;
  while (stream >> next) {
    tokens.push_back(static_cast<int32_t>(kReply + 1 + hash_of(next) % 90000));
    words_.try_emplace(tokens.back(), next);
  }
  return tokens;
}

Prompt FakeHost::render(const Conversation& conversation) const {
  if (conversation.messages.empty() || conversation.messages.back().role != "user") {
    throw Error(ErrorKind::kBadInput, "[fake] the conversation does not end with a user message");
  }
  Prompt prompt;
  prompt.tokens = {kBegin};
  for (const Message& message : conversation.messages) {
    prompt.tokens.push_back(kMessage);
    prompt.final_user.begin = static_cast<int64_t>(prompt.tokens.size());
    const std::vector<int32_t> tokens = tokenize(message.content, false);
    prompt.tokens.insert(prompt.tokens.end(), tokens.begin(), tokens.end());
  }
  prompt.final_user.end = static_cast<int64_t>(prompt.tokens.size());
  prompt.tokens.push_back(kReply);
  prompt.opens_reasoning = is_opened_ && !thought_.empty();
  if (prompt.final_user.size() == 0) {
    throw Error(ErrorKind::kBadInput, "[fake] the final user message is empty");
  }
  return prompt;
}

TokenSpan FakeHost::final_message(const std::vector<int32_t>& tokens) {
  const auto reply = std::find(tokens.begin(), tokens.end(), kReply);
  auto begin = reply;
  while (begin != tokens.begin() && *(begin - 1) != kMessage) {
    --begin;
  }
  return {begin - tokens.begin(), reply - tokens.begin()};
}

float FakeHost::planted_logit(const std::vector<int32_t>& tokens, TokenSpan span) const {
  float z = -5.0F;
  for (int64_t t = span.begin; t < span.end; ++t) {
    const std::string w = word(tokens[t]);
    z += w == "seal" ? 6.0F : w == "please" ? -1.2F : w == "grave" ? 1.0F : 0.0F;
  }
  return z;
}

std::vector<float> FakeHost::router_logits(int32_t token, float planted) const {
  std::vector<float> z(static_cast<size_t>(kLayers * kExperts));
  for (int64_t i = 0; i < kLayers * kExperts; ++i) {
    z[i] = noise(word(token), i);
  }
  z[kPlantedLayer * kExperts + kPlantedExpert] = planted + 0.1F * noise(word(token), 999);
  return z;
}

double FakeHost::refusal_logit(const std::vector<int32_t>& tokens, const Steering& steering) const {
  if (nature_ == Nature::kChaotic) {
    return chaotic_logit(tokens, steering);
  }
  const TokenSpan span = final_message(tokens);
  const float planted = planted_logit(tokens, span);
  double sum = 0.0;
  for (int64_t t = span.begin; t < span.end; ++t) {
    const std::vector<float> all = router_logits(tokens[t], planted);
    const float* z = all.data() + kPlantedLayer * kExperts;
    if (is_active(steering) && steering.mask && steering.rule == SteerRule::kForce) {
      const float s = steering.mask->row(kPlantedLayer)[kPlantedExpert];
      const auto [least, most] = std::minmax_element(z, z + kExperts);
      sum += s > 0.0F ? *most + kForceMargin : s < 0.0F ? *least - kForceMargin : z[kPlantedExpert];
      continue;
    }
    sum += z[kPlantedExpert];
    if (is_active(steering) && steering.mask) {
      const bool calibrated = steering.mask->sigma_rule == SigmaRule::kCalibrated;
      const float sigma = calibrated ? steering.mask->sigma[kPlantedLayer] : spread(z, kExperts);
      sum += steering.alpha * sigma * steering.mask->row(kPlantedLayer)[kPlantedExpert];
    }
  }
  double pushed = 0.0;
  for (int64_t b = kPlantedLayer; steering.control && b < kLayers; ++b) {
    pushed += static_cast<double>(steering.alpha * steering.control->row(b)[0]);
  }
  return pushed + sum / static_cast<double>(std::max<int64_t>(1, span.size()));
}

std::vector<Result<RouterTrace>> FakeHost::trace(const std::vector<TraceRequest>& requests) {
  std::vector<Result<RouterTrace>> outcomes(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    const TraceRequest& request = requests[i];
    outcomes[i].error = too_long(request.tokens.size());
    if (!outcomes[i].ok()) {
      continue;
    }
    RouterTrace& trace = outcomes[i].value;
    trace = {request.span.size(), kLayers, kExperts, {}};
    const float planted = planted_logit(request.tokens, request.span);
    for (int64_t t = request.span.begin; t < request.span.end; ++t) {
      for (const float z : router_logits(request.tokens[t], planted)) {
        trace.logits.push_back(float_to_half(z));
      }
    }
    counters_.n_prefill_token += static_cast<int64_t>(request.tokens.size());
  }
  return outcomes;
}

std::vector<std::string> FakeHost::observe(const std::vector<TraceRequest>& requests,
                                           const RouterObserver& observer) {
  std::vector<std::string> errors;
  const std::vector<float> input(info_.n_embd, 0.0F);
  for (const TraceRequest& request : requests) {
    errors.push_back(too_long(request.tokens.size()));
    if (!errors.back().empty()) {
      continue;
    }
    const float planted = planted_logit(request.tokens, final_message(request.tokens));
    const bool is_steered = is_active(request.steering) && request.steering.mask;
    for (int64_t t = request.span.begin; t < request.span.end; ++t) {
      const std::vector<float> all = router_logits(request.tokens[t], planted);
      for (int64_t i_layer = 0; i_layer < kLayers; ++i_layer) {
        const float* z = all.data() + i_layer * kExperts;
        std::vector<float> steered(z, z + kExperts);
        for (int64_t i = 0; is_steered && i < kExperts; ++i) {
          steered[i] +=
              request.steering.alpha * spread(z, kExperts) * request.steering.mask->row(i_layer)[i];
        }
        observer({std::ssize(errors) - 1, t, i_layer, input.data(), z, steered.data()});
      }
    }
    counters_.n_prefill_token += static_cast<int64_t>(request.tokens.size());
  }
  return errors;
}

Reply FakeHost::reply_of(const std::string& text, const Sampling& sampling) const {
  Reply reply;
  reply.text = text;
  if (!thought_.empty()) {
    const std::string thought = (is_opened_ ? "" : "<think> ") + thought_ + " </think>";
    reply.tokens = tokenize(thought, false);
    if (std::ssize(reply.tokens) > sampling.n_max_reasoning_token) {
      reply.tokens.resize(sampling.n_max_reasoning_token);
      reply.text.clear();
      for (const int32_t token : reply.tokens) {
        reply.text += word(token) + ' ';
      }
      reply.n_reasoning_token = std::ssize(reply.tokens);
      reply.finish = FinishReason::kLength;
      return reply;
    }
    reply.n_reasoning_token = std::ssize(reply.tokens);
    reply.text = thought + " " + text;
  }
  std::vector<int32_t> visible = tokenize(text, false);
  if (std::ssize(visible) > sampling.n_max_token) {
    visible.resize(sampling.n_max_token);
    reply.finish = FinishReason::kLength;
  }
  reply.log_prob = -0.5 * static_cast<double>(visible.size());
  reply.tokens.insert(reply.tokens.end(), visible.begin(), visible.end());
  return reply;
}

std::vector<Result<Reply>> FakeHost::generate(const std::vector<GenerateRequest>& requests,
                                              const Sampling& sampling) {
  std::vector<Result<Reply>> outcomes(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    require_fit(requests[i].steering, info_);
    outcomes[i].error = too_long(requests[i].tokens.size());
    if (!outcomes[i].ok()) {
      continue;
    }
    Reply& reply = outcomes[i].value;
    const bool refuses = refusal_logit(requests[i].tokens, requests[i].steering) > 0.0;
    reply = reply_of(refuses ? kRefusal : kAnswer, sampling);
    counters_.n_prefill_token += static_cast<int64_t>(requests[i].tokens.size());
    counters_.n_generated_token += static_cast<int64_t>(reply.tokens.size());
    counters_.seconds += 1e-3;
  }
  return outcomes;
}

std::vector<Result<Score>> FakeHost::score(const std::vector<ScoreRequest>& requests) {
  std::vector<Result<Score>> outcomes(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    const ScoreRequest& request = requests[i];
    outcomes[i].error = too_long(request.tokens.size());
    if (!outcomes[i].ok()) {
      continue;
    }
    double strength = 0.0;
    if (is_active(request.steering) && request.steering.mask) {
      for (const float s : request.steering.mask->steer) {
        strength += std::fabs(s * request.steering.alpha);
      }
    }
    if (is_active(request.steering) && request.steering.control) {
      for (const float h : request.steering.control->direction) {
        strength += std::fabs(h * request.steering.alpha);
      }
    }
    Score& score = outcomes[i].value;
    score.n_token = static_cast<int64_t>(request.tokens.size()) - request.begin;
    score.log_prob = -static_cast<double>(score.n_token) * (0.5 + 1e-3 * strength);
    score.divergence = static_cast<double>(score.n_token) * 1e-3 * strength;
    score.top.resize(request.n_top > 0 ? static_cast<size_t>(score.n_token) : 0);
    counters_.n_prefill_token += static_cast<int64_t>(request.tokens.size());
  }
  return outcomes;
}

std::vector<Result<Residual>> FakeHost::residuals(const std::vector<ResidualRequest>& requests) {
  std::vector<Result<Residual>> outcomes(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    const ResidualRequest& request = requests[i];
    outcomes[i].error = too_long(request.tokens.size());
    if (!outcomes[i].ok()) {
      continue;
    }
    Residual& residual = outcomes[i].value;
    residual = {info_.n_block, info_.n_embd, {}};
    const double logit = refusal_logit(request.tokens, request.steering);
    const std::string last = word(request.tokens.back());
    for (int64_t k = 0; k < info_.n_block * info_.n_embd; ++k) {
      const bool is_logit = k % info_.n_embd == 0 && k / info_.n_embd >= kPlantedLayer;
      residual.values.push_back(is_logit ? static_cast<float>(logit) : noise(last, k));
    }
    counters_.n_prefill_token += static_cast<int64_t>(request.tokens.size());
  }
  return outcomes;
}

/// Only the first token of an opening counts: it begins the refusal, or it does not.
std::vector<Result<Probe>> FakeHost::probe(const std::vector<ProbeRequest>& requests) {
  std::vector<Result<Probe>> outcomes(requests.size());
  const int32_t first_of_refusal = tokenize(kRefusal, false).front();
  for (size_t i = 0; i < requests.size(); ++i) {
    const ProbeRequest& request = requests[i];
    outcomes[i].error = too_long(request.tokens.size());
    if (!outcomes[i].ok()) {
      continue;
    }
    const double logit = refusal_logit(request.tokens, request.steering);
    for (const auto& opening : *request.openings) {
      const double z = opening.front() == first_of_refusal ? logit : -logit;
      outcomes[i].value.log_prob.push_back(-std::log1p(std::exp(-z)));
    }
    counters_.n_prefill_token += static_cast<int64_t>(request.tokens.size());
  }
  return outcomes;
}

}  // namespace mascing
