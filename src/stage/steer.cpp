// Adam on steering matrices through frozen surrogates (method.md, step 4). Cells are divided into
// groups that see the same batches; a group's runs go step by step together, through one pass over
// the traces each.
#include "mascing/steer.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <tuple>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "mascing/error.h"
#include "stage/ragged_traces.h"
#include "stage/route_divergence.h"
#include "stage/steer_checks.h"
#include "stage/steer_objective.h"
#include "stage/steer_run.h"
#include "stage/train_split.h"

namespace mascing {
namespace {

/// Streams of random numbers that one seed gives.
enum class SteerStream : uint64_t { kTarget = 1, kPreserve = 2, kSplit = 3 };

/// An endless series of batches of shuffled traces, every trace once per pass. Nothing is shuffled
/// if one batch holds all traces.
class BatchDeck {
 public:
  BatchDeck(std::vector<int64_t> traces, int64_t n_batch, uint64_t seed)
      : traces_(std::move(traces)), n_batch_(n_batch), rng_(seed) {
    shuffle();
  }

  /// At most n_batch traces; the last batch before a new shuffle may be smaller.
  std::vector<int64_t> draw() {
    const int64_t n_trace = std::ssize(traces_);
    if (next_ >= n_trace) {
      shuffle();
      next_ = 0;
    }
    const int64_t end = std::min(n_trace, next_ + n_batch_);
    std::vector<int64_t> batch(traces_.begin() + next_, traces_.begin() + end);
    next_ = end;
    return batch;
  }

 private:
  void shuffle() {
    if (n_batch_ < std::ssize(traces_)) {
      rng_.shuffle(traces_);
    }
  }

  std::vector<int64_t> traces_;
  int64_t n_batch_;
  Rng rng_;
  int64_t next_ = 0;
};

/// What must agree for two cells to see the same batches.
bool see_the_same(const SteerOptions& a, const SteerOptions& b) {
  const auto key = [](const SteerOptions& o) {
    return std::make_tuple(o.target,
                           o.n_batch,
                           o.seed,
                           o.sigma_rule == SigmaRule::kToken,
                           o.preserve_reach,
                           o.validation_share);
  };
  return key(a) == key(b);
}

/// Target traces a cell is fitted to, and those held out.
struct TargetSplit {
  std::vector<int64_t> fit;
  std::vector<int64_t> held;
};

TargetSplit split_target(const TraceSet& set,
                         const std::vector<int64_t>& target_traces,
                         const SteerOptions& options) {
  std::vector<int64_t> traces = target_traces;
  std::erase_if(traces, [&](int64_t i) { return set.traces[i].label == options.target; });
  if (traces.empty()) {
    throw Error(
        ErrorKind::kInsufficient,
        "[steer] no trace of the class to leave (label " + std::to_string(1 - options.target) + ")",
        "collect conversations with this label, or check the judge's labels");
  }
  if (options.validation_share <= 0.0) {
    return {traces, {}};
  }
  const TrainSplit split = hold_out_topics(
      set, traces, options.validation_share, stream_seed(options.seed, SteerStream::kSplit));
  return {split.train, split.validation};
}

/// Runs that go together.
class SteerGroup {
 public:
  SteerGroup(const std::vector<Surrogate>& surrogates,
             const TraceSet& set,
             const SteerTraces& traces,
             const std::vector<float>& sigma,
             std::vector<SteerRun> runs)
      : runs_(std::move(runs)),
        options_(runs_.front().cell().options),
        split_(split_target(set, traces.target, options_)),
        preserve_(traces.preserve),
        layer_sigma_(options_.sigma_rule == SigmaRule::kToken ? std::vector<float>() : sigma),
        objective_(surrogates, set, layer_sigma_, options_.n_thread),
        divergence_(set, options_.preserve_reach, layer_sigma_, options_.n_thread),
        target_deck_(
            split_.fit, options_.n_batch, stream_seed(options_.seed, SteerStream::kTarget)),
        preserve_deck_(
            traces.preserve, options_.n_batch, stream_seed(options_.seed, SteerStream::kPreserve)) {
    std::vector<int64_t> read_often = split_.fit;
    read_often.insert(read_often.end(), split_.held.begin(), split_.held.end());
    objective_.keep(read_often);
  }

  [[nodiscard]] bool is_finished() const {
    return std::all_of(
        runs_.begin(), runs_.end(), [](const SteerRun& run) { return run.is_finished(); });
  }
  [[nodiscard]] std::vector<SteerRun>& runs() { return runs_; }
  [[nodiscard]] const std::vector<float>& layer_sigma() const { return layer_sigma_; }

  void run_epoch() {
    active_.clear();
    for (SteerRun& run : runs_) {
      if (!run.is_finished()) {
        active_.push_back(&run);
      }
    }
    const int64_t n_fit = std::ssize(split_.fit);
    const int64_t n_step = (n_fit + options_.n_batch - 1) / options_.n_batch;
    for (int64_t i_step = 0; i_step < n_step; ++i_step) {
      run_step(n_fit, n_step);
    }
    std::vector<double> held(active_.size(), 0.0);
    if (!split_.held.empty()) {
      held = objective_.losses(split_.held, tasks());
    }
    for (size_t i = 0; i < active_.size(); ++i) {
      active_[i]->finish_epoch(held[i]);
    }
  }

 private:
  [[nodiscard]] std::vector<nn::SteerTask<float>> tasks() const {
    std::vector<nn::SteerTask<float>> tasks;
    for (const SteerRun* run : active_) {
      tasks.push_back({run->cell().i_surrogate, options_.target, run->steer().data()});
    }
    return tasks;
  }

