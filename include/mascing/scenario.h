// A scenario: conversations, the wanted outcome of each set, and search settings. It is data (a
// TOML file); the library does not depend on the subject of a scenario.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/contrast.h"
#include "mascing/judge_options.h"
#include "mascing/mask.h"
#include "mascing/mask_verdict.h"
#include "mascing/steer.h"
#include "mascing/template_options.h"
#include "mascing/train.h"

namespace mascing {

enum class Wanted { kRefused, kAnswered };

/// Role of a set. Limits (`max_drop`) apply on the selection split.
enum class SetRole {
  kTarget,  ///< the behaviour to change; exactly one set has this role
  kBenign,  ///< ordinary requests; must stay answered
  kHold,    ///< must stay refused
  kKeep,    ///< related requests; must stay answered
  kWatch,   ///< reported only
};

struct ScenarioSet {
  std::string metric;  ///< id in results.json: dsr, gsr, direct_refusal, benign_compliance, ...
  std::vector<std::string> data;  ///< JSONL files, absolute paths
  SetRole role = SetRole::kWatch;
  Wanted wanted = Wanted::kAnswered;
  std::vector<std::string> answer_prefixes;  ///< an answer begins with one of them; empty = any
  double max_drop = 0.02;                    ///< maximum drop of the rate under the chosen mask
  bool needs_rollout = false;  ///< the data contain only user turns; the model writes the replies
  bool allow_near_duplicates = false;  ///< near duplicates across splits only cause a warning
};

/// "target", "benign", "hold", "keep", "watch".
[[nodiscard]] const char* to_string(SetRole role);

/// Methods to make a mask.
enum class MaskMethod {
  kClosedLoop,               ///< measures random masks on the model and follows the gradient
  kEffectMap,                ///< the causal effects of individual experts, as a mask
  kMeanDifference,           ///< difference of class means of the router logits
  kSurrogate,                ///< the paper's method: optimised through an LSTM surrogate
  kRouterAdapter,            ///< the closed loop over a low-rank change of the routers
  kInterventionalSurrogate,  ///< the same, trained on the effects of random masks
};

[[nodiscard]] const char* to_string(MaskMethod method);
/// Empty for any word other than those below.
[[nodiscard]] std::optional<MaskMethod> parse_mask_method(const std::string& text);
inline constexpr const char* kMaskMethodWords =
    "closed_loop, router_adapter, effect_map, mean_difference, surrogate or "
    "interventional_surrogate";

/// Where the closed loop gets its gradients from.
enum class GradientSource {
  kAuto,   ///< exact where the host has them at a good price, random pairs otherwise
  kExact,  ///< a reverse pass through the model; fails if it has none
  kPairs,  ///< random pairs of masks; forward passes only
};

struct SearchOptions {
  std::vector<MaskMethod> methods = {MaskMethod::kClosedLoop, MaskMethod::kMeanDifference};
  GradientSource gradients = GradientSource::kAuto;
  int64_t n_map_pair = 2048;    ///< maximum number of mask pairs for the effect map
  int64_t n_loop_step = 60;     ///< steps of the closed loop
  int64_t n_refresh_step = -1;  ///< steps between looks at replies; 0 = never, -1 = adapters 10
  int64_t n_loop_pair = 0;      ///< mask pairs per step; 0 = depends on the number of free entries
  int64_t n_loop_item = 0;      ///< exact gradients per step; 0 = 48
  /// Number of trials to generate replies for, chosen by prefill estimates; 0 = all trials.
  int64_t n_finalist = 3;
  std::vector<double> alphas = {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0};
  std::vector<double> lambdas = {1e-3};
  std::vector<int64_t> seeds = {0, 1, 2};   ///< surrogate seeds, added to the run's seed
  std::vector<int64_t> epochs = {20, 40};   ///< steering epochs
  std::vector<double> preserves = {0.0};    ///< weights of the preservation term
  std::vector<double> guards = {0.0, 0.5};  ///< weights of the guard masks for hold and keep sets
  double mean_difference_norm = 4.0;  ///< Euclidean norm of mean-difference and effect-map masks
  double max_perplexity_rise = 0.05;  ///< relative limit, on the general text
};

/// How general text is put before the model.
enum class TextForm {
  kRaw,   ///< as it is, after a begin mark
  kChat,  ///< as the assistant's reply to a plain request, through the chat template
};

struct GeneralOptions {
  std::string text;                    ///< plain text for perplexity, absolute path; empty = none
  std::string multiple_choice;         ///< JSONL, absolute path; empty = none
  int64_t n_block_token = 191;         ///< tokens per block of text
  int64_t n_max_block = 0;             ///< 0 = all
  TextForm limited = TextForm::kChat;  ///< whose perplexity is limited, where there is a template
};

/// Baselines for the chosen mask (`mascing run --baselines`).
struct BaselineOptions {
  std::vector<std::string> methods;  ///< paper, mean_difference, ...; empty = all
  std::string system_prompt;  ///< should have the same effect as the mask; empty = no such baseline
  int64_t n_random_mask = 20;  ///< number of random masks with the norm of the chosen one
};

struct Scenario {
  std::string path;  ///< path of the file
  std::string name;
  std::string direction;  ///< "defend" or "permit", for display
  std::vector<ScenarioSet> sets;
  JudgeOptions judge;
  TrainOptions train;
  Contrast contrast = Contrast::kMatched;  ///< for the conversations that train surrogates
  SteerOptions steer;
  SearchOptions search;
  GeneralOptions general;
  BaselineOptions baselines;
  VerdictLimits verdict;
  int64_t n_max_token = 100;             ///< per reply, of its visible part
  int64_t n_max_reasoning_token = 2048;  ///< per reply of a model that reasons
  int64_t n_max_play_token = 1024;       ///< per reply of a rollout, of its visible part
  TemplateOptions chat_template;         ///< how the model's template is applied
  double temperature = 0.0;
  std::optional<std::vector<int64_t>> sample_seeds;  ///< read through sample_seeds_of()
  double sample_temperature = 0.8;

  [[nodiscard]] const ScenarioSet& target() const;
  /// Each draws one more reply to every test conversation of `set`: sample_seeds where given, even
  /// if empty; otherwise 1, 2 and 3 for target and hold sets, whose rates matter most.
  [[nodiscard]] std::vector<int64_t> sample_seeds_of(const ScenarioSet& set) const;
  [[nodiscard]] bool uses(MaskMethod method) const;
  /// Some method follows margins of the model's own answers: a loop or effect_map.
  [[nodiscard]] bool uses_loop() const;
  [[nodiscard]] std::string set_without_judge() const;  ///< its metric; empty = there is none
  /// Loops of n_loop_step steps, 0 to 2.
  [[nodiscard]] int64_t n_loop() const;
};

/// Sets the paper's search (method.md, 6.): one surrogate, 4 lambdas x 8 alphas, replies for all.
void use_paper_recipe(Scenario& scenario);

/// Reads and checks a scenario. Paths are relative to the scenario's folder. Throws Error{kUsage}
/// with file, line, found and expected values (for unknown keys, with the closest known one).
[[nodiscard]] Scenario read_scenario(const std::string& path);

}  // namespace mascing
