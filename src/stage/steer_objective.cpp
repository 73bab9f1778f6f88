// One pass per thread over its share of the sequences; sums are added in the order of the threads.
#include "stage/steer_objective.h"

#include "base/numeric.h"
#include "base/parallel.h"
#include "stage/ragged_traces.h"

namespace mascing {
namespace {

/// Memory for what does not depend on S: some 50 000 tokens of 48 layers.
constexpr int64_t kKeptBytes = int64_t{160} << 20;

}  // namespace

template <typename Scalar>
SteerObjective<Scalar>::SteerObjective(const std::vector<Surrogate>& surrogates,
                                       const TraceSet& set,
                                       std::vector<float> layer_sigma,
                                       int64_t n_thread)
    : set_(set), layer_sigma_(std::move(layer_sigma)), kept_(set.traces.size()) {
  std::vector<const nn::PreparedWeights<Scalar>*> prepared;
  for (const Surrogate& surrogate : surrogates) {
    values_.emplace_back(surrogate.values.begin(), surrogate.values.end());
    weights_.push_back(std::make_unique<nn::PreparedWeights<Scalar>>(surrogate.shape));
    weights_.back()->set(values_.back().data());
    prepared.push_back(weights_.back().get());
  }
  for (int64_t i = 0; i < n_thread; ++i) {
    passes_.emplace_back(prepared);
  }
}

template <typename Scalar>
void SteerObjective<Scalar>::keep(const std::vector<int64_t>& traces) {
  const int64_t n_surrogate = std::ssize(weights_);
  const int64_t n_per_token = 2 * set_.n_layer + n_surrogate * weights_.front()->width();
  constexpr int64_t kScalarBytes = sizeof(Scalar);
  int64_t left = kKeptBytes / kScalarBytes;
  for (int64_t i_trace : traces) {
    left -= n_per_token * set_.traces[i_trace].n_token;
    if (left < 0) {
      return;
    }
    kept_[i_trace] = std::make_unique<nn::SequenceBase<Scalar>>();
  }
}

template <typename Scalar>
std::vector<double> SteerObjective<Scalar>::losses(const std::vector<int64_t>& batch,
                                                   const std::vector<nn::SteerTask<Scalar>>& tasks,
                                                   const std::vector<Scalar*>& d_steers,
                                                   const std::vector<float>& offsets) {
  nn::Batch<Scalar> traces = trace_batch<Scalar>(set_, batch);
  nn::SteerBatch<Scalar> steered;
  steered.lengths = std::move(traces.lengths);
  steered.reader = std::move(traces.reader);
  steered.base = [&](int64_t i_sequence) { return kept_[batch[i_sequence]].get(); };
  steered.layer_sigma = layer_sigma_.empty() ? nullptr : layer_sigma_.data();
  steered.offset = offsets.empty() ? nullptr : offsets.data();
  const int64_t n_part = std::ssize(passes_);
  const int64_t n_sequence = std::ssize(batch);
  const std::vector<nn::SequenceRange> ranges = nn::split_by_tokens(steered.lengths, n_part);
  run_parts(n_part, [&](int64_t i_part) {
    passes_[i_part].start(tasks, !d_steers.empty());
    passes_[i_part].run(steered, ranges[i_part], n_sequence);
  });
  for (int64_t i_part = 1; i_part < n_part; ++i_part) {
    passes_[0].merge(passes_[i_part]);
  }
  std::vector<double> result;
  for (int64_t i_task = 0; i_task < std::ssize(tasks); ++i_task) {
    result.push_back(passes_[0].loss(i_task) / to_double(n_sequence));
    if (!d_steers.empty()) {
      passes_[0].finish(i_task, d_steers[i_task]);
    }
  }
  return result;
}

template class SteerObjective<float>;
template class SteerObjective<double>;

}  // namespace mascing
