// The check looks at the half-precision bit patterns: all ones in the exponent is infinity or NaN.
#include "stage/ragged_traces.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>

#include "base/half.h"
#include "base/numeric.h"
#include "mascing/error.h"
#include "nn/layer_norm.h"

namespace mascing {
namespace {

constexpr uint16_t kHalfExponent = 0x7C00;
constexpr int64_t kLogitBytes = sizeof(uint16_t);

void check_finite(const TraceSet& set, const TraceView& trace, const std::string& stage) {
  const int64_t n_token_size = set.n_layer * set.n_expert;
  const uint16_t* end = trace.logits + trace.n_token * n_token_size;
  const uint16_t* bad = std::find_if(
      trace.logits, end, [](uint16_t half) { return (half & kHalfExponent) == kHalfExponent; });
  if (bad == end) {
    return;
  }
  const int64_t at = bad - trace.logits;
  throw Error(ErrorKind::kBadInput,
              "[" + stage + "] trace " + trace.id +
                  ": a router logit is NaN or infinite at token " +
                  std::to_string(at / n_token_size) + ", layer " +
                  std::to_string(at % n_token_size / set.n_expert) + ", expert " +
                  std::to_string(at % set.n_expert),
              "trace this conversation again, or remove it");
}

void check_trace(const TraceSet& set, const TraceView& trace, const std::string& stage) {
  if (trace.label < -1 || trace.label > 1) {
    throw Error(ErrorKind::kBadInput,
                "[" + stage + "] trace " + trace.id + ": label " + std::to_string(trace.label) +
                    ", expected 1, 0 or -1");
  }
  if (trace.n_token < 1 || trace.logits == nullptr) {
    throw Error(ErrorKind::kBadInput,
                "[" + stage + "] trace " + trace.id + " has no tokens",
                "remove it, or trace it again with a non-empty span");
  }
  check_finite(set, trace, stage);
}

}  // namespace

void check_traces(const TraceSet& set,
                  const std::vector<int64_t>& traces,
                  const std::string& stage) {
  if (set.n_layer < 1 || set.n_expert < 1) {
    throw Error(ErrorKind::kBadInput,
                "[" + stage + "] the traces have " + std::to_string(set.n_layer) + " layers and " +
                    std::to_string(set.n_expert) + " experts");
  }
  const int64_t n_trace = std::ssize(set.traces);
  for (int64_t i_trace : traces) {
    if (i_trace < 0 || i_trace >= n_trace) {
      throw Error(ErrorKind::kUsage,
                  "[" + stage + "] trace number " + std::to_string(i_trace) + " of " +
                      std::to_string(n_trace) + " does not exist");
    }
    check_trace(set, set.traces[i_trace], stage);
    release_trace(set, i_trace);
  }
}

template <typename Scalar>
void read_token(const TraceSet& set, int64_t i_trace, int64_t i_token, Scalar* z) {
  const int64_t n_token_size = set.n_layer * set.n_expert;
  const uint16_t* logits = set.traces[i_trace].logits + i_token * n_token_size;
  if constexpr (std::is_same_v<Scalar, float>) {
    from_half(logits, z, n_token_size);
  } else {
    std::transform(logits, logits + n_token_size, z, half_to_float);
  }
}

void release_trace(const TraceSet& set, int64_t i_trace) {
  if (set.release) {
    set.release(set.traces[i_trace]);
  }
}

template <typename Scalar>
nn::Batch<Scalar> trace_batch(const TraceSet& set, const std::vector<int64_t>& traces) {
  nn::Batch<Scalar> batch;
  for (int64_t i_trace : traces) {
    batch.lengths.push_back(set.traces[i_trace].n_token);
  }
  batch.reader.load = [&set, traces](int64_t i_sequence, int64_t i_token, Scalar* z) {
    read_token<Scalar>(set, traces[i_sequence], i_token, z);
  };
  batch.reader.locate = [&set, traces](int64_t i_sequence, int64_t i_token) -> const void* {
    return set.traces[traces[i_sequence]].logits + i_token * set.n_layer * set.n_expert;
  };
  batch.reader.release = [&set, traces](int64_t i_sequence) {
    release_trace(set, traces[i_sequence]);
  };
  batch.reader.layer_bytes = set.n_expert * kLogitBytes;
  return batch;
}

std::vector<double> mean_sigma(const TraceSet& set, int64_t i_trace) {
  const int64_t n_token = set.traces[i_trace].n_token;
  std::vector<double> mean(set.n_layer, 0.0);
  nn::AlignedVector<float> z(set.n_layer * set.n_expert);
  for (int64_t i_token = 0; i_token < n_token; ++i_token) {
    read_token<float>(set, i_trace, i_token, z.data());
    for (int64_t i_layer = 0; i_layer < set.n_layer; ++i_layer) {
      float* row = z.data() + i_layer * set.n_expert;
      mean[i_layer] += std::sqrt(nn::centre_row(row, set.n_expert).variance) / to_double(n_token);
    }
  }
  release_trace(set, i_trace);
  return mean;
}

std::vector<float> calibrated_sigma(const TraceSet& set, const std::vector<int64_t>& traces) {
  std::vector<double> mean(set.n_layer, 0.0);
  for (int64_t i_trace : traces) {
    const std::vector<double> sigma = mean_sigma(set, i_trace);
    for (int64_t i_layer = 0; i_layer < set.n_layer; ++i_layer) {
      mean[i_layer] += sigma[i_layer] / to_double(std::ssize(traces));
    }
  }
  return {mean.begin(), mean.end()};
}

std::vector<double> lengths_of(const TraceSet& set, const std::vector<int64_t>& traces) {
  std::vector<double> lengths;
  lengths.reserve(traces.size());
  for (int64_t i_trace : traces) {
    lengths.push_back(to_double(set.traces[i_trace].n_token));
  }
  return lengths;
}

std::vector<int64_t> traces_with_label(const TraceSet& set, int label) {
  std::vector<int64_t> traces;
  for (int64_t i = 0; i < std::ssize(set.traces); ++i) {
    if (set.traces[i].label == label) {
      traces.push_back(i);
    }
  }
  return traces;
}

std::vector<int64_t> all_traces(const TraceSet& set) {
  std::vector<int64_t> traces(set.traces.size());
  std::iota(traces.begin(), traces.end(), 0);
  return traces;
}

template void read_token<float>(const TraceSet&, int64_t, int64_t, float*);
template void read_token<double>(const TraceSet&, int64_t, int64_t, double*);
template nn::Batch<float> trace_batch<float>(const TraceSet&, const std::vector<int64_t>&);
template nn::Batch<double> trace_batch<double>(const TraceSet&, const std::vector<int64_t>&);

}  // namespace mascing
