// With f the surrogate's logit, the log odds of the unwanted reply, it learns from both signs of a
// perturbation at once,
//   f(z + sigma (S + e)) - f(z + sigma (S - e))  ->  m_{S-e} - m_{S+e},
// and never how one conversation differs from another: conversations differ in z far more than
// masks make them differ, and a logit that only tells how a conversation will end would pass for
// one that decides it. S then minimises the mean of softplus(-m), m = (what the model said around
// the S of the round) - (what the surrogate expects to change).
#include "stage/interventional.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/random.h"
#include "base/text.h"
#include "mascing/error.h"
#include "nn/adam.h"
#include "nn/batch_runner.h"
#include "nn/loss.h"
#include "nn/surrogate_layout.h"
#include "stage/ragged_traces.h"
#include "stage/statistics.h"
#include "stage/steer_objective.h"

namespace mascing {
namespace {

constexpr int64_t kSteps = 12;  // of S in a round, each an eighth of the radius
constexpr double kStepShare = 1.0 / 8.0;
constexpr double kFullTrust = 0.3;       // correlation from which on S may move by the whole radius
constexpr double kMostDifference = 6.0;  // nats: single answers should not outweigh all others

/// A perturbation of the S of a round.
struct Drawn {
  size_t i_round = 0;
  std::vector<float> e;  ///< [d]
};

/// A conversation under one mask.
struct Intervention {
  int64_t i_trace = 0;
  size_t i_drawn = 0;
  float sign = 1.0F;  ///< of the perturbation; 0 = without it
};

/// What the model said to both signs of one perturbation.
struct AskedPair {
  const TracedItem* item = nullptr;
  size_t i_drawn = 0;
  float level = 0.0F;       ///< mean margin
  float difference = 0.0F;  ///< of the margins, minus sign first
};

class Interventional {
 public:
  Interventional(const Mask& start,
                 const FreeEntries& entries,
                 const TracedObjectives& objectives,
                 const AskModel& ask,
                 const InterventionalOptions& options)
      : start_(start),
        entries_(entries),
        roles_(objectives.roles),
        traces_(objectives.traces),
        ask_(ask),
        options_(options),
        rng_(mix_seed(options.seed, 0x696e7476)),
        n_pair_(options.n_pair > 0 ? options.n_pair
                                   : std::clamp<int64_t>(4 * std::ssize(entries), 128, 1024)),
        steer_(start.steer.begin(), start.steer.end()),
        shape_{objectives.traces.n_layer,
               objectives.traces.n_expert,
               options.train.n_proj,
               options.train.n_hidden},
        runner_(shape_, options.n_thread),
        adam_(surrogate_size(shape_), {.learning_rate = options.train.learning_rate}) {
    surrogate_ = {shape_, initial_surrogate(shape_, mix_seed(options.seed, 0x77))};
    for (const TracedItem& item : objectives.items) {
      const bool is_target = roles_[item.i_set].role == LoopRole::kGain;
      (is_target ? targets_ : others_).push_back(&item);
    }
    if (targets_.empty()) {
      throw Error(ErrorKind::kInsufficient,
                  "[interventional] no conversation of the target set has a trace",
                  "see the skipped conversations in results.json");
    }
  }

  InterventionalResult run() {
    for (int64_t i = 0; i < options_.n_round; ++i) {
      if (options_.is_spent && options_.is_spent()) {
        break;
      }
      report(options_.progress,
             {"interventional surrogate", i, options_.n_round, "rounds", describe()});
      const std::vector<AskedPair> pairs = ask_around();
      record(pairs, i > 0);
      if (result_.rounds.back().value >= options_.enough) {
        break;
      }
      learnt_.insert(learnt_.end(), pairs.begin(), pairs.end());
      learn();
      move(pairs);
    }
    result_.steer = steer_;
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::string describe() const {
    return result_.rounds.empty()
               ? ""
               : "wanted openings about " + format_percent(result_.rounds.back().value);
  }

  const TracedItem& draw_item() {
    const bool is_target = others_.empty() || rng_.below(2) == 0;
    const auto& from = is_target ? targets_ : others_;
    return *from[rng_.below(std::ssize(from))];
  }

  std::vector<AskedPair> ask_around() {
    std::vector<float> centre;
    for (const int64_t entry : entries_) {
      centre.push_back(steer_[entry]);
    }
    std::vector<AskedPair> pairs;
    std::vector<Question> questions;
    for (int64_t i = 0; i < n_pair_; ++i) {
      const TracedItem& item = draw_item();
      const size_t i_drawn = drawn_.size();
      drawn_.push_back(
          {centres_.size(), draw_perturbation(rng_, std::ssize(entries_), options_.perturbation)});
      pairs.push_back({&item, i_drawn, 0.0F, 0.0F});
      for (const float sign : {1.0F, -1.0F}) {
        questions.push_back(
            {item.i_set, item.i_item, perturbed(start_, entries_, centre, drawn_.back().e, sign)});
      }
    }
    centres_.push_back(steer_);
    const std::vector<double> answers = ask_(questions);
    result_.n_question += std::ssize(questions);
    std::vector<AskedPair> answered;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const double plus = answers[2 * i];
      const double minus = answers[2 * i + 1];
      if (std::isfinite(plus) && std::isfinite(minus)) {
        pairs[i].level = static_cast<float>((plus + minus) / 2.0);
        pairs[i].difference =
            static_cast<float>(std::clamp(minus - plus, -kMostDifference, kMostDifference));
        answered.push_back(pairs[i]);
      }
    }
    if (answered.empty()) {
      throw Error(ErrorKind::kInsufficient,
                  "[interventional] the model could answer none of " +
                      std::to_string(questions.size()) + " questions");
    }
    return answered;
  }

