// Masks are added to the logits while a batch is read, so that one stored trace serves every
// perturbation of every round.
#include "stage/intervention_model.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/random.h"
#include "nn/surrogate_layout.h"
#include "stage/ragged_traces.h"

namespace mascing {
namespace {

SurrogateShape shape_for(const TraceSet& traces, const TrainOptions& train) {
  return {traces.n_layer, traces.n_expert, train.n_proj, train.n_hidden};
}

/// Population standard deviation.
float deviation(const float* row, int64_t n) {
  double sum = 0.0;
  double square = 0.0;
  for (int64_t k = 0; k < n; ++k) {
    sum += row[k];
    square += double{row[k]} * double{row[k]};
  }
  const double mean = sum / to_double(n);
  return to_float(std::sqrt(std::max(0.0, square / to_double(n) - mean * mean)));
}

}  // namespace

std::vector<Intervention> both_signs(std::span<const AskedPair> pairs) {
  std::vector<Intervention> both;
  for (const AskedPair& pair : pairs) {
    for (const float sign : {1.0F, -1.0F}) {
      both.push_back({pair.item.i_trace, pair.centre.get(), &pair.e, sign});
    }
  }
  return both;
}

InterventionModel::InterventionModel(const Mask& start,
                                     const FreeEntries& entries,
                                     const TraceSet& traces,
                                     const InterventionalOptions& options)
    : start_(start),
      entries_(entries),
      traces_(traces),
      surrogate_{shape_for(traces, options.train),
                 initial_surrogate(shape_for(traces, options.train), mix_seed(options.seed, 0x77))},
      runner_(surrogate_.shape, options.n_thread),
      adam_(surrogate_size(surrogate_.shape), {.learning_rate = options.train.learning_rate}) {}

std::vector<float> InterventionModel::logits(const std::vector<Intervention>& interventions) {
  std::vector<float> logits;
  runner_.set_weights(surrogate_.values.data());
  runner_.forward(batch_of(interventions), logits);
  return logits;
}

void InterventionModel::learn(std::span<const AskedPair> pairs) {
  const std::vector<Intervention> both = both_signs(pairs);
  const std::vector<float> expected = logits(both);
  const auto n = to_scalar<float>(std::ssize(pairs));
  std::vector<float> d_logits(expected.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const float error = expected[2 * i] - expected[2 * i + 1] - pairs[i].difference;
    d_logits[2 * i] = error / n;
    d_logits[2 * i + 1] = -d_logits[2 * i];
  }
  std::vector<float> d_values;
  runner_.backward(batch_of(both), d_logits, d_values);
  adam_.step(d_values.data(), surrogate_.values.data());
}

nn::Batch<float> InterventionModel::batch_of(const std::vector<Intervention>& interventions) const {
  nn::Batch<float> batch;
  for (const Intervention& intervention : interventions) {
    batch.lengths.push_back(traces_.traces[intervention.i_trace].n_token);
  }
  batch.reader.load = [this, &interventions](int64_t i_sequence, int64_t i_token, float* z) {
    read_token<float>(traces_, interventions[i_sequence].i_trace, i_token, z);
    add_mask(interventions[i_sequence], z);
  };
  return batch;
}

/// z + sigma (S + sign e), sigma of the z that came.
void InterventionModel::add_mask(const Intervention& intervention, float* z) const {
  const std::vector<float>& centre = *intervention.centre;
  const std::vector<float>& e = *intervention.e;
  const bool is_per_token = start_.sigma_rule == SigmaRule::kToken;
  const int64_t n_expert = traces_.n_expert;
  size_t j = 0;
  for (int64_t i_layer = 0; i_layer < traces_.n_layer; ++i_layer) {
    const int64_t begin = i_layer * n_expert;
    float* row = z + begin;
    const float sigma = is_per_token ? deviation(row, n_expert) : start_.sigma[i_layer];
    for (int64_t k = 0; k < n_expert; ++k) {
      row[k] += sigma * centre[begin + k];
    }
    for (; j < entries_.size() && entries_[j] < begin + n_expert; ++j) {
      z[entries_[j]] += sigma * intervention.sign * e[j];
    }
  }
}

}  // namespace mascing
