// What the tests of the steering stages share.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "mascing/error.h"
#include "mascing/steer.h"
#include "nn/fixture.h"
#include "nn/numeric.h"
#include "stage/numeric_traces.h"

namespace mascing {

inline ErrorKind error_kind(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error was thrown";
  return ErrorKind::kInterrupted;
}

inline Surrogate random_surrogate(const TraceSet& set, uint64_t seed) {
  const SurrogateShape shape = {set.n_layer, set.n_expert, 4, 6};
  Surrogate surrogate = {shape, initial_surrogate(shape, seed)};
  const std::vector<float> shift = nn::random_values<float>(surrogate_size(shape), seed + 1, 0.3);
  std::transform(surrogate.values.begin(),
                 surrogate.values.end(),
                 shift.begin(),
                 surrogate.values.begin(),
                 std::plus<float>());
  return surrogate;
}

/// A grid of one cell.
inline SteerResult optimise_steering(const Surrogate& surrogate,
                                     const TraceSet& set,
                                     const SteerTraces& traces,
                                     const SteerOptions& options,
                                     const Progress& progress = {}) {
  return optimise_steering_grid({surrogate}, set, traces, {{0, options}}, progress).front();
}

inline std::vector<int64_t> first_traces(int64_t n) {
  std::vector<int64_t> traces(n);
  std::iota(traces.begin(), traces.end(), 0);
  return traces;
}

/// The fixture's sequences as traces; they are exact in half precision.
inline TraceSet fixture_traces(const nlohmann::json& fixture) {
  const SurrogateShape shape = nn::fixture_shape(fixture);
  TraceSetBuilder builder(shape.n_layer, shape.n_expert);
  for (size_t i = 0; i < fixture.at("sequences").size(); ++i) {
    builder.add(fixture.at("labels")[i].get<int>(),
                fixture.at("sequences")[i].get<std::vector<float>>());
  }
  return builder.build();
}

inline Surrogate fixture_surrogate(const nlohmann::json& fixture) {
  return {nn::fixture_shape(fixture), fixture.at("values").get<std::vector<float>>()};
}

}  // namespace mascing
