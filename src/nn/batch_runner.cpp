// A part is processed in pieces of a few thousand tokens, so that memory does not grow with the
// batch.
#include "nn/batch_runner.h"

#include <algorithm>

#include "base/numeric.h"
#include "base/parallel.h"
#include "nn/loss.h"

namespace mascing::nn {

template <typename Scalar>
BatchRunner<Scalar>::BatchRunner(const SurrogateShape& shape, int64_t n_thread)
    : values_(surrogate_size(shape)), weights_(shape) {
  parts_.reserve(n_thread);
  for (int64_t i = 0; i < n_thread; ++i) {
    parts_.push_back({Network<Scalar>(weights_), WeightGradient<Scalar>(shape), {}, {}, 0.0});
  }
}

template <typename Scalar>
void BatchRunner<Scalar>::set_weights(const Scalar* values) {
  std::copy_n(values, values_.size(), values_.begin());
  weights_.set(values_.data());
}

template <typename Scalar>
void BatchRunner<Scalar>::share(const Batch<Scalar>& batch,
                                const std::function<void(Part& part, SequenceRange range)>& work) {
  const int64_t n_part = std::ssize(parts_);
  const std::vector<SequenceRange> ranges = split_by_tokens(batch.lengths, n_part);
  run_parts(n_part, [&](int64_t i_part) { work(parts_[i_part], ranges[i_part]); });
}

template <typename Scalar>
void BatchRunner<Scalar>::run_part(Part& part,
                                   SequenceRange range,
                                   const Batch<Scalar>& batch,
                                   const std::function<void(SequenceRange piece)>& fill) {
  const size_t n_sequence = batch.lengths.size();
  part.logits.resize(n_sequence);
  part.d_logits.resize(n_sequence);
  part.gradient.set_zero();
  for (const SequenceRange piece :
       split_by_limit(batch.lengths, range, piece_tokens(weights_.shape()))) {
    const RaggedLayout layout =
        pack_sequences(&batch.lengths[piece.begin], piece.end - piece.begin, piece.begin);
    part.network.forward(layout, batch.reader, part.logits.data());
    fill(piece);
    part.network.backward(layout, batch.reader, part.d_logits.data(), part.gradient);
    batch.reader.release_all(piece);
  }
}

template <typename Scalar>
void BatchRunner<Scalar>::train_part(Part& part,
                                     SequenceRange range,
                                     const Batch<Scalar>& batch,
                                     const std::vector<Scalar>& labels) {
  part.loss = 0.0;
  run_part(part, range, batch, [&](SequenceRange piece) {
    for (int64_t i = piece.begin; i < piece.end; ++i) {
      const double logit = part.logits[i];
      const double label = labels[i];
      part.loss += bce_with_logits(logit, label);
      part.d_logits[i] =
          to_scalar<Scalar>(d_bce_with_logits(logit, label) / to_double(std::ssize(labels)));
    }
  });
}

template <typename Scalar>
void BatchRunner<Scalar>::forward(const Batch<Scalar>& batch, std::vector<Scalar>& logits) {
  logits.resize(batch.lengths.size());
  const int64_t n_piece = piece_tokens(weights_.shape());
  share(batch, [&](Part& part, SequenceRange range) {
    for (const SequenceRange piece : split_by_limit(batch.lengths, range, n_piece)) {
      const RaggedLayout layout =
          pack_sequences(&batch.lengths[piece.begin], piece.end - piece.begin, piece.begin);
      part.network.forward(layout, batch.reader, logits.data());
      batch.reader.release_all(piece);
    }
  });
}

template <typename Scalar>
double BatchRunner<Scalar>::train(const Batch<Scalar>& batch,
                                  const std::vector<Scalar>& labels,
                                  std::vector<Scalar>& d_values) {
  share(batch, [&](Part& part, SequenceRange range) { train_part(part, range, batch, labels); });
  gather(d_values);
  double loss = 0.0;
  for (const Part& part : parts_) {
    loss += part.loss;
  }
  return loss / to_double(std::ssize(batch.lengths));
}

template <typename Scalar>
void BatchRunner<Scalar>::backward(const Batch<Scalar>& batch,
                                   const std::vector<Scalar>& d_logits,
                                   std::vector<Scalar>& d_values) {
  share(batch, [&](Part& part, SequenceRange range) {
    run_part(part, range, batch, [&](SequenceRange piece) {
      std::copy(d_logits.begin() + piece.begin,
                d_logits.begin() + piece.end,
                part.d_logits.begin() + piece.begin);
    });
  });
  gather(d_values);
}

template <typename Scalar>
void BatchRunner<Scalar>::gather(std::vector<Scalar>& d_values) {
  d_values.assign(values_.size(), Scalar(0));
  for (Part& part : parts_) {
    part.gradient.unfold(weights_, d_values.data());
  }
}

template class BatchRunner<float>;
template class BatchRunner<double>;

}  // namespace mascing::nn
