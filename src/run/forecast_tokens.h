// Which tokens a run asks for, stage by stage: the same steps as find_masks() and
// evaluate_holdout(), with means in place of conversations.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "mascing/forecast.h"
#include "mascing/scenario.h"
#include "run/baseline_settings.h"

namespace mascing {

/// One set of a scenario; tokens are means over its conversations.
struct SetTokens {
  SetRole role = SetRole::kWatch;
  std::array<int64_t, 3> n = {};  ///< conversations by split
  double prompt = 0.0;            ///< rendered
  double shared = 0.0;            ///< its leading tokens that the prompt before it has, too
  double final_user = 0.0;        ///< of the final user message
  double reply = 0.0;             ///< visible part and reasoning
  double n_play_turn = 0.0;       ///< replies to play before; 0 = a set that is not played
  int64_t n_sample = 0;           ///< sampled replies per conversation of the test split
  double play_prompt = 0.0;       ///< of a played conversation's user turns
  double play_reply = 0.0;        ///< of one reply of a rollout

  [[nodiscard]] int64_t n_all() const { return n[0] + n[1] + n[2]; }
};

/// Tokens of general text by split, in the form that is limited; of all forms that are tested; of
/// the multiple-choice questions with all their choices.
struct TextTokens {
  std::array<double, 3> limited = {};
  double n_tested = 0.0;
  double n_choice = 0.0;
};

struct RunTokens {
  std::vector<SetTokens> sets;  ///< in the scenario's order
  TextTokens text;
  bool is_exact = false;                     ///< gradients are exact
  bool reasons = false;                      ///< before its replies
  int64_t n_entry = 0;                       ///< layers times experts
  std::vector<SettingCount> baselines = {};  ///< empty: there are none
};

/// Tokens of every stage, without seconds.
[[nodiscard]] std::vector<StageForecast> count_stages(const Scenario& scenario,
                                                      const RunTokens& tokens);

/// Floating-point operations of training and steering through surrogates; 0 without them.
[[nodiscard]] double surrogate_work(const Scenario& scenario,
                                    const RunTokens& tokens,
                                    int64_t n_layer,
                                    int64_t n_expert);

}  // namespace mascing
