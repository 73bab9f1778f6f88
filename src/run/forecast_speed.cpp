// A few tokens first, to learn how many the time allows, then as many together as a run would ask.
// Of models for which a whole prompt takes too long, parts of prompts are read and differentiated.
#include "run/forecast_speed.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/numeric.h"
#include "run/forecast_gradient.h"
#include "run/forecast_prompts.h"

namespace mascing {
namespace {

constexpr int64_t kFirstTokens = 8;     // generated to learn how many the time allows
constexpr double kLeastShare = 0.2;     // of a generation's time that is not its prompts'
constexpr size_t kMostPrompts = 64;     // as many as a run asks together
constexpr int64_t kWarmTokens = 16;     // read before anything is timed
constexpr int64_t kProbeTokens = 64;    // read to learn how many the time allows
constexpr int64_t kPrefillRounds = 3;   // larger batches are faster; each shows how large
constexpr int64_t kLeastEnds = 4;       // of replies, to tell their mean length
constexpr double kLeastPrompts = 2.0;   // with fewer, generation is measured on parts of them
constexpr int64_t kBranchTokens = 4;    // of a sequence's own
constexpr int64_t kMostRounds = 7;      // of a fast model's measurement
constexpr double kMostOfTheTime = 2.0;  // that all rounds may take, of the time given

std::vector<Result<Reply>> generate(Host& host,
                                    const std::vector<Prompt>& prompts,
                                    const Sampling& sampling) {
  std::vector<GenerateRequest> requests;
  requests.reserve(prompts.size());
  for (const Prompt& prompt : prompts) {
    requests.push_back({prompt.tokens, {}, 0, prompt.opens_reasoning});
  }
  return host.generate(requests, sampling);
}

/// Whole prompts of `n_token` tokens together, in their order; of the first one a part, where it
/// alone has more.
std::vector<Prompt> prompts_within(const std::vector<Prompt>& prompts, double n_token) {
  std::vector<Prompt> some = {beginning_of(prompts.front(), n_token)};
  double n = n_token_of(some);
  for (int64_t i = 1; i < std::ssize(prompts); ++i) {
    n += to_double(std::ssize(prompts[i].tokens));
    if (n > n_token) {
      break;
    }
    some.push_back(prompts[i]);
  }
  return some;
}

void measure_prefill(Host& host,
                     const std::vector<Prompt>& prompts,
                     double share_s,
                     ModelSpeed& speed) {
  Sampling one;
  one.n_max_token = 1;
  (void)generate(host, {beginning_of(prompts.front(), kWarmTokens)}, one);
  std::vector<Prompt> some = {beginning_of(prompts.front(), kProbeTokens)};
  for (int64_t i = 0; i < kPrefillRounds; ++i) {
    const double elapsed_s = seconds_of([&] { (void)generate(host, some, one); });
    speed.prefill = n_token_of(some) / elapsed_s;
    std::vector<Prompt> more = prompts_within(prompts, share_s * speed.prefill);
    if (elapsed_s > share_s / 2.0 || n_token_of(more) <= n_token_of(some)) {
      break;
    }
    some = std::move(more);
  }
}

/// Mean length of replies that were not cut off, or of those that may have been if enough of them
/// ended before: then lengths are taken to be exponential from the least one on, and the likeliest
/// mean is what all wrote beyond it over the number of ends. `n_token`: of all replies.
void learn_length(const std::vector<Result<Reply>>& replies,
                  double n_token,
                  bool are_whole,
                  ModelSpeed& speed) {
  double n_least = 0.0;
  speed.n_ended = 0;
  for (const Result<Reply>& reply : replies) {
    if (reply.ok() && reply.value.finish == FinishReason::kStop) {
      const double n = to_double(std::ssize(reply.value.tokens));
      n_least = speed.n_ended == 0 ? n : std::min(n_least, n);
      ++speed.n_ended;
    }
  }
  const int64_t n_reply = std::ssize(replies);
  speed.has_whole_reply = are_whole || speed.n_ended >= std::min(kLeastEnds, n_reply);
  if (are_whole) {
    speed.reply_token = n_token / to_double(n_reply);
  } else if (speed.has_whole_reply) {
    const double n_beyond = n_token - n_least * to_double(n_reply);
    speed.reply_token = n_least + n_beyond / to_double(speed.n_ended);
  }
}

/// Replies of at most `n_token` tokens.
void generate_some(Host& host,
                   const std::vector<Prompt>& prompts,
                   Sampling sampling,
                   int64_t n_token,
                   ModelSpeed& speed) {
  const int64_t n_longest = sampling.n_max_token + sampling.n_max_reasoning_token;
  if (n_token < n_longest) {
    sampling.n_max_token = std::max<int64_t>(1, n_token);
    sampling.n_max_reasoning_token = 0;
  }
  std::vector<Result<Reply>> replies;
  const double all_s = seconds_of([&] { replies = generate(host, prompts, sampling); });
  double n = 0.0;
  for (const Result<Reply>& reply : replies) {
    n += reply.ok() ? to_double(std::ssize(reply.value.tokens)) : 0.0;
  }
  const double rest_s = std::max(all_s - n_token_of(prompts) / speed.prefill, kLeastShare * all_s);
  speed.generated = std::max(1.0, n) / rest_s;
  learn_length(replies, n, n_token >= n_longest, speed);
  speed.reply_token = std::min(speed.reply_token, to_double(n_longest));
}

/// Prompts that begin alike and end in a few tokens of their own.
std::vector<Prompt> branches(const std::vector<Prompt>& prompts, double n_shared, int64_t n) {
  std::vector<Prompt> all(n, beginning_of(prompts.front(), n_shared));
  for (int64_t i = 0; i < n; ++i) {
    const std::vector<int32_t>& other = prompts[i % std::ssize(prompts)].tokens;
    for (int64_t k = 0; k < kBranchTokens; ++k) {
      all[i].tokens.push_back(other[(i + k + std::ssize(other) / 2) % std::ssize(other)]);
    }
  }
  return all;
}

/// As many sequences as a run has, for some tokens each; what their prompts take is measured apart.
/// That longer prompts make tokens dearer is left out.
void measure_decoding(Host& host,
                      const std::vector<Prompt>& prompts,
                      const SpeedOptions& options,
                      double share_s,
                      ModelSpeed& speed) {
  const double n_token = share_s * speed.prefill;
  const auto n = std::clamp<int64_t>(
      static_cast<int64_t>(2.0 * n_token) / kBranchTokens, 1, options.n_parallel);
  const std::vector<Prompt> some = branches(prompts, n_token / to_double(n) - kBranchTokens, n);
  Sampling sampling = options.sampling;
  sampling.n_max_reasoning_token = 0;
  std::array<double, 2> elapsed_s = {};
  std::array<double, 2> n_written = {};
  for (size_t i = 0; i < elapsed_s.size(); ++i) {
    sampling.n_max_token = i == 0 ? 1 : 1 + kFirstTokens;
    std::vector<Result<Reply>> replies;
    elapsed_s.at(i) = seconds_of([&] { replies = generate(host, some, sampling); });
    for (const Result<Reply>& reply : replies) {
      n_written.at(i) += reply.ok() ? to_double(std::ssize(reply.value.tokens)) : 0.0;
    }
  }
  speed.generated = std::max(1.0, n_written[1] - n_written[0]) /
                    std::max(elapsed_s[1] - elapsed_s[0], kLeastShare * elapsed_s[1]);
}

void measure_generation(Host& host,
                        const std::vector<Prompt>& prompts,
                        const SpeedOptions& options,
                        double share_s,
                        ModelSpeed& speed) {
  const double most = std::min(share_s * speed.prefill / n_token_of(first_of(prompts, 1.0)),
                               to_double(options.n_parallel));
  if (most < std::min(kLeastPrompts, to_double(options.n_parallel))) {
    measure_decoding(host, prompts, options, share_s, speed);
    return;
  }
  const std::vector<Prompt> some = first_of(prompts, most);
  generate_some(host, some, options.sampling, kFirstTokens, speed);
  const double left = share_s * speed.generated / to_double(std::ssize(some));
  if (left > to_double(2 * kFirstTokens)) {
    const int64_t n_longest = options.sampling.n_max_token + options.sampling.n_max_reasoning_token;
    generate_some(host,
                  some,
                  options.sampling,
                  static_cast<int64_t>(std::min(2.0 * left, to_double(n_longest))),
                  speed);
  }
}

/// Once, each kind for a share of the time.
ModelSpeed measure_once(Host& host,
                        const std::vector<Prompt>& prompts,
                        const SpeedOptions& options,
                        double share_s) {
  ModelSpeed speed;
  speed.reads_in_turn = host.reads_in_turn();
  speed.measured_s = seconds_of([&] {
    measure_prefill(host, prompts, share_s, speed);
    measure_generation(host, prompts, options, share_s, speed);
    if (options.with_gradient) {
      measure_gradient(host, prompts, share_s, speed);
    }
  });
  return speed;
}

double median_of(const std::vector<ModelSpeed>& rounds, double ModelSpeed::*value) {
  std::vector<double> values;
  values.reserve(rounds.size());
  for (const ModelSpeed& round : rounds) {
    values.push_back(round.*value);
  }
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2.0;
}

}  // namespace

// On a machine with other work a second may be ten times slower than the next one: a fast model is
// measured several times, and each kind of work has the median.
ModelSpeed measure_speed(Host& host,
                         const std::vector<Prompt>& prompts,
                         const SpeedOptions& options) {
  const std::vector<Prompt> some = first_of(prompts, to_double(kMostPrompts));
  const double share_s = options.measure_s / (options.with_gradient ? 3.0 : 2.0);
  std::vector<ModelSpeed> rounds = {measure_once(host, some, options, share_s)};
  double elapsed_s = rounds.front().measured_s;
  const double most_s = kMostOfTheTime * options.measure_s;
  while (std::ssize(rounds) < kMostRounds && elapsed_s + rounds.back().measured_s < most_s) {
    rounds.push_back(measure_once(host, some, options, share_s));
    elapsed_s += rounds.back().measured_s;
  }
  // All rounds write the same replies, some further than others.
  ModelSpeed speed =
      *std::max_element(rounds.begin(), rounds.end(), [](const ModelSpeed& a, const ModelSpeed& b) {
        return a.n_ended < b.n_ended;
      });
  speed.prefill = median_of(rounds, &ModelSpeed::prefill);
  speed.generated = median_of(rounds, &ModelSpeed::generated);
  speed.gradient = median_of(rounds, &ModelSpeed::gradient);
  speed.text_gradient = median_of(rounds, &ModelSpeed::text_gradient);
  speed.measured_s = elapsed_s;
  return speed;
}

}  // namespace mascing
