// Reads a scenario, with one function per table that is strict about keys, types and ranges, then
// checks across tables.
#include "mascing/scenario.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <set>
#include <string_view>

#include "base/files.h"
#include "mascing/error.h"
#include "scenario/baseline_table.h"
#include "scenario/judge_tables.h"
#include "scenario/reply_tables.h"
#include "scenario/toml_reader.h"
#include "scenario/verdict_table.h"

namespace mascing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Range kNotNegative{0.0, kInfinity};
constexpr Range kPositive{0.0, kInfinity, true};
constexpr Range kShare{0.0, 1.0};
constexpr Range kCount{1.0, 1e9};
constexpr Range kMapPairs{64.0, 1e6};
constexpr int64_t kLeastLoopPairs = 64;
constexpr Range kNetworkWidth{1.0, 65536.0};
constexpr Range kSeed{0.0, 9.0e18};

constexpr SetRole kRoles[] = {
    SetRole::kTarget, SetRole::kBenign, SetRole::kHold, SetRole::kKeep, SetRole::kWatch};
constexpr SigmaRule kSigmaRules[] = {SigmaRule::kToken, SigmaRule::kCalibrated, SigmaRule::kBatch};

// Measured in every run from data other than the sets.
constexpr std::array<std::string_view, 2> kReservedMetrics = {"multiple_choice", "coherent"};

std::string text_of(const TomlTable& table, const std::string& key) {
  table.require(key);
  std::string text;
  table.get(key, text);
  if (text.empty()) {
    table.fail(key, "is empty", "enter a value");
  }
  return text;
}

std::string metric_id(const TomlTable& table) {
  std::string metric = text_of(table, "metric");
  const bool is_id = std::all_of(metric.begin(), metric.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!is_id) {
    table.fail("metric",
               "is \"" + metric + "\", expected small letters, digits and _",
               "it becomes a key of results.json, such as benign_compliance");
  }
  if (std::find(kReservedMetrics.begin(), kReservedMetrics.end(), metric) !=
      kReservedMetrics.end()) {
    table.fail("metric",
               "is \"" + metric + "\", which is reserved for a built-in metric",
               "choose another name");
  }
  return metric;
}

void check_role(const TomlTable& table, const ScenarioSet& set) {
  const bool is_refused = set.wanted == Wanted::kRefused;
  if (set.role == SetRole::kHold && !is_refused) {
    table.fail("wanted",
               "is \"answered\", but a hold set must stay refused",
               "use role = \"keep\" or wanted = \"refused\"");
  }
  if ((set.role == SetRole::kKeep || set.role == SetRole::kBenign) && is_refused) {
    table.fail("wanted",
               "is \"refused\", but a benign or keep set must stay answered",
               "use role = \"hold\" or wanted = \"answered\"");
  }
}

/// Checks that the scenario disables for this set.
bool allows_near_duplicates(const TomlTable& table) {
  std::vector<std::string> names;
  table.get("allow", names);
  for (int64_t i = 0; i < std::ssize(names); ++i) {
    if (names[i] != "near_duplicates") {
      table.fail("allow",
                 "has \"" + names[i] + "\", expected near_duplicates",
                 "list data checks that should only warn for this set",
                 i);
    }
  }
  return !names.empty();
}

ScenarioSet read_set(const TomlTable& table, const std::filesystem::path& folder) {
  table.expect_keys(
      {"metric", "role", "data", "play", "wanted", "answer_prefixes", "max_drop", "allow"});
  ScenarioSet set;
  set.metric = metric_id(table);
  table.require("role");
  set.role = kRoles[table.get_word("role", {"target", "benign", "hold", "keep", "watch"})];
  table.require("wanted");
  set.wanted =
      table.get_word("wanted", {"refused", "answered"}) == 0 ? Wanted::kRefused : Wanted::kAnswered;
  check_role(table, set);
  table.require("data");
  table.get("data", set.data);
  for (std::string& path : set.data) {
    path = table.existing_file("data", path, folder);
  }
  if (std::set<std::string>(set.data.begin(), set.data.end()).size() != set.data.size()) {
    table.fail(
        "data", "lists a file twice", "remove one entry; its conversations would count twice");
  }
  table.get("play", set.needs_rollout);
  table.get("answer_prefixes", set.answer_prefixes);
  require_letters(table, "answer_prefixes", set.answer_prefixes);
  table.get("max_drop", set.max_drop, kShare);
  set.allow_near_duplicates = allows_near_duplicates(table);
  return set;
}

