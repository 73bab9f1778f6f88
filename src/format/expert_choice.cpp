// Scores are rounded to single precision as the engine has them, for a large bias leaves few
// digits.
#include "format/expert_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/numeric.h"
#include "base/softmax.h"

namespace mascing {
namespace {

constexpr float kLeftOut = -std::numeric_limits<float>::infinity();

double sigmoid_of(double z) {
  return 1.0 / (1.0 + std::exp(-z));
}

double root_of_softplus(double z) {
  constexpr double kLinear = 20.0;  // from here on, as ggml has it
  return std::sqrt(z > kLinear ? z : std::log1p(std::exp(z)));
}

Gate gate_of(const std::string& gating) {
  return gating == "softmax"         ? Gate::kSoftmax
         : gating == "sigmoid"       ? Gate::kSigmoid
         : gating == "sqrt_softplus" ? Gate::kSqrtSoftplus
                                     : Gate::kLogits;  // "softmax_weight": behind the choice
}

/// The score of one logit without its bias; `norm` is that of a softmax.
double gated(Gate gate, double z, double norm) {
  return gate == Gate::kSoftmax        ? std::exp(z - norm)
         : gate == Gate::kSigmoid      ? sigmoid_of(z)
         : gate == Gate::kSqrtSoftplus ? root_of_softplus(z)
                                       : z;
}

double norm_for(Gate gate, const float* logits, int64_t n) {
  return gate == Gate::kSoftmax ? log_normaliser(logits, n) : 0.0;
}

}  // namespace

std::string why_choice_unknown(const RouterTraits& traits, int64_t n_expert) {
  const std::vector<bool>& has_bias = traits.has_selection_bias;
  if (std::find(has_bias.begin(), has_bias.end(), true) == has_bias.end() && traits.n_group == 0) {
    return "";
  }
  if (!traits.is_known_architecture) {
    return "how this architecture chooses is not known to this version";
  }
  if (traits.gating == "unknown") {
    return "its gating is not stated";
  }
  for (size_t l = 0; l < has_bias.size(); ++l) {
    if (has_bias[l] && std::ssize(traits.selection_bias[l]) != n_expert) {
      return "its selection bias cannot be read";
    }
  }
  // An engine that takes two experts of every group cannot load groups of one.
  if (traits.n_group > 0 && (n_expert % traits.n_group != 0 || n_expert / traits.n_group < 2 ||
                             traits.n_group_used < 1 || traits.n_group_used >= traits.n_group)) {
    return "its groups do not divide the experts";
  }
  return "";
}

LayerChoice layer_choice(const RouterTraits& traits, int64_t i_layer) {
  LayerChoice choice;
  if (i_layer < std::ssize(traits.is_chosen_by_token) && traits.is_chosen_by_token[i_layer]) {
    choice.is_by_token = true;
    return choice;
  }
  if (i_layer < std::ssize(traits.selection_bias)) {
    choice.bias = traits.selection_bias[i_layer];
  }
  choice.n_group = traits.n_group;
  choice.n_group_used = traits.n_group_used;
  if (!choice.bias.empty() || choice.n_group > 0) {
    choice.gate = gate_of(traits.gating);
  }
  return choice;
}

void selection_scores(const LayerChoice& choice,
                      const float* logits,
                      int64_t n,
                      std::vector<float>& scores) {
  scores.assign(logits, logits + n);
  const double norm = norm_for(choice.gate, logits, n);
  for (int64_t i = 0; i < n && choice.gate != Gate::kLogits; ++i) {
    scores[i] = to_float(gated(choice.gate, logits[i], norm));
  }
  for (size_t i = 0; i < choice.bias.size(); ++i) {
    scores[i] += choice.bias[i];
  }
}

void selection_slopes(const LayerChoice& choice,
                      const float* logits,
                      int64_t n,
                      std::vector<float>& slopes) {
  slopes.assign(n, 1.0F);
  const double norm = norm_for(choice.gate, logits, n);
  for (int64_t i = 0; i < n && choice.gate != Gate::kLogits; ++i) {
    const double score = gated(choice.gate, logits[i], norm);
    slopes[i] = choice.gate != Gate::kSqrtSoftplus ? to_float(score * (1.0 - score))
                : score > 0.0                      ? to_float(0.5 * sigmoid_of(logits[i]) / score)
                                                   : 0.0F;
  }
}

void pull_to_logits(const LayerChoice& choice, const float* logits, std::vector<float>& slopes) {
  const int64_t n = std::ssize(slopes);
  if (choice.gate == Gate::kSoftmax) {
    const double norm = log_normaliser(logits, n);
    double mean = 0.0;
    for (int64_t i = 0; i < n; ++i) {
      mean += std::exp(logits[i] - norm) * slopes[i];
    }
    for (int64_t i = 0; i < n; ++i) {  // what one expert gains, all others lose
      slopes[i] = to_float(std::exp(logits[i] - norm) * (slopes[i] - mean));
    }
  } else if (choice.gate != Gate::kLogits) {
    std::vector<float> own;
    selection_slopes(choice, logits, n, own);
    for (int64_t i = 0; i < n; ++i) {
      slopes[i] *= own[i];
    }
  }
}

std::vector<ExpertGroup> rank_groups(const LayerChoice& choice, const std::vector<float>& scores) {
  std::vector<ExpertGroup> groups;
  const int64_t n = choice.n_group > 0 ? std::ssize(scores) / choice.n_group : 0;
  for (int64_t g = 0; g < choice.n_group; ++g) {
    const int64_t first = g * n;
    ExpertGroup group{g, first, first, 0.0F};
    for (int64_t i = first; i < first + n; ++i) {
      if (scores[i] > scores[group.best] || i == first) {
        group.second = group.best;
        group.best = i;
      } else if (group.second == group.best || scores[i] > scores[group.second]) {
        group.second = i;
      }
    }
    group.sum = scores[group.best] + scores[group.second];
    groups.push_back(group);
  }
  std::stable_sort(groups.begin(), groups.end(), [](const ExpertGroup& a, const ExpertGroup& b) {
    return a.sum > b.sum;
  });
  return groups;
}

void leave_out_groups(const LayerChoice& choice, std::vector<float>& scores) {
  const std::vector<ExpertGroup> groups = rank_groups(choice, scores);
  for (int64_t i = choice.n_group_used; i < std::ssize(groups); ++i) {
    const int64_t n = std::ssize(scores) / choice.n_group;
    std::fill_n(scores.begin() + groups[i].i_group * n, n, kLeftOut);
  }
}

void choose_experts(const LayerChoice& choice,
                    const float* logits,
                    int64_t n,
                    int64_t k,
                    std::vector<int32_t>& out) {
  std::vector<float> scores;
  selection_scores(choice, logits, n, scores);
  leave_out_groups(choice, scores);
  out.resize(n);
  std::iota(out.begin(), out.end(), 0);
  std::partial_sort(out.begin(), out.begin() + k, out.end(), [&](int32_t a, int32_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  });
  out.resize(k);
  std::sort(out.begin(), out.end());
}

}  // namespace mascing
