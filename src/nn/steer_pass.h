// The frozen surrogate under steering matrices S, and the gradient by S, on one thread.
//
// LayerNorm and projection are linear but for the row's deviation, so nothing of size [T, L, E] is
// ever steered. With y = z - mean(z), u = W y (the same for every S), v = W (S - mean(S)), sigma
// the spread and E experts, a token's layer gives
//   variance' = variance + 2 sigma <y, S> / E + sigma^2 var(S),   r = 1 / sqrt(variance' + eps)
//   x = r (u + sigma v)
// and, from d_x back,
//   d_S = W^T A - mean(W^T A) - sum a y - (S - mean(S)) sum a sigma
//   with A = sum r sigma d_x,   a = sigma r^3 <d_x, u + sigma v> / E,   sums over tokens.
// Only <y, S> and sum a y read the logits: two passes over them serve all matrices at once.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "nn/lstm.h"
#include "nn/matrix.h"
#include "nn/prepared_weights.h"
#include "nn/ragged.h"
#include "nn/token_reader.h"

namespace mascing::nn {

/// What does not depend on S for one sequence, kept from pass to pass.
template <typename Scalar>
struct SequenceBase {
  AlignedVector<Scalar> mean;      ///< [T, L]
  AlignedVector<Scalar> variance;  ///< [T, L]
  AlignedVector<Scalar> features;  ///< u of every surrogate [n_surrogate, T, L * F]
  bool is_filled = false;
};

/// Sequences to steer. Each length is at least 1.
template <typename Scalar>
struct SteerBatch {
  std::vector<int64_t> lengths;
  TokenReader<Scalar> reader;
  /// Where to keep a sequence's base; null to compute it each time.
  std::function<SequenceBase<Scalar>*(int64_t i_sequence)> base;
  const float* layer_sigma = nullptr;  ///< [L]; null: the deviation of each token's own logits
  const float* offset = nullptr;       ///< [n_sequence], added to the surrogate's logit; null: 0
};

/// One matrix under optimisation.
template <typename Scalar>
struct SteerTask {
  int64_t i_surrogate = 0;
  int target = 0;
  const Scalar* steer = nullptr;  ///< [L, E]
};

template <typename Scalar>
class SteerPass {
 public:
  /// Surrogates of one shape; they must outlive it.
  explicit SteerPass(std::vector<const PreparedWeights<Scalar>*> surrogates);

  /// Begins a batch for these tasks; `steer` must stay as it is until `finish`.
  void start(const std::vector<SteerTask<Scalar>>& tasks, bool wants_gradient);
  /// Adds the sequences of `range`; gradients are of the mean over `n_sequence`.
  void run(const SteerBatch<Scalar>& batch, SequenceRange range, int64_t n_sequence);
  /// Adds what another pass has summed for the same tasks.
  void merge(const SteerPass& other);

  /// Sum of the binary cross-entropies to the task's target.
  [[nodiscard]] double loss(int64_t i_task) const { return sums_[i_task].loss; }
  /// Adds the gradient by S to d_steer [L, E].
  void finish(int64_t i_task, Scalar* d_steer) const;

 private:
  /// One task's matrix as the passes need it, and its sums.
  struct TaskSums {
    AlignedVector<Scalar> centred;         // S - mean(S) [L, E]
    AlignedVector<Scalar> steer_features;  // v [L, F]
    AlignedVector<Scalar> steer_variance;  // var(S) [L]
    AlignedVector<Scalar> d_features;      // A [L, F]
    AlignedVector<Scalar> d_logits;        // sum a y [L, E]
    AlignedVector<Scalar> d_scale;         // sum a sigma [L]
    Workspace<Scalar> per_row;             // [n_row, L]: <y, S> / E, then r, then a
    double loss = 0.0;
  };
  /// What one packed row needs.
  struct RowBase {
    Scalar* mean;            // [L]
    Scalar* variance;        // [L]
    Scalar* features;        // of surrogate 0
    int64_t next_surrogate;  // numbers from one surrogate's features to the next's
  };

  void place_rows(const SteerBatch<Scalar>& batch, const RaggedLayout& layout);
  void read_rows(const SteerBatch<Scalar>& batch, const RaggedLayout& layout);
  void forward(const RaggedLayout& layout, int64_t i_task);
  void fill_inputs(int64_t i_task, int64_t first, int64_t n, Scalar* x);
  void losses(const SteerBatch<Scalar>& batch,
              const RaggedLayout& layout,
              int64_t i_task,
              int64_t n_sequence);
  void backward(const RaggedLayout& layout, int64_t i_task);
  void reduce_row(int64_t i_task, int64_t row, const Scalar* d_x);
  void gather_rows(const SteerBatch<Scalar>& batch, const RaggedLayout& layout);

  std::vector<const PreparedWeights<Scalar>*> surrogates_;
  SurrogateShape shape_;
  std::vector<SteerTask<Scalar>> tasks_;
  bool wants_gradient_ = false;
  std::vector<TaskSums> sums_;
  std::vector<RowBase> rows_;
  std::vector<uint8_t> is_new_;          // per row: mean, variance and u are still to be computed
  AlignedVector<Scalar> local_moments_;  // [2, n_row, L] of rows that are not kept
  AlignedVector<Scalar> local_features_;
  Workspace<Scalar> token_;  // [L, E]
  Workspace<Scalar> sigma_;  // [n_row, L]
  Workspace<Scalar> x_;      // [block of rows, L * F]
  Workspace<Scalar> last_;   // [n_sequence, H]
  Workspace<Scalar> d_last_;
  Lstm<Scalar> lstm_;
};

}  // namespace mascing::nn