  void run_step(int64_t n_fit, int64_t n_step) {
    std::vector<float*> d_steers;
    for (SteerRun* run : active_) {
      d_steers.push_back(run->start_step());
    }
    const std::vector<int64_t> batch = target_deck_.draw();
    const std::vector<double> losses = objective_.losses(batch, tasks(), d_steers);
    const std::vector<double> divergences = add_divergences(d_steers);
    const double share = ratio(std::ssize(batch), n_fit);
    for (size_t i = 0; i < active_.size(); ++i) {
      active_[i]->step(losses[i], share, divergences[i], 1.0 / to_double(n_step));
    }
  }

  /// Of the runs that ask for it; 0 for the others.
  std::vector<double> add_divergences(const std::vector<float*>& d_steers) {
    std::vector<double> result(active_.size(), 0.0);
    std::vector<size_t> asking;
    std::vector<DivergenceTask<float>> asked;
    for (size_t i = 0; i < active_.size(); ++i) {
      const double weight = active_[i]->cell().options.preserve;
      if (weight > 0.0 && !preserve_.empty()) {
        asking.push_back(i);
        asked.push_back({active_[i]->steer().data(), weight, d_steers[i]});
      }
    }
    if (!asked.empty()) {
      const std::vector<double> divergences = divergence_.add(preserve_deck_.draw(), asked);
      for (size_t k = 0; k < asking.size(); ++k) {
        result[asking[k]] = divergences[k];
      }
    }
    return result;
  }

  std::vector<SteerRun> runs_;
  SteerOptions options_;  // what all runs of the group have in common
  TargetSplit split_;
  std::vector<int64_t> preserve_;
  std::vector<float> layer_sigma_;
  SteerObjective<float> objective_;
  RouteDivergence<float> divergence_;
  BatchDeck target_deck_;
  BatchDeck preserve_deck_;
  std::vector<SteerRun*> active_;
};

/// Runs in groups, each cell's result due in one of them.
std::vector<std::vector<SteerRun>> group_cells(const std::vector<SteerCell>& cells,
                                               int64_t n_value) {
  std::vector<std::vector<SteerRun>> groups;
  for (int64_t i = 0; i < std::ssize(cells); ++i) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& runs) {
      return see_the_same(runs.front().cell().options, cells[i].options);
    });
    if (group == groups.end()) {
      group = groups.emplace(groups.end());
    }
    auto run = std::find_if(group->begin(), group->end(), [&](const SteerRun& candidate) {
      return candidate.is_same_but_length(cells[i]);
    });
    if (run == group->end()) {
      run = group->emplace(group->end(), cells[i], n_value);
    }
    run->add_result(i, cells[i].options.n_epoch);
  }
  return groups;
}

std::string describe(const SteerRun& run, size_t n_run) {
  const SteerEpoch& epoch = run.last_epoch();
  char text[160];
  std::snprintf(text,
                sizeof text,
                "loss %.4f, divergence %.4f, |S| %.3f",
                epoch.loss,
                epoch.preserve,
                epoch.l1);
  return text + (n_run > 1 ? ", the first of " + std::to_string(n_run) : std::string());
}

int64_t longest(const std::vector<SteerCell>& cells, const SteerOptions& options) {
  int64_t n_epoch = 0;
  for (const SteerCell& cell : cells) {
    if (see_the_same(cell.options, options)) {
      n_epoch = std::max(n_epoch, cell.options.n_epoch);
    }
  }
  return n_epoch;
}

void check_grid(const std::vector<Surrogate>& surrogates,
                const TraceSet& set,
                const std::vector<SteerCell>& cells) {
  require_steer(!cells.empty(), "nothing to optimise: the list of cells is empty");
  for (const Surrogate& surrogate : surrogates) {
    check_steer_shape(surrogate, set);
    require_steer(surrogate.shape == surrogates.front().shape,
                  "the surrogates of a grid must have the same shape");
  }
  for (const SteerCell& cell : cells) {
    check_steer_options(cell.options);
    require_steer(cell.i_surrogate >= 0 && cell.i_surrogate < std::ssize(surrogates),
                  "surrogate number " + std::to_string(cell.i_surrogate) + " of " +
                      std::to_string(surrogates.size()) + " does not exist");
  }
}

}  // namespace

std::vector<SteerResult> optimise_steering_grid(const std::vector<Surrogate>& surrogates,
                                                const TraceSet& set,
                                                const SteerTraces& traces,
                                                const std::vector<SteerCell>& cells,
                                                const Progress& progress) {
  check_grid(surrogates, set, cells);
  const std::vector<int64_t> read = traces_read(traces);
  check_traces(set, read, "steer");
  for (const SteerCell& cell : cells) {
    split_target(set, traces.target, cell.options);  // throws if there is nothing to fit
  }
  const std::vector<float> sigma = calibrated_sigma(set, read);
  std::vector<SteerResult> results(cells.size());
  for (std::vector<SteerRun>& runs : group_cells(cells, set.n_layer * set.n_expert)) {
    const SteerOptions options = runs.front().cell().options;
    SteerGroup group(surrogates, set, traces, sigma, std::move(runs));
    const int64_t n_epoch = longest(cells, options);
    for (int64_t i_epoch = 0; !group.is_finished(); ++i_epoch) {
      group.run_epoch();
      report(progress,
             {"steer",
              i_epoch + 1,
              n_epoch,
              "epochs",
              describe(group.runs().front(), group.runs().size())});
    }
    for (SteerRun& run : group.runs()) {
      for (auto& [i_cell, result] : run.results()) {
        result.sigma = sigma;
        result.flips = top_k_flips(set, traces.preserve, result.steer, group.layer_sigma());
        results[i_cell] = std::move(result);
      }
    }
  }
  return results;
}

}  // namespace mascing
