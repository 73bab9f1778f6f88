// The demo models as the tests of the libllama host use them: opened on one thread, with rows of
// the demo data and masks of every kind.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/half.h"
#include "base/random.h"
#include "host/llama/engine.h"
#include "mascing/conversation_file.h"
#include "mascing/host.h"
#include "mascing/llama_host.h"
#include "tolerance.h"

namespace mascing {

inline std::string demo_model(const std::string& kind = "planted") {
  return MASCING_DEMO "/kingdom-" + kind + "-f16.gguf";
}

/// One thread: several stall on a busy machine.
inline LlamaHostOptions demo_options() {
  LlamaHostOptions options;
  options.path = demo_model();
  options.n_thread = 1;
  return options;
}

/// An engine as the host makes it.
inline Engine demo_engine() {
  return Engine(std::make_shared<const LoadedModel>(demo_options()), demo_options());
}

/// The first rows of the attacks; of them, every one that has more than one turn.
inline std::vector<Conversation> demo_attacks(size_t n) {
  std::vector<Conversation> rows = read_conversations(MASCING_DEMO "/data/attacks.jsonl");
  rows.resize(n);
  return rows;
}

inline std::vector<Prompt> demo_prompts(const Host& host, size_t n) {
  std::vector<Prompt> prompts;
  for (const Conversation& row : demo_attacks(n)) {
    prompts.push_back(host.render(row));
  }
  return prompts;
}

/// Entries between -1 and 1 in every layer, and another sigma for each.
inline std::shared_ptr<Mask> random_mask(const ModelInfo& info, uint64_t seed) {
  auto mask = std::make_shared<Mask>(zero_mask(info));
  for (size_t i = 0; i < mask->steer.size(); ++i) {
    mask->steer[i] =
        static_cast<float>(static_cast<int64_t>(mix_seed(seed, i) % 2001) - 1000) / 1000.0F;
  }
  for (size_t l = 0; l < mask->sigma.size(); ++l) {
    mask->sigma[l] = 0.5F + 0.25F * static_cast<float>(l);
  }
  return mask;
}

/// One entry; calibrated, so that the push is alpha * value.
inline std::shared_ptr<Mask> single_entry(const ModelInfo& info,
                                          int64_t i_layer,
                                          int64_t i_expert,
                                          float value) {
  auto mask = std::make_shared<Mask>(zero_mask(info));
  mask->sigma_rule = SigmaRule::kCalibrated;
  mask->row(i_layer)[i_expert] = value;
  return mask;
}

/// Largest difference of two traces; infinite if their sizes differ.
inline double largest_difference(const RouterTrace& a, const RouterTrace& b) {
  if (a.logits.size() != b.logits.size()) {
    return INFINITY;
  }
  double largest = 0.0;
  for (size_t i = 0; i < a.logits.size(); ++i) {
    largest = std::max(largest,
                       std::fabs(static_cast<double>(half_to_float(a.logits[i])) -
                                 static_cast<double>(half_to_float(b.logits[i]))));
  }
  return largest;
}

/// Mean over the logits; infinite if there are not as many.
inline double mean_difference(const RouterTrace& a, const RouterTrace& b) {
  if (a.logits.size() != b.logits.size() || a.logits.empty()) {
    return INFINITY;
  }
  double sum = 0.0;
  for (size_t i = 0; i < a.logits.size(); ++i) {
    sum += std::fabs(static_cast<double>(half_to_float(a.logits[i])) -
                     static_cast<double>(half_to_float(b.logits[i])));
  }
  return sum / static_cast<double>(a.logits.size());
}

/// That batches of another shape give the same traces. Where they round otherwise, by up to 0.02, a
/// token that lies on the edge between two experts may go to the other one, and what follows
/// differs in earnest. That happens to one trace in six at most, and leaves even that one near.
inline void expect_same_traces(const std::vector<Result<RouterTrace>>& a,
                               const std::vector<Result<RouterTrace>>& b) {
  ASSERT_EQ(a.size(), b.size());
  int64_t n_apart = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    n_apart += largest_difference(a[i].value, b[i].value) < tolerance(0.01, 0.02) ? 0 : 1;
    EXPECT_LT(mean_difference(a[i].value, b[i].value), 0.1) << "request " << i;
  }
  EXPECT_LE(n_apart, rounds_by_batch() ? std::ssize(a) / 6 : 0);
}

}  // namespace mascing