  /// The conversations of these interventions with their masks added, as the surrogate reads them.
  [[nodiscard]] nn::Batch<float> batch_of(const std::vector<Intervention>& part) const {
    nn::Batch<float> batch;
    for (const Intervention& one : part) {
      batch.lengths.push_back(traces_.traces[one.i_trace].n_token);
    }
    batch.reader.load = [this, &part](int64_t i_sequence, int64_t i_token, float* z) {
      read_token<float>(traces_, part[i_sequence].i_trace, i_token, z);
      add_mask(part[i_sequence], z);
    };
    return batch;
  }

  /// z + sigma (S + sign e), sigma of the z that came.
  void add_mask(const Intervention& one, float* z) const {
    const Drawn& drawn = drawn_[one.i_drawn];
    const std::vector<float>& centre = centres_[drawn.i_round];
    const int64_t n_expert = traces_.n_expert;
    size_t j = 0;
    for (int64_t i_layer = 0; i_layer < traces_.n_layer; ++i_layer) {
      const int64_t begin = i_layer * n_expert;
      float* row = z + begin;
      const float sigma = is_per_token() ? deviation(row, n_expert) : start_.sigma[i_layer];
      for (int64_t k = 0; k < n_expert; ++k) {
        row[k] += sigma * centre[begin + k];
      }
      for (; j < entries_.size() && entries_[j] < begin + n_expert; ++j) {
        z[entries_[j]] += sigma * one.sign * drawn.e[j];
      }
    }
  }

  static float deviation(const float* row, int64_t n) {
    double sum = 0.0;
    double square = 0.0;
    for (int64_t k = 0; k < n; ++k) {
      sum += row[k];
      square += double{row[k]} * double{row[k]};
    }
    const double mean = sum / static_cast<double>(n);
    return static_cast<float>(
        std::sqrt(std::max(0.0, square / static_cast<double>(n) - mean * mean)));
  }

  [[nodiscard]] bool is_per_token() const { return start_.sigma_rule == SigmaRule::kToken; }

  /// Both signs of every pair, one after the other.
  static std::vector<Intervention> both_signs(const std::vector<AskedPair>& pairs) {
    std::vector<Intervention> both;
    for (const AskedPair& pair : pairs) {
      both.push_back({pair.item->i_trace, pair.i_drawn, 1.0F});
      both.push_back({pair.item->i_trace, pair.i_drawn, -1.0F});
    }
    return both;
  }

  [[nodiscard]] std::vector<float> logits_of(const std::vector<Intervention>& part) {
    std::vector<float> logits;
    runner_.set_weights(surrogate_.values.data());
    runner_.forward(batch_of(part), logits);
    return logits;
  }

  void record(const std::vector<AskedPair>& pairs, bool has_learnt) {
    InterventionalRound round;
    round.norm = norm_of(steer_);
    std::vector<AskedPair> of_target;
    std::vector<double> measured;
    for (const AskedPair& pair : pairs) {
      if (roles_[pair.item->i_set].role == LoopRole::kGain) {
        of_target.push_back(pair);
        measured.push_back(static_cast<double>(pair.difference));
        round.value += nn::sigmoid(static_cast<double>(pair.level));
      }
    }
    round.value /= std::max(1.0, to_double(std::ssize(measured)));
    if (has_learnt) {
      const std::vector<float> logits = logits_of(both_signs(of_target));
      std::vector<double> expected;
      for (size_t i = 0; i < logits.size(); i += 2) {
        expected.push_back(static_cast<double>(logits[i]) - static_cast<double>(logits[i + 1]));
      }
      round.correlation = cosine(expected, measured);
    }
    result_.rounds.push_back(round);
  }

