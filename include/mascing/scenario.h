// A scenario: which conversations, which outcome is wanted of each set, and how to search. It is
// data (a TOML file); nothing in the library depends on what a scenario is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  double max_drop = 0.02;  ///< the rate may fall by so much under a mask that is chosen
};

struct JudgeOptions {
  bool default_prefixes = true;               ///< the paper's refusal prefixes
  std::vector<std::string> refusal_prefixes;  ///< further ones
};

struct SearchOptions {
  std::vector<double> alphas = {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0};
  std::vector<double> lambdas = {1e-3};
  std::vector<int64_t> seeds = {0, 1, 2};   ///< surrogate seeds, added to the run's seed
  std::vector<int64_t> epochs = {20, 40};   ///< steering epochs
  std::vector<double> preserves = {0.0};    ///< weights of the preservation term
  std::vector<double> guards = {0.0, 0.5};  ///< weights of the masks that guard hold and keep sets
  double mean_difference_norm = 4.0;        ///< 0 = without this baseline
  double max_perplexity_rise = 0.05;        ///< relative, on the general text
};

struct GeneralOptions {
  std::string text;             ///< plain text for perplexity, absolute path; empty = none
  std::string multiple_choice;  ///< JSONL, absolute path; empty = none
  int64_t n_block_token = 191;  ///< tokens per block of text
  int64_t n_max_block = 0;      ///< 0 = all
};

struct Scenario {
  std::string path;  ///< of the file
  std::string name;
  std::string direction;  ///< the user's word: "defend", "permit"
  std::vector<ScenarioSet> sets;
  JudgeOptions judge;
  TrainOptions train;
  SteerOptions steer;
  SearchOptions search;
  GeneralOptions general;
  int64_t n_max_token = 100;  ///< per reply
  double temperature = 0.0;

  [[nodiscard]] const ScenarioSet& target() const;
};

/// Reads and checks a scenario. Relative paths are taken from the scenario's folder. Throws
/// Error{kUsage} with file, line, what was found and what was expected (unknown keys with the
/// nearest known one).
[[nodiscard]] Scenario read_scenario(const std::string& path);

}  // namespace mascing