void check_sets(const TomlTable& root,
                const std::vector<TomlTable>& tables,
                const std::vector<ScenarioSet>& sets) {
  std::set<std::string> metrics;
  const TomlTable* target = nullptr;
  for (size_t i = 0; i < sets.size(); ++i) {
    if (!metrics.insert(sets[i].metric).second) {
      tables[i].fail("metric",
                     "\"" + sets[i].metric + "\" is already used by another [[set]]",
                     "use a unique metric for each set");
    }
    if (sets[i].role == SetRole::kTarget && target != nullptr) {
      tables[i].fail("role",
                     "is \"target\" in more than one [[set]]",
                     "use \"watch\" to measure a set that is not the target");
    }
    if (sets[i].role == SetRole::kTarget) {
      target = &tables[i];
    }
  }
  if (target == nullptr) {
    root.fail("set",
              "there is no target set",
              "set role = \"target\" in the [[set]] whose behaviour should change");
  }
  const auto has_role = [&](SetRole role, Wanted wanted) {
    return std::any_of(sets.begin(), sets.end(), [&](const ScenarioSet& set) {
      return set.role == role && set.wanted == wanted;
    });
  };
  if (has_role(SetRole::kTarget, Wanted::kAnswered) &&
      !has_role(SetRole::kHold, Wanted::kRefused)) {
    target->fail("wanted",
                 "is \"answered\", but no [[set]] has role = \"hold\"",
                 "a scenario that permits answers also needs a set that must stay refused, to be "
                 "tested");
  }
}

TrainOptions read_train(const TomlTable& table) {
  table.expect_keys({"projection",
                     "hidden",
                     "epochs",
                     "batch",
                     "learning_rate",
                     "validation_share",
                     "patience",
                     "contrast"});
  TrainOptions train;
  table.get("projection", train.n_proj, kNetworkWidth);
  table.get("hidden", train.n_hidden, kNetworkWidth);
  table.get("epochs", train.n_epoch, kCount);
  table.get("batch", train.n_batch, kCount);
  table.get("learning_rate", train.learning_rate, kPositive);
  table.get("validation_share", train.validation_share, {0.0, 1.0, true});
  table.get("patience", train.n_patience, {0.0, 1e9});
  return train;
}

Contrast read_contrast(const TomlTable& table) {
  constexpr auto kMatched = static_cast<size_t>(Contrast::kMatched);
  return static_cast<Contrast>(
      table.get_word("contrast", {"all", "matched", "prefixes"}, kMatched));
}

SteerOptions read_steer(const TomlTable& table) {
  table.expect_keys({"learning_rate", "batch", "threshold", "sigma"});
  SteerOptions steer;
  table.get("learning_rate", steer.learning_rate, kPositive);
  table.get("batch", steer.n_batch, kCount);
  table.get("threshold", steer.threshold, kNotNegative);
  steer.sigma_rule = kSigmaRules[table.get_word("sigma", {"token", "calibrated", "batch"})];
  return steer;
}

std::vector<MaskMethod> read_methods(const TomlTable& table) {
  std::vector<std::string> words;
  table.get("methods", words);
  std::vector<MaskMethod> methods;
  for (const std::string& word : words) {
    const auto found = parse_mask_method(word);
    if (!found) {
      table.fail("methods",
                 "has \"" + word + "\", expected " + kMaskMethodWords,
                 "list the methods to try");
    }
    methods.push_back(*found);
  }
  return methods;
}

SearchOptions read_search(const TomlTable& table) {
  table.expect_keys({"methods",
                     "gradients",
                     "map_pairs",
                     "loop_steps",
                     "loop_pairs",
                     "loop_items",
                     "loop_refresh",
                     "finalists",
                     "alphas",
                     "lambdas",
                     "seeds",
                     "epochs",
                     "preserves",
                     "guards",
                     "mean_difference_norm",
                     "max_perplexity_rise"});
  SearchOptions search;
  if (table.has("methods")) {
    search.methods = read_methods(table);
  }
  constexpr std::array kSources = {
      GradientSource::kAuto, GradientSource::kExact, GradientSource::kPairs};
  search.gradients = kSources.at(table.get_word("gradients", {"auto", "exact", "pairs"}));
  table.get("map_pairs", search.n_map_pair, kMapPairs);
  table.get("loop_steps", search.n_loop_step, kCount);
  table.get("loop_refresh", search.n_refresh_step, {0.0, 1e6});
  table.get("loop_items", search.n_loop_item, {0.0, 1e6});
  table.get("loop_pairs", search.n_loop_pair, {0.0, 1e6});
  if (search.n_loop_pair > 0 && search.n_loop_pair < kLeastLoopPairs) {
    table.fail("loop_pairs",
               "is " + std::to_string(search.n_loop_pair) + ", expected 0 or at least " +
                   std::to_string(kLeastLoopPairs),
               "with fewer pairs a step would skip sets; 0 means 4 pairs per free entry");
  }
  table.get("finalists", search.n_finalist, {0.0, 1e6});
  table.get("alphas", search.alphas, kPositive);
  if (std::adjacent_find(search.alphas.begin(), search.alphas.end(), std::greater_equal<>()) !=
      search.alphas.end()) {
    table.fail("alphas", "does not rise", "list the strengths from the weakest on, each once");
  }
  table.get("lambdas", search.lambdas, kNotNegative);
  table.get("seeds", search.seeds, kSeed);
  table.get("epochs", search.epochs, kCount);
  table.get("preserves", search.preserves, kNotNegative);
  table.get("guards", search.guards, kNotNegative);
  table.get("mean_difference_norm", search.mean_difference_norm, kNotNegative);
  table.get("max_perplexity_rise", search.max_perplexity_rise, kNotNegative);
  return search;
}

