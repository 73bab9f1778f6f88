// Access to traces for the numerical stages: checked once, then read token by token as float or
// double.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/trace_set.h"
#include "nn/batch_runner.h"

namespace mascing {

/// Throws unless every listed trace can be used: Error{kUsage} on an index out of range,
/// Error{kBadInput} on a set without layers or experts, a label other than 1, 0 or -1, a trace
/// without tokens or without numbers, and on a NaN or infinite logit (naming the trace, token,
/// layer and expert). `stage` opens the messages.
void check_traces(const TraceSet& set,
                  const std::vector<int64_t>& traces,
                  const std::string& stage);

/// Logits of one token, to z [L, E].
template <typename Scalar>
void read_token(const TraceSet& set, int64_t i_trace, int64_t i_token, Scalar* z);

/// Releases the pages of a trace that will not be read for a while.
void release_trace(const TraceSet& set, int64_t i_trace);

/// The listed traces as a batch for the surrogate; `set` must outlive it.
template <typename Scalar>
[[nodiscard]] nn::Batch<Scalar> trace_batch(const TraceSet& set,
                                            const std::vector<int64_t>& traces);

/// Population standard deviation over the E logits of a layer, mean over the tokens of a trace. [L]
[[nodiscard]] std::vector<double> mean_sigma(const TraceSet& set, int64_t i_trace);

/// Mean of that over the given traces, which are not checked: the calibrated sigma. [L]
[[nodiscard]] std::vector<float> calibrated_sigma(const TraceSet& set,
                                                  const std::vector<int64_t>& traces);

/// Numbers of tokens of the given traces.
[[nodiscard]] std::vector<double> lengths_of(const TraceSet& set,
                                             const std::vector<int64_t>& traces);

/// Numbers of the traces with this label, in their order.
[[nodiscard]] std::vector<int64_t> traces_with_label(const TraceSet& set, int label);

/// Numbers 0 .. n-1 of `set`.
[[nodiscard]] std::vector<int64_t> all_traces(const TraceSet& set);

}  // namespace mascing