  void learn() {
    for (int64_t i_epoch = 0; i_epoch < options_.train.n_epoch; ++i_epoch) {
      rng_.shuffle(learnt_);
      for (size_t begin = 0; begin < learnt_.size();) {
        const size_t end =
            std::min(learnt_.size(), begin + static_cast<size_t>(options_.train.n_batch));
        learn_from({learnt_.begin() + static_cast<std::ptrdiff_t>(begin),
                    learnt_.begin() + static_cast<std::ptrdiff_t>(end)});
        begin = end;
      }
    }
    check_surrogate(surrogate_);
  }

  /// One step of Adam on half the mean squared error of the expected differences.
  void learn_from(const std::vector<AskedPair>& pairs) {
    const std::vector<Intervention> both = both_signs(pairs);
    const std::vector<float> logits = logits_of(both);
    std::vector<float> d_logits(logits.size());
    for (size_t i = 0; i < pairs.size(); ++i) {
      const float error = logits[2 * i] - logits[2 * i + 1] - pairs[i].difference;
      d_logits[2 * i] = error / static_cast<float>(pairs.size());
      d_logits[2 * i + 1] = -d_logits[2 * i];
    }
    std::vector<float> d_values;
    runner_.backward(batch_of(both), d_logits, d_values);
    adam_.step(d_values.data(), surrogate_.values.data());
  }

  /// Down the gradient through the surrogate, within the radius of where the round began.
  void move(const std::vector<AskedPair>& pairs) {
    std::vector<int64_t> batch;
    std::vector<Intervention> centres;
    for (const AskedPair& pair : pairs) {
      batch.push_back(pair.item->i_trace);
      centres.push_back({pair.item->i_trace, pair.i_drawn, 0.0F});
    }
    std::vector<float> offsets = logits_of(centres);
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto margin = static_cast<float>(roles_[pairs[i].item->i_set].margin);
      offsets[i] = margin - pairs[i].level - offsets[i];
    }
    SteerObjective<float> objective({surrogate_},
                                    traces_,
                                    is_per_token() ? std::vector<float>() : start_.sigma,
                                    options_.n_thread);
    // Nothing is kept from step to step: a trace may stand in a batch more than once, and threads
    // would fill its place together.
    const std::vector<float> start = steer_;
    const double trust = std::clamp(result_.rounds.back().correlation / kFullTrust, 0.0, 1.0);
    for (int64_t i = 0; i < kSteps && trust > 0.0; ++i) {
      std::vector<float> gradient(steer_.size(), 0.0F);
      objective.losses(batch, {{0, 0, steer_.data()}}, {gradient.data()}, offsets);
      step_along(gradient, start, trust * options_.radius);
    }
  }

  void step_along(const std::vector<float>& gradient,
                  const std::vector<float>& start,
                  double radius) {
    double square = 0.0;
    for (const int64_t j : entries_) {
      square += static_cast<double>(gradient[j]) * static_cast<double>(gradient[j]);
    }
    const double scale = square > 0.0 ? radius * kStepShare / std::sqrt(square) : 0.0;
    const auto shrink = static_cast<float>(options_.l1 * radius * kStepShare);
    double moved = 0.0;
    for (const int64_t j : entries_) {
      steer_[j] -= static_cast<float>(scale) * gradient[j];
      steer_[j] = soft_threshold(steer_[j], shrink);
      moved += std::pow(static_cast<double>(steer_[j]) - static_cast<double>(start[j]), 2.0);
    }
    const double within = std::min(1.0, radius / std::max(1e-12, std::sqrt(moved)));
    for (const int64_t j : entries_) {
      const float held = start[j] + static_cast<float>(within) * (steer_[j] - start[j]);
      steer_[j] = std::min(held, static_cast<float>(options_.boost_cap));
    }
  }

  const Mask& start_;
  const FreeEntries& entries_;
  const std::vector<LoopSet>& roles_;
  const TraceSet& traces_;
  const AskModel& ask_;
  const InterventionalOptions& options_;
  Rng rng_;
  int64_t n_pair_;
  std::vector<const TracedItem*> targets_;
  std::vector<const TracedItem*> others_;
  std::vector<float> steer_;                 ///< [L, E]
  std::vector<std::vector<float>> centres_;  ///< S of every round [L, E]
  std::vector<Drawn> drawn_;
  std::vector<AskedPair> learnt_;
  SurrogateShape shape_;
  Surrogate surrogate_;
  nn::BatchRunner<float> runner_;
  nn::Adam<float> adam_;
  InterventionalResult result_;
};

}  // namespace

InterventionalResult steer_by_interventions(const Mask& start,
                                            const FreeEntries& entries,
                                            const TracedObjectives& objectives,
                                            const AskModel& ask,
                                            const InterventionalOptions& options) {
  return Interventional(start, entries, objectives, ask, options).run();
}

}  // namespace mascing
