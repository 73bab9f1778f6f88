#include "run/forecast_gradient.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/numeric.h"
#include "mascing/mask.h"
#include "run/forecast_prompts.h"
#include "stage/outcome_gradient.h"

namespace mascing {
namespace {

constexpr int64_t kOpenings = 13;  // of three tokens, as an average search has
constexpr int64_t kTokensOfAnOpening = 3;
constexpr int64_t kWarmEnd = 16;            // differentiated before anything is timed
constexpr int64_t kProbeEnd = 64;           // of a prompt's end, at least
constexpr double kPassesOfAGradient = 3.0;  // of the time that reading takes

/// What stands behind the prompts of a measured gradient.
enum class Behind {
  kMargin,  ///< several openings, as a margin has them
  kText,    ///< one opening of as many tokens
};

std::vector<GradientRequest> gradient_requests(const Host& host,
                                               const std::vector<Prompt>& prompts,
                                               Behind behind) {
  const int64_t n_opening = behind == Behind::kText ? 1 : kOpenings;
  const int64_t n_of_opening = kOpenings * kTokensOfAnOpening / n_opening;
  const Steering idle = {std::make_shared<const Mask>(zero_mask(host.describe())), 1.0F};
  const Outcome sum = [](const OpeningScores& scores, OpeningScores& d_scores) {
    std::fill(d_scores.log_prob.begin(), d_scores.log_prob.end(), 1.0);
    double value = 0.0;
    for (const double one : scores.log_prob) {
      value += one;
    }
    return value;
  };
  std::vector<GradientRequest> requests;
  requests.reserve(prompts.size());
  for (const Prompt& prompt : prompts) {
    auto openings = std::make_shared<std::vector<std::vector<int32_t>>>();
    const int64_t n = std::ssize(prompt.tokens);
    for (int64_t i = 0; i < n_opening; ++i) {
      auto& opening = openings->emplace_back();
      for (int64_t k = 0; k < n_of_opening; ++k) {
        opening.push_back(prompt.tokens[(i * n_of_opening + k) % n]);
      }
    }
    GradientRequest request;
    request.tokens = prompt.tokens;
    request.openings = std::move(openings);
    request.begin = std::max(prompt.final_user.begin, n - kMostDifferentiated);
    request.steering = idle;
    request.outcomes = {sum};
    requests.push_back(std::move(request));
  }
  return requests;
}

/// Of some prompts and the openings behind them: tokens in front of what is differentiated, and the
/// others.
std::pair<double, double> differentiated_parts(const std::vector<GradientRequest>& requests) {
  std::pair<double, double> n;
  for (const GradientRequest& request : requests) {
    n.first += to_double(request.begin);
    n.second += to_double(std::ssize(request.tokens) - request.begin) +
                to_double(kOpenings * kTokensOfAnOpening);
  }
  return n;
}

/// Tokens a second. From the end of one prompt, where a whole one takes too long: tokens in front
/// are read as fast as any, and each of the others costs the rest of the time. 0: no gradient.
double part_gradient(
    Host& host, const std::vector<Prompt>& prompts, Behind behind, double n_token, double prefill) {
  const auto requests_of_end = [&](double n) {
    return gradient_requests(host, {end_of(prompts.front(), n)}, behind);
  };
  const std::vector<Result<SteerGradient>> answers =
      host.gradients(requests_of_end(to_double(kWarmEnd)));
  if (answers.empty() || !answers.front().ok()) {
    return 0.0;
  }
  const std::vector<GradientRequest> asked =
      requests_of_end(std::max(n_token, to_double(kProbeEnd)));
  const double elapsed_s = seconds_of([&] { (void)host.gradients(asked); });
  const auto [n_before, n_rest] = differentiated_parts(asked);
  const double least_s = n_rest / prefill;
  const double rest_s = std::max(elapsed_s - n_before / prefill, least_s);
  const auto [n_all_before, n_all_rest] =
      differentiated_parts(gradient_requests(host, prompts, behind));
  return (n_all_before + n_all_rest) / (n_all_before / prefill + n_all_rest * rest_s / n_rest);
}

/// Tokens a second, of as many prompts as the time allows; 0: no gradient.
double whole_gradient(Host& host,
                      const std::vector<Prompt>& prompts,
                      Behind behind,
                      double share_s) {
  const auto n_token = [](const std::vector<Prompt>& some) {
    return n_token_of(some) + to_double(kOpenings * kTokensOfAnOpening * std::ssize(some));
  };
  std::vector<Result<SteerGradient>> answers;
  const auto ask = [&](const std::vector<Prompt>& some) {
    answers = host.gradients(gradient_requests(host, some, behind));
  };
  const std::vector<Prompt> one = first_of(prompts, 1.0);
  const double first_s = seconds_of([&] { ask(one); });
  if (answers.empty() || !answers.front().ok()) {
    return 0.0;
  }
  if (first_s >= share_s) {
    return n_token(one) / first_s;
  }
  const double again_s = seconds_of([&] { ask(one); });
  const std::vector<Prompt> some = first_of(prompts, std::max(1.0, share_s / again_s));
  return n_token(some) / seconds_of([&] { ask(some); });
}

}  // namespace

void measure_gradient(Host& host,
                      const std::vector<Prompt>& prompts,
                      double share_s,
                      ModelSpeed& speed) {
  if (!host.why_no_gradients().empty()) {
    return;
  }
  const double n_part = share_s * speed.prefill / kPassesOfAGradient;
  const bool takes_parts = n_token_of(first_of(prompts, 1.0)) > n_part;
  const auto measure = [&](Behind behind) {
    return takes_parts ? part_gradient(host, prompts, behind, n_part, speed.prefill)
                       : whole_gradient(host, prompts, behind, share_s);
  };
  speed.gradient = measure(Behind::kMargin);
  speed.text_gradient = speed.reads_in_turn ? measure(Behind::kText) : speed.gradient;
}

}  // namespace mascing
