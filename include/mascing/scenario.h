// A scenario: which conversations, which outcome is wanted of each set, and how to search. It is
// data (a TOML file); nothing in the library depends on what a scenario is about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/contrast.h"
#include "mascing/judge_options.h"
#include "mascing/mask.h"
#include "mascing/steer.h"
#include "mascing/train.h"

namespace mascing {

enum class Wanted { kRefused, kAnswered };

/// What a set is for. Limits (`max_drop`) apply on the selection split.
enum class SetRole {
  kTarget,  ///< the behaviour to change; exactly one set has it
  kBenign,  ///< ordinary requests: must stay answered
  kHold,    ///< must stay refused
  kKeep,    ///< neighbouring requests: must stay answered
  kWatch,   ///< reported only
};

struct ScenarioSet {
  std::string metric;  ///< id in results.json: dsr, gsr, direct_refusal, benign_compliance, ...
  std::vector<std::string> data;  ///< JSONL files, absolute
  SetRole role = SetRole::kWatch;
  Wanted wanted = Wanted::kAnswered;
  std::vector<std::string> answer_prefixes;  ///< if any: an answer must begin with one of them
  double max_drop = 0.02;      ///< the rate may fall by so much under a mask that is chosen
  bool needs_rollout = false;  ///< the data are the user's side only; the model writes the replies
  bool allow_near_duplicates = false;  ///< across splits: a warning instead of an error
};

/// Ways to make a mask.
enum class MaskMethod {
  kClosedLoop,               ///< asks the model what random masks do and follows the gradient
  kEffectMap,                ///< the causal effects of single experts, as a mask
  kMeanDifference,           ///< difference of class means of the router logits
  kSurrogate,                ///< the paper's: optimised through an LSTM surrogate
  kInterventionalSurrogate,  ///< the same, through one that learnt what random masks do
};

[[nodiscard]] const char* to_string(MaskMethod method);
/// Nothing for another word than those below.
[[nodiscard]] std::optional<MaskMethod> parse_mask_method(const std::string& text);
inline constexpr const char* kMaskMethodWords =
    "closed_loop, effect_map, mean_difference, surrogate or interventional_surrogate";

struct SearchOptions {
  std::vector<MaskMethod> methods = {MaskMethod::kClosedLoop, MaskMethod::kMeanDifference};
  int64_t n_map_pair = 2048;  ///< of masks, that the effect map asks about at most
  int64_t n_loop_step = 60;   ///< of the closed loop
  int64_t n_loop_pair = 0;    ///< of masks, in each of its steps; 0 = by the free entries
  /// Trials whose replies are generated, chosen by what one prefill says of all; 0 = all trials.
  int64_t n_finalist = 3;
  std::vector<double> alphas = {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0};
  std::vector<double> lambdas = {1e-3};
  std::vector<int64_t> seeds = {0, 1, 2};   ///< surrogate seeds, added to the run's seed
  std::vector<int64_t> epochs = {20, 40};   ///< steering epochs
  std::vector<double> preserves = {0.0};    ///< weights of the preservation term
  std::vector<double> guards = {0.0, 0.5};  ///< weights of the masks that guard hold and keep sets
  double mean_difference_norm = 4.0;        ///< Euclidean norm of such a mask, and of an effect map
  double max_perplexity_rise = 0.05;        ///< relative, on the general text
};

struct GeneralOptions {
  std::string text;             ///< plain text for perplexity, absolute path; empty = none
  std::string multiple_choice;  ///< JSONL, absolute path; empty = none
  int64_t n_block_token = 191;  ///< tokens per block of text
  int64_t n_max_block = 0;      ///< 0 = all
};

/// What the chosen mask is compared with (`mascing run --baselines`).
struct BaselineOptions {
  std::string system_prompt;   ///< is to bring about what the mask is to; empty = without it
  int64_t n_random_mask = 20;  ///< random masks as long as the chosen one
};

struct Scenario {
  std::string path;  ///< of the file
  std::string name;
  std::string direction;  ///< the user's word: "defend", "permit"
  std::vector<ScenarioSet> sets;
  JudgeOptions judge;
  TrainOptions train;
  Contrast contrast = Contrast::kMatched;  ///< of the conversations that train surrogates
  SteerOptions steer;
  SearchOptions search;
  GeneralOptions general;
  BaselineOptions baselines;
  int64_t n_max_token = 100;  ///< per reply
  double temperature = 0.0;
  /// On the test split each conversation is also answered once for each of these seeds, drawn at
  /// `sample_temperature`; empty = not at all.
  std::vector<int64_t> sample_seeds;
  double sample_temperature = 0.8;

  [[nodiscard]] const ScenarioSet& target() const;
  [[nodiscard]] bool uses(MaskMethod method) const;
};

/// Replaces the search by the paper's: one surrogate, 4 lambdas x 8 alphas, replies generated for
/// all (method.md, step 6).
void use_paper_recipe(Scenario& scenario);

/// Reads and checks a scenario. Relative paths are taken from the scenario's folder. Throws
/// Error{kUsage} with file, line, what was found and what was expected (unknown keys with the
/// nearest known one).
[[nodiscard]] Scenario read_scenario(const std::string& path);

}  // namespace mascing
