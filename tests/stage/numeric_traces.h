// Trace sets in memory for the tests of the numerical stages.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/half.h"
#include "base/random.h"
#include "mascing/trace_set.h"

namespace mascing {

/// Owns the numbers of a TraceSet while it is put together.
class TraceSetBuilder {
 public:
  TraceSetBuilder(int64_t n_layer, int64_t n_expert) {
    set_.n_layer = n_layer;
    set_.n_expert = n_expert;
    for (int64_t i_layer = 0; i_layer < n_layer; ++i_layer) {
      set_.blocks.push_back(i_layer);
    }
  }

  /// `logits` [T, L, E]
  TraceSetBuilder& add(int label, const std::vector<float>& logits, const std::string& topic = {}) {
    std::vector<uint16_t> halves(logits.size());
    to_half(logits.data(), halves.data(), static_cast<int64_t>(logits.size()));
    TraceView view;
    view.id.assign("c").append(std::to_string(set_.traces.size()));
    view.topic = topic;
    view.label = label;
    view.n_token = static_cast<int64_t>(logits.size()) / (set_.n_layer * set_.n_expert);
    set_.traces.push_back(view);
    numbers_->push_back(std::move(halves));
    return *this;
  }

  [[nodiscard]] TraceSet build() const {
    TraceSet set = set_;
    for (size_t i = 0; i < set.traces.size(); ++i) {
      set.traces[i].logits = (*numbers_)[i].data();
    }
    set.storage = numbers_;
    return set;
  }

 private:
  TraceSet set_;
  std::shared_ptr<std::vector<std::vector<uint16_t>>> numbers_ =
      std::make_shared<std::vector<std::vector<uint16_t>>>();
};

/// Where planted_traces hides the label.
struct Plant {
  int64_t i_layer = 1;
  int64_t i_expert = 5;
  double shift =
      1.5;  ///< added to this expert's logits in traces with label 1, subtracted in the others
};

/// Normal noise with a planted expert; lengths 1 to 20 and topics do not depend on the label.
inline TraceSet planted_traces(
    int64_t n_trace, int64_t n_layer, int64_t n_expert, const Plant& plant, uint64_t seed) {
  Rng rng(seed);
  TraceSetBuilder builder(n_layer, n_expert);
  for (int64_t i_trace = 0; i_trace < n_trace; ++i_trace) {
    const int label = static_cast<int>(i_trace % 2);
    std::vector<float> z((1 + rng.below(20)) * n_layer * n_expert);
    for (size_t i = 0; i < z.size(); ++i) {
      const auto at = static_cast<int64_t>(i) % (n_layer * n_expert);
      const bool is_planted = at == plant.i_layer * n_expert + plant.i_expert;
      const double shift = is_planted ? (label == 1 ? plant.shift : -plant.shift) : 0.0;
      z[i] = static_cast<float>(rng.normal() + shift);
    }
    builder.add(label, z, std::string("topic ").append(std::to_string(i_trace / 6)));
  }
  return builder.build();
}

}  // namespace mascing
