// The surrogate on a batch with several threads: the sequences are cut into one contiguous part per
// thread, each part has its own workspaces and its own gradients, and these are added in the order
// of the parts. Same thread count: same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "nn/network.h"

namespace mascing::nn {

/// Sequences of one batch. Each length is at least 1.
template <typename Scalar>
struct Batch {
  std::vector<int64_t> lengths;
  TokenReader<Scalar> reader;
};

template <typename Scalar>
class BatchRunner {
 public:
  BatchRunner(const SurrogateShape& shape, int64_t n_thread);
  BatchRunner(const BatchRunner&) = delete;  // the parts refer to the weights
  BatchRunner& operator=(const BatchRunner&) = delete;

  /// Copies `values` [surrogate_size].
  void set_weights(const Scalar* values);

  /// logits [n_sequence].
  void forward(const Batch<Scalar>& batch, std::vector<Scalar>& logits);

  /// Mean binary cross-entropy to labels [n_sequence]; writes the gradient of all parameters.
  double train(const Batch<Scalar>& batch,
               const std::vector<Scalar>& labels,
               std::vector<Scalar>& d_values);

  /// For other losses, whose derivative by the logits is d_logits [n_sequence]: writes the gradient
  /// of all parameters.
  void backward(const Batch<Scalar>& batch,
                const std::vector<Scalar>& d_logits,
                std::vector<Scalar>& d_values);

 private:
  struct Part {
    Network<Scalar> network;
    WeightGradient<Scalar> gradient;
    std::vector<Scalar> logits;    // [n_sequence of the batch], own sequences only
    std::vector<Scalar> d_logits;  // likewise
    double loss = 0.0;
  };
  /// Calls `work` with each part and its sequences, in parallel.
  void share(const Batch<Scalar>& batch,
             const std::function<void(Part& part, SequenceRange range)>& work);
  /// Forward and backward through the sequences of `range`, piece by piece. `fill` is given each
  /// piece's range once its logits are known, and writes their d_logits.
  void run_part(Part& part,
                SequenceRange range,
                const Batch<Scalar>& batch,
                const std::function<void(SequenceRange piece)>& fill);
  void gather(std::vector<Scalar>& d_values);
  void train_part(Part& part,
                  SequenceRange range,
                  const Batch<Scalar>& batch,
                  const std::vector<Scalar>& labels);

  AlignedVector<Scalar> values_;  // [surrogate_size]
  PreparedWeights<Scalar> weights_;
  std::vector<Part> parts_;
};

}  // namespace mascing::nn
