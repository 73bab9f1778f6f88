// A model of which everything is known: the margin of conversation i under S is
// base_i + sum_j gain_ij S_j, a text diverges by sum_j cost_j S_j^2. Answers questions as a host
// would.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.h"
#include "stage/closed_loop.h"
#include "stage/outcome.h"

namespace mascing {

/// What `NumericModel` reads of a mask.
inline std::shared_ptr<const Mask> numeric_mask(std::vector<float> steer) {
  auto mask = std::make_shared<Mask>();
  mask->steer = std::move(steer);
  return mask;
}

struct NumericModel {
  std::vector<OutcomeSet> sets;
  std::vector<LoopSet> roles;
  std::vector<std::vector<std::vector<double>>> gains;  ///< [set][item][entry]
  double cost = 0.01;                                   ///< of every entry
  std::vector<double> costs;                            ///< of each, if they differ

  /// `n` conversations whose margins start around `mean` and follow `gain` with noise of their own.
  void add(const std::string& name,
           LoopSet role,
           int64_t n,
           double mean,
           const std::vector<double>& gain,
           double noise,
           uint64_t seed) {
    Rng rng(seed);
    OutcomeSet set;
    set.name = name;
    set.openings =
        std::make_shared<const std::vector<TokenSequence>>(std::vector<TokenSequence>{{0}, {1}});
    set.n_wanted = 1;
    set.prompts.resize(static_cast<size_t>(n));
    std::vector<std::vector<double>> items;
    for (int64_t i = 0; i < n; ++i) {
      role.base.push_back(mean + rng.normal());
      std::vector<double> item = gain;
      for (double& g : item) {
        g += noise * rng.normal();
      }
      items.push_back(std::move(item));
    }
    sets.push_back(std::move(set));
    roles.push_back(std::move(role));
    gains.push_back(std::move(items));
  }

  void add_text(double limit, int64_t n) {
    OutcomeSet set;
    set.name = "text";
    set.texts.resize(static_cast<size_t>(n));
    sets.push_back(std::move(set));
    roles.push_back({LoopRole::kDamage, limit, {}, 0.0});
    gains.emplace_back();
  }

  [[nodiscard]] double answer(const Question& question) const {
    const std::vector<float>& s = question.steering.mask->steer;
    if (!sets[question.i_set].has_margin()) {
      double sum = 0.0;
      for (size_t j = 0; j < s.size(); ++j) {
        const auto value = static_cast<double>(s[j]);
        sum += (costs.empty() ? cost : costs[j]) * value * value;
      }
      return sum;
    }
    double margin = roles[question.i_set].base[question.i_item];
    for (size_t j = 0; j < s.size(); ++j) {
      margin += gains[question.i_set][question.i_item][j] * static_cast<double>(s[j]);
    }
    return margin;
  }

  /// d answer / d S.
  [[nodiscard]] std::vector<float> slope(const Question& question) const {
    const std::vector<float>& s = question.steering.mask->steer;
    std::vector<float> d_steer;
    for (size_t j = 0; j < s.size(); ++j) {
      const bool has_margin = sets[question.i_set].has_margin();
      const double price = costs.empty() ? cost : costs[j];
      const double d = has_margin ? gains[question.i_set][question.i_item][j]
                                  : 2.0 * price * static_cast<double>(s[j]);
      d_steer.push_back(static_cast<float>(d));
    }
    return d_steer;
  }

  [[nodiscard]] AskGradients ask_gradients() const {
    return [this](const std::vector<Question>& questions) {
      std::vector<OutcomeGradient> answers;
      for (const Question& question : questions) {
        answers.push_back({answer(question), slope(question), ""});
      }
      return answers;
    };
  }

  [[nodiscard]] AskModel ask() const {
    return [this](const std::vector<Question>& questions) {
      std::vector<double> answers;
      for (const Question& question : questions) {
        answers.push_back(answer(question));
      }
      return answers;
    };
  }

  /// Share of a set's margins above `margin` under `steer`.
  [[nodiscard]] double wanted_share(int64_t i_set,
                                    const std::vector<float>& steer,
                                    double margin = 0.0) const {
    const Steering steering = {numeric_mask(steer), 1.0F};
    double n_wanted = 0.0;
    for (int64_t i = 0; i < sets[i_set].size(); ++i) {
      n_wanted += answer({i_set, i, steering}) > margin ? 1.0 : 0.0;
    }
    return n_wanted / static_cast<double>(sets[i_set].size());
  }
};

/// Two layers of `n_expert`, all zero.
inline Mask numeric_frame(int64_t n_expert) {
  Mask mask;
  mask.n_layer = 2;
  mask.n_expert = n_expert;
  mask.steer.assign(static_cast<size_t>(2 * n_expert), 0.0F);
  mask.sigma = {1.0F, 1.0F};
  mask.blocks = {0, 1};
  return mask;
}

}  // namespace mascing
