// Two things are kept of what is read: mean squares, and the inputs of randomly drawn tokens.
#include "search/adapter_space.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "mascing/error.h"

#include <Eigen/QR>

namespace mascing {
namespace {

constexpr int64_t kItemsOfSet = 12;
constexpr double kLeastShare = 0.01;  // of the layer's mean: components that are nearly silent

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Router inputs of one layer.
struct InputSample {
  Eigen::ArrayXd square;  ///< [D] sums
  Rows kept;              ///< [R, D]: inputs of tokens drawn at random
  int64_t n_token = 0;
};

/// Some items of every set.
std::vector<TraceRequest> texts_of(const std::vector<OutcomeSet>& sets) {
  std::vector<TraceRequest> requests;
  for (const OutcomeSet& set : sets) {
    const int64_t n = std::min(kItemsOfSet, set.size());
    for (int64_t i = 0; i < n; ++i) {
      const int64_t item = i * set.size() / n;
      TraceRequest request;
      request.tokens = set.has_margin() ? set.prompts[item] : set.texts[item].tokens;
      request.span = {0, std::ssize(request.tokens)};
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

/// Each kept row is that of a token drawn evenly from all (reservoir sampling).
std::vector<InputSample> read_inputs(CachedEvaluator& evaluator,
                                     const std::vector<TraceRequest>& requests,
                                     int64_t rank,
                                     uint64_t seed) {
  const ModelInfo& info = evaluator.host().describe();
  std::vector<InputSample> samples(info.n_layer);
  std::vector<Rng> rngs;
  for (InputSample& sample : samples) {
    sample.square = Eigen::ArrayXd::Zero(info.n_embd);
    sample.kept = Rows::Zero(rank, info.n_embd);
    rngs.emplace_back(mix_seed(seed, 0x61646170));
  }
  const RouterObserver keep = [&](const RouterView& view) {
    InputSample& sample = samples[view.i_layer];
    const Eigen::Map<const Eigen::RowVectorXf> input(view.input, info.n_embd);
    sample.square += input.array().cast<double>().square().transpose();
    const int64_t n_before = sample.n_token++;
    const int64_t place = n_before < rank ? n_before : rngs[view.i_layer].below(n_before + 1);
    if (place < rank) {
      sample.kept.row(place) = input;
    }
  };
  for (int64_t i = 0; i < std::ssize(requests); ++i) {
    report(evaluator.progress(), {"router inputs", i, std::ssize(requests), "texts", ""});
    (void)evaluator.host().observe({requests[i]}, keep);  // texts that are too long are skipped
  }
  return samples;
}

/// What one component is multiplied by, [D].
Eigen::VectorXf scales_of(const InputSample& sample, float sigma) {
  const Eigen::ArrayXd rms =
      (sample.square / to_double(std::max<int64_t>(1, sample.n_token))).sqrt();
  const double least = std::max(kLeastShare * rms.mean(), 1e-12);
  return (double{sigma} / rms.max(least)).cast<float>().matrix();
}

/// `down` of one layer, [R, D].
Rows directions_of(const InputSample& sample, float sigma, int64_t rank) {
  const Eigen::VectorXf scales = scales_of(sample, sigma);
  if (rank == scales.size()) {
    return scales.asDiagonal().toDenseMatrix();
  }
  const Eigen::MatrixXf inputs = (sample.kept * scales.asDiagonal()).transpose();  // [D, R]
  const Eigen::MatrixXf basis = Eigen::HouseholderQR<Eigen::MatrixXf>(inputs).householderQ() *
                                Eigen::MatrixXf::Identity(inputs.rows(), rank);
  return basis.transpose() * scales.asDiagonal();
}

}  // namespace

AdapterSpace make_adapter_space(CachedEvaluator& evaluator,
                                const std::vector<OutcomeSet>& sets,
                                const Mask& zero,
                                uint64_t seed,
                                int64_t n_most) {
  const ModelInfo& info = evaluator.host().describe();
  const std::vector<TraceRequest> requests = texts_of(sets);
  AdapterSpace space;
  space.mask = zero;
  RouterAdapter& adapter = space.mask.adapter;
  adapter.n_embd = info.n_embd;
  adapter.rank = std::clamp<int64_t>(n_most / (info.n_layer * info.n_expert), 1, info.n_embd);
  adapter.up.assign(info.n_layer * adapter.rank * info.n_expert, 0.0F);
  std::vector<float> down;
  const std::vector<InputSample> samples = read_inputs(evaluator, requests, adapter.rank, seed);
  for (int64_t l = 0; l < info.n_layer; ++l) {
    if (samples[l].n_token < adapter.rank) {
      throw Error(ErrorKind::kInsufficient,
                  "[search] only " + std::to_string(samples[l].n_token) +
                      " tokens to learn what routers read",
                  "use more conversations");
    }
    const Rows rows = directions_of(samples[l], zero.sigma[l], adapter.rank);
    down.insert(down.end(), rows.data(), rows.data() + rows.size());
    space.n_token = samples[l].n_token;
  }
  adapter.down = std::make_shared<const std::vector<float>>(std::move(down));
  return space;
}

Mask with_least_rank(Mask mask) {
  const RouterAdapter wide = std::move(mask.adapter);
  const int64_t n_expert = mask.n_expert;
  if (wide.rank <= n_expert) {
    mask.adapter = wide;
    return mask;
  }
  std::vector<float> down;
  RouterAdapter& narrow = mask.adapter = {n_expert, wide.n_embd, nullptr, {}};
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    const Eigen::Map<const Rows> up(wide.up_of(l, n_expert), wide.rank, n_expert);
    const Eigen::Map<const Rows> inputs(wide.down_row(l, 0), wide.rank, wide.n_embd);
    const Eigen::VectorXf lengths = up.colwise().norm();
    const Rows rows =
        lengths.cwiseMax(1e-30F).cwiseInverse().asDiagonal() * (up.transpose() * inputs);  // [E, D]
    const Rows diagonal = lengths.asDiagonal().toDenseMatrix();
    down.insert(down.end(), rows.data(), rows.data() + rows.size());
    narrow.up.insert(narrow.up.end(), diagonal.data(), diagonal.data() + diagonal.size());
  }
  narrow.down = std::make_shared<const std::vector<float>>(std::move(down));
  return mask;
}

}  // namespace mascing
