// The surrogate on a batch with several threads: the sequences are cut into one contiguous part per
// thread, each part has its own network and its own gradients, and these are added in the order of
// the parts. Same thread count: same bytes.
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
  LoadToken<Scalar> load;
};

template <typename Scalar>
class BatchRunner {
 public:
  /// As StoreToken, with the number of the part (below n_thread) that the call comes from. Calls of
  /// one part come one after the other, in a fixed order.
  using StorePart =
      std::function<void(int64_t i_part, int64_t i_sequence, int64_t i_token, const Scalar* d_z)>;

  BatchRunner(const SurrogateShape& shape, int64_t n_thread);

  /// Copies `values` [surrogate_size].
  void set_weights(const Scalar* values);

  /// logits [n_sequence].
  void forward(const Batch<Scalar>& batch, std::vector<Scalar>& logits);

  /// Mean binary cross-entropy to labels [n_sequence]; writes the gradient of all parameters.
  double train(const Batch<Scalar>& batch,
               const std::vector<Scalar>& labels,
               std::vector<Scalar>& d_values);

  /// Mean binary cross-entropy; hands out the gradient of every token's logits.
  double input_gradient(const Batch<Scalar>& batch,
                        const std::vector<Scalar>& labels,
                        const StorePart& store);

 private:
  struct Part {
    Network<Scalar> network;
    std::vector<Scalar> logits;      // [n_sequence of the batch], own sequences only
    std::vector<Scalar> d_logits;    // likewise
    AlignedVector<Scalar> d_values;  // [surrogate_size]
    double loss = 0.0;
  };
  void run_part(Part& part,
                SequenceRange range,
                const Batch<Scalar>& batch,
                const std::vector<Scalar>& labels,
                const GradientSink<Scalar>& sink);

  AlignedVector<Scalar> values_;  // [surrogate_size]
  std::vector<Part> parts_;
};

}  // namespace mascing::nn
