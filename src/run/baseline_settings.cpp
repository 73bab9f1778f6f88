// Few settings each, from weak to strong; what is costly is kept in the folder of the options or in
// the evaluator's cache.
#include "run/baseline_settings.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <utility>

#include "base/numeric.h"
#include "base/text.h"
#include "search/mask_maker.h"
#include "stage/baseline_masks.h"

namespace mascing {
namespace {

// The sweep of the paper's research code (method.md, step 6).
constexpr std::array<double, 4> kPaperLambdas = {0.0, 1e-5, 1e-4, 1e-3};
constexpr std::array<double, 8> kPaperAlphas = {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0};
constexpr int64_t kPaperEpochs = 100;

constexpr std::array<int64_t, 6> kForcedCounts = {1, 2, 4, 8, 16, 32};
constexpr std::array<double, 6> kMeanAlphas = {0.25, 0.5, 0.75, 1.0, 1.5, 2.0};
constexpr double kMeanNorm = 4.0;
constexpr std::array<double, 4> kControlAlphas = {0.5, 1.0, 2.0, 4.0};
constexpr int64_t kMaxControlBlock = 8;

std::string alpha_words(double alpha) {
  return "alpha " + format_number(alpha, 2);
}

/// As the paper does it, but for its defects: S starts at zero and the splits are disjoint.
Baseline paper(const EvalContext& context, const TraceSet& traces, const BuildOptions& options) {
  Baseline baseline{"paper", {}};
  const Progress& progress = context.evaluator.progress();
  const MaskMaker maker(traces, context.scenario, options.n_thread, options.folder);
  SteerOptions steer = context.scenario.steer;
  steer.seed = options.seed;
  steer.n_epoch = kPaperEpochs;
  std::vector<SteerCell> cells(kPaperLambdas.size(), {0, steer});
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i].options.lambda = kPaperLambdas[i];
  }
  const auto masks = maker.steer({maker.train(options.seed, progress)}, cells, progress);
  for (int64_t i = 0; i < std::ssize(masks); ++i) {
    const double lambda = kPaperLambdas[i];
    for (const double alpha : kPaperAlphas) {
      baseline.settings.push_back({alpha_words(alpha) + ", lambda " + format_number(lambda, 5),
                                   {{masks[i], to_float(alpha)}},
                                   lambda,
                                   options.seed,
                                   i});
    }
  }
  return baseline;
}

Baseline mean_difference_masks(Scenario scenario,
                               const TraceSet& traces,
                               const BuildOptions& options) {
  Baseline baseline{"mean_difference", {}};
  scenario.search.mean_difference_norm = kMeanNorm;
  const MaskMaker maker(traces, scenario, options.n_thread, options.folder);
  const auto mask = maker.mean_difference_mask();
  for (const double alpha : kMeanAlphas) {
    baseline.settings.push_back({alpha_words(alpha), {{mask, to_float(alpha)}}, 0.0, 0, 0});
  }
  return baseline;
}

/// How many experts to force, of `n_entry`: at most a third.
std::vector<int64_t> forced_counts(int64_t n_entry) {
  std::vector<int64_t> counts;
  std::copy_if(
      kForcedCounts.begin(), kForcedCounts.end(), std::back_inserter(counts), [n_entry](int64_t n) {
        return n <= n_entry / 3;
      });
  return counts;
}

Baseline forced(const TraceSet& traces) {
  Baseline baseline{"forced_experts", {}};
  const std::vector<double> difference = risk_difference(traces);
  for (const int64_t n : forced_counts(std::ssize(difference))) {
    Mask mask = mask_for(traces);
    mask.method = baseline.method;
    mask.steer = forced_experts(difference, n);
    mask.sigma.assign(mask.n_layer, 1.0F);
    baseline.settings.push_back({std::to_string(n) + (n == 1 ? " expert" : " experts"),
                                 {{std::make_shared<const Mask>(mask), 1.0F, SteerRule::kForce}},
                                 0.0,
                                 0,
                                 0});
  }
  return baseline;
}

std::vector<Conversation> with_label(const std::vector<Conversation>& rows, int label) {
  std::vector<Conversation> some;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(some), [&](const Conversation& row) {
    return row.label == label;
  });
  return some;
}

/// The first is left out: libllama's control vectors skip it.
int64_t n_control_block(int64_t n_block) {
  return std::min(kMaxControlBlock, n_block - 1);
}

/// Blocks spread evenly over the depth.
Baseline control(CachedEvaluator& evaluator, const std::vector<Conversation>& rows) {
  Baseline baseline{"control_vector", {}};
  const ControlVector all = evaluator.residual_difference(with_label(rows, 0), with_label(rows, 1));
  const int64_t n_choice = n_control_block(all.n_block);
  for (int64_t i = 0; i < n_choice; ++i) {
    const int64_t i_block = 1 + i * (all.n_block - 1) / n_choice;
    const auto one = std::make_shared<const ControlVector>(only_block(all, i_block));
    for (const double alpha : kControlAlphas) {
      baseline.settings.push_back({"block " + std::to_string(i_block) + ", " + alpha_words(alpha),
                                   {{nullptr, to_float(alpha), SteerRule::kAdd, one}},
                                   0.0,
                                   0,
                                   i});
    }
  }
  return baseline;
}

bool is_wanted(const Scenario& scenario, const std::string& method) {
  const BaselineOptions& wanted = scenario.baselines;
  if (method == "system_prompt" && wanted.system_prompt.empty()) {
    return false;
  }
  return wanted.methods.empty() ||
         std::count(wanted.methods.begin(), wanted.methods.end(), method) > 0;
}

}  // namespace

std::vector<SettingCount> count_settings(const Scenario& scenario, const ModelInfo& info) {
  const std::vector<std::pair<std::string, SettingCount>> all = {
      {"paper", {std::ssize(kPaperLambdas) * std::ssize(kPaperAlphas)}},
      {"mean_difference", {std::ssize(kMeanAlphas)}},
      {"forced_experts", {std::ssize(forced_counts(info.n_layer * info.n_expert))}},
      {"control_vector", {n_control_block(info.n_block) * std::ssize(kControlAlphas)}},
      {"system_prompt", {1, false}}};
  std::vector<SettingCount> counts;
  for (const auto& [method, count] : all) {
    if (is_wanted(scenario, method)) {
      counts.push_back(count);
    }
  }
  return counts;
}

std::vector<Baseline> make_baselines(const EvalContext& context,
                                     const std::vector<Conversation>& rows,
                                     const TraceSet& traces,
                                     const BuildOptions& options) {
  const Scenario& scenario = context.scenario;
  std::vector<Baseline> baselines;
  if (is_wanted(scenario, "paper")) {
    baselines.push_back(paper(context, traces, options));
  }
  if (is_wanted(scenario, "mean_difference")) {
    baselines.push_back(mean_difference_masks(scenario, traces, options));
  }
  if (is_wanted(scenario, "forced_experts")) {
    baselines.push_back(forced(traces));
  }
  if (is_wanted(scenario, "control_vector")) {
    baselines.push_back(control(context.evaluator, rows));
  }
  if (is_wanted(scenario, "system_prompt")) {
    const std::string& prompt = scenario.baselines.system_prompt;
    baselines.push_back({"system_prompt", {{"from the scenario", {{}, prompt}, 0.0, 0, 0}}});
  }
  return baselines;
}

}  // namespace mascing
