// How well the margin of one prefill tells which reply will be generated, under masks that no
// search has chosen: random ones whose entries are normal with a deviation of SIGMAS. Selection
// split of the scenario's target set; the openings come from the discovery split, as in a run.
//
//   outcome_bench SCENARIO MODEL CACHE_FOLDER [REASONING = off] [MASKS = 8] [SIGMAS = 0.5]
//
// Prints a row: replies that the margin was asked about, share of wanted ones, AUC with a 95 %
// interval (Hanley and McNeil), the same of the unsteered model. A model that reasons is asked
// behind its own reasoning without a mask, and, in two more rows, as a loop asks it after a look:
// behind its reasoning under a mask that is near, half of the one that is measured, and under that
// one itself.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/random.h"
#include "mascing/error.h"
#include "mascing/llama_host.h"
#include "mascing/scenario.h"
#include "measure/eval_context.h"
#include "measure/label.h"
#include "measure/make_jury.h"
#include "measure/traces.h"
#include "scenario/dataset.h"
#include "search/conclusion.h"
#include "search/look_at_replies.h"
#include "search/search_space.h"
#include "search/successive_halving.h"
#include "stage/baseline_masks.h"

namespace {

using namespace mascing;  // NOLINT: a program of one file

constexpr size_t kRows = 64;  // of the selection split, for each mask

struct Task {
  Scenario scenario;
  std::string model;
  std::string folder;
  int64_t n_mask = 8;
  double n_sigma = 0.5;
};

void print_outcome(const MarginSample& sample) {
  const double n_wanted = std::accumulate(sample.wanted.begin(), sample.wanted.end(), 0.0);
  const double n = static_cast<double>(sample.wanted.size());
  const double n_other = n - n_wanted;
  if (n_wanted < 1.0 || n_other < 1.0) {
    std::printf(" %.0f | %.2f | - |", n, n > 0.0 ? n_wanted / n : 0.0);
    return;
  }
  const double auc = predict_outcome(sample).auc;
  const double q1 = auc / (2.0 - auc);
  const double q2 = 2.0 * auc * auc / (1.0 + auc);
  const double error = std::sqrt((auc * (1.0 - auc) + (n_wanted - 1.0) * (q1 - auc * auc) +
                                  (n_other - 1.0) * (q2 - auc * auc)) /
                                 (n_wanted * n_other));
  std::printf(" %.0f | %.2f | %.2f [%.2f, %.2f] |",
              n,
              n_wanted / n,
              auc,
              auc - 1.96 * error,
              std::min(1.0, auc + 1.96 * error));
}

/// All zeros with the sigma that a run would use.
Mask zero_mask(const EvalContext& context, const std::string& folder) {
  const LoadedSet& target = context.target();
  const Traced traced =
      collect_traces(context.evaluator.host(),
                     {{target.spec.metric, label_discovery(context, target).rows}},
                     {folder + "/traces"},
                     {});
  return make_search_space(traced.traces, context.scenario, 0).mask;
}

std::string name_of(const Task& task) {
  return std::filesystem::path(task.model).stem();
}

/// `near`: share of a mask under which the reasoning is taken; 0: the unsteered model's.
void print_row(
    const EvalContext& context, Objectives objectives, Mask mask, const Task& task, float near) {
  const ConstraintChecker checker(context);
  const PrefillEstimator estimator(context.evaluator, objectives);
  std::vector<Conversation> rows = context.target().rows(Split::kSelection);
  rows.resize(std::min(rows.size(), kRows));
  std::vector<size_t> i_rows(rows.size());
  std::iota(i_rows.begin(), i_rows.end(), 0);
  MarginSample random;
  const auto n_entry = std::ssize(mask.steer);
  for (int64_t i = 0; i < task.n_mask; ++i) {
    const double norm = task.n_sigma * std::sqrt(static_cast<double>(n_entry));
    mask.steer = random_steer(n_entry, norm, mix_seed(7, static_cast<uint64_t>(i)));
    const auto drawn = std::make_shared<const Mask>(mask);
    if (near > 0.0F) {
      const auto replies = checker.ask_target({drawn, near}, "near", kRows).replies;
      take_reasoning(context_of(context, objectives), i_rows, rows, replies, objectives);
    }
    const Steering steering{drawn, 1.0F};
    random.add(margins_of(
        checker, estimator, steering, checker.ask_target({steering}, "random", kRows).replies));
  }
  const char* behind = near == 1.0F   ? ", reasoning under the mask"
                       : near == 0.5F ? ", reasoning under half of it"
                                      : "";
  std::printf("| %s%s | %s |", name_of(task).c_str(), behind, context.target().spec.metric.c_str());
  print_outcome(random);
  if (near == 0.0F) {
    print_outcome(margins_of(checker, estimator, {}, checker.base_replies(checker.target())));
  }
  std::printf("\n");
}

void measure(const Task& task) {
  LlamaHostOptions options;
  options.path = task.model;
  options.n_thread = 1;
  options.chat_template = task.scenario.chat_template;
  const auto host = open_llama_host(options);
  const Dataset data = load_dataset(task.scenario, 0);
  const auto judge =
      make_jury(task.scenario.judge, task.scenario.sets, {{}, task.folder + "/cache", {}});
  CachedEvaluator evaluator(
      *host,
      Cache(task.folder + "/cache", host->describe().identity),
      {0.0F, 0, task.scenario.n_max_token, task.scenario.n_max_reasoning_token},
      {});
  EvalContext context{evaluator, data, task.scenario, *judge, coherence_limit(evaluator, data)};
  context.prefix_length = [](const AskedReply& reply) { return reply.n_reasoning_token; };
  context.conclusion_length = [&](const AskedReply& reply, const LeadSentences& leads) {
    return n_before_conclusion(*host, reply, leads);
  };
  const Objectives objectives = build_objectives(context, Split::kSelection);
  if (!objectives.sees_target()) {
    std::printf("| %s | the margin is too weak | | | | | |\n", name_of(task).c_str());
    return;
  }
  const Mask zero = zero_mask(context, task.folder);
  print_row(context, objectives, zero, task, 0.0F);
  if (objectives.at_conclusion()) {
    print_row(context, objectives, zero, task, 0.5F);
    print_row(context, objectives, zero, task, 1.0F);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 7) {
    std::fprintf(stderr,
                 "usage: outcome_bench SCENARIO MODEL CACHE_FOLDER [REASONING = off] [MASKS = 8] "
                 "[SIGMAS = 0.5]\n");
    return 2;
  }
  try {
    Task task{read_scenario(argv[1]), argv[2], argv[3]};
    const bool reasons = argc > 4 && std::string(argv[4]) == "on";
    task.scenario.chat_template.reasoning = reasons ? ReasoningMode::kOn : ReasoningMode::kOff;
    task.n_mask = argc > 5 ? std::strtol(argv[5], nullptr, 10) : task.n_mask;
    task.n_sigma = argc > 6 ? std::strtod(argv[6], nullptr) : task.n_sigma;
    ensure_directory(task.folder);
    measure(task);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "outcome_bench: error: %s\n", error.what());
    return 1;
  }
}