void read_sets(const TomlTable& root, const std::filesystem::path& folder, Scenario& scenario) {
  const std::vector<TomlTable> tables = root.tables("set");
  for (const TomlTable& table : tables) {
    scenario.sets.push_back(read_set(table, folder));
  }
  check_sets(root, tables, scenario.sets);
}

}  // namespace

const ScenarioSet& Scenario::target() const {
  const auto found = std::find_if(sets.begin(), sets.end(), [](const ScenarioSet& set) {
    return set.role == SetRole::kTarget;
  });
  if (found == sets.end()) {
    throw Error(ErrorKind::kUsage,
                "[scenario] \"" + name + "\" has no target set",
                "set role = \"target\" in the set whose behaviour should change");
  }
  return *found;
}

bool Scenario::uses_loop() const {
  return n_loop() > 0 || uses(MaskMethod::kEffectMap);
}

int64_t Scenario::n_loop() const {
  return (uses(MaskMethod::kClosedLoop) ? 1 : 0) + (uses(MaskMethod::kRouterAdapter) ? 1 : 0);
}

bool Scenario::uses(MaskMethod method) const {
  const auto& methods = search.methods;
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

const char* to_string(SetRole role) {
  constexpr std::array kWords = {"target", "benign", "hold", "keep", "watch"};
  return kWords.at(std::find(std::begin(kRoles), std::end(kRoles), role) - std::begin(kRoles));
}

const char* to_string(MaskMethod method) {
  switch (method) {
    case MaskMethod::kClosedLoop:
      return "closed_loop";
    case MaskMethod::kEffectMap:
      return "effect_map";
    case MaskMethod::kRouterAdapter:
      return "router_adapter";
    case MaskMethod::kMeanDifference:
      return "mean_difference";
    case MaskMethod::kInterventionalSurrogate:
      return "interventional_surrogate";
    case MaskMethod::kSurrogate:
      break;
  }
  return "surrogate";
}

std::optional<MaskMethod> parse_mask_method(const std::string& text) {
  for (const MaskMethod method : {MaskMethod::kClosedLoop,
                                  MaskMethod::kEffectMap,
                                  MaskMethod::kRouterAdapter,
                                  MaskMethod::kMeanDifference,
                                  MaskMethod::kSurrogate,
                                  MaskMethod::kInterventionalSurrogate}) {
    if (text == to_string(method)) {
      return method;
    }
  }
  return std::nullopt;
}

void use_paper_recipe(Scenario& scenario) {
  SearchOptions& search = scenario.search;
  search.methods = {MaskMethod::kSurrogate};
  search.n_finalist = 0;
  search.alphas = {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0};
  search.lambdas = {0.0, 1e-5, 1e-4, 1e-3};
  search.seeds = {0};
  search.epochs = {100};
  search.preserves = {0.0};
  search.guards = {0.0};
  scenario.contrast = Contrast::kAll;
  scenario.judge.builtin = BuiltinJudge::kPrefixes;
}

Scenario read_scenario(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    const bool exists = std::filesystem::exists(path, error);
    throw Error(ErrorKind::kUsage,
                "[scenario] " + path + (exists ? " is not a file" : ": no such file"),
                "check the path; an example scenario is scenarios/demo/defend.toml");
  }
  const TomlTable root = TomlTable::parse(read_text_file(path), path);
  root.expect_keys({"name",
                    "direction",
                    "judge",
                    "judges",
                    "set",
                    "general",
                    "generate",
                    "template",
                    "train",
                    "steer",
                    "search",
                    "baselines",
                    "verdict"});
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();

  Scenario scenario;
  scenario.path = path;
  scenario.name = text_of(root, "name");
  scenario.direction = text_of(root, "direction");
  read_sets(root, folder, scenario);
  scenario.judge = read_judges(root, folder, scenario.sets);
  require_judges(root, scenario);
  scenario.general = read_general(root.table("general"), folder);
  read_generate(root.table("generate"), scenario);
  scenario.chat_template = read_template(root.table("template"));
  scenario.train = read_train(root.table("train"));
  scenario.contrast = read_contrast(root.table("train"));
  scenario.steer = read_steer(root.table("steer"));
  scenario.search = read_search(root.table("search"));
  scenario.baselines = read_baselines(root.table("baselines"));
  scenario.verdict = read_verdict(root.table("verdict"));
  return scenario;
}

}  // namespace mascing
