// Checks and simple properties of a mask in memory.
#include "mascing/mask.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "base/numeric.h"
#include "base/sorted_unique.h"
#include "base/text.h"
#include "mascing/error.h"
#include "mascing/model_info.h"
#include "mascing/trace_set.h"
#include "mascing/version.h"

namespace mascing {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kBadInput,
              "[mask] " + what,
              "the mask is damaged or was built incorrectly; make it again");
}

void require_size(const char* name, size_t got, int64_t expected) {
  if (got != static_cast<size_t>(expected)) {
    fail(std::string(name) + " has " + std::to_string(got) + " entries, expected " +
         std::to_string(expected));
  }
}

void require_finite(const std::vector<float>& steer, const char* where = "the steering matrix") {
  if (!std::all_of(steer.begin(), steer.end(), [](float s) { return std::isfinite(s); })) {
    fail(std::string(where) + " has an entry that is infinite or NaN");
  }
}

/// Of the push on each expert of each layer, [L, E]: root of the sum over r of up^2.
std::vector<float> adapter_strength(const Mask& mask) {
  std::vector<float> strength(mask.steer.size(), 0.0F);
  for (int64_t l = 0; mask.has_adapter() && l < mask.n_layer; ++l) {
    const float* up = mask.adapter.up_of(l, mask.n_expert);
    for (int64_t e = 0; e < mask.n_expert; ++e) {
      double sum = 0.0;
      for (int64_t r = 0; r < mask.adapter.rank; ++r) {
        const double value = up[r * mask.n_expert + e];
        sum += value * value;
      }
      strength[l * mask.n_expert + e] = to_float(std::sqrt(sum));
    }
  }
  return strength;
}

void validate_adapter(const Mask& mask) {
  const RouterAdapter& adapter = mask.adapter;
  if (adapter.rank < 0 || (adapter.rank == 0 && !adapter.up.empty())) {
    fail("an adapter of rank " + std::to_string(adapter.rank));
  }
  if (adapter.rank == 0) {
    return;
  }
  if (adapter.rank > INT64_MAX / mask.n_layer / mask.n_expert) {
    fail("an adapter of rank " + std::to_string(adapter.rank));
  }
  const int64_t n_row = mask.n_layer * adapter.rank;
  if (adapter.n_embd <= 0 || !adapter.down || n_row > INT64_MAX / adapter.n_embd) {
    fail("an adapter without inputs");
  }
  require_size("the adapter's down", adapter.down->size(), n_row * adapter.n_embd);
  require_size("the adapter's up", adapter.up.size(), n_row * mask.n_expert);
  require_finite(adapter.down->values(), "the adapter's down");
  require_finite(adapter.up, "the adapter's up");
}

}  // namespace

const char* to_string(SigmaRule rule) {
  switch (rule) {
    case SigmaRule::kToken:
      return "token";
    case SigmaRule::kCalibrated:
      return "calibrated";
    case SigmaRule::kBatch:
      return "batch";
  }
  return "unknown";
}

SigmaRule parse_sigma_rule(const std::string& text) {
  for (const SigmaRule rule : {SigmaRule::kToken, SigmaRule::kCalibrated, SigmaRule::kBatch}) {
    if (text == to_string(rule)) {
      return rule;
    }
  }
  throw Error(ErrorKind::kUsage,
              "[mask] sigma rule \"" + printable(text) + "\", expected token, calibrated or batch",
              "use token unless the mask was made for another rule");
}

int64_t Mask::n_active() const {
  const std::vector<float> strengths = adapter_strength(*this);
  int64_t n = 0;
  for (size_t i = 0; i < steer.size(); ++i) {
    const bool is_active = steer[i] != 0.0F || strengths[i] != 0.0F ||
                           std::any_of(parts.begin(), parts.end(), [i](const MaskPart& part) {
                             return part.steer[i] != 0.0F;
                           });
    n += is_active ? 1 : 0;
  }
  return n;
}

bool Mask::is_zero(int64_t i_layer) const {
  const auto is_zero_row = [&](const std::vector<float>& values, int64_t n) {
    const float* row = values.data() + i_layer * n;
    return std::all_of(row, row + n, [](float s) { return s == 0.0F; });
  };
  return is_zero_row(steer, n_expert) &&
         (!has_adapter() || is_zero_row(adapter.up, adapter.rank * n_expert)) &&
         std::all_of(parts.begin(), parts.end(), [&](const MaskPart& part) {
           return is_zero_row(part.steer, n_expert);
         });
}

bool Mask::uses(SigmaRule rule) const {
  return sigma_rule == rule ||
         std::any_of(parts.begin(), parts.end(), [rule](const MaskPart& part) {
           return part.sigma_rule == rule;
         });
}

std::vector<float> Mask::total() const {
  std::vector<float> sum = steer;
  for (const MaskPart& part : parts) {
    std::transform(sum.begin(), sum.end(), part.steer.begin(), sum.begin(), std::plus<>());
  }
  const std::vector<float> strength = adapter_strength(*this);
  std::transform(sum.begin(), sum.end(), strength.begin(), sum.begin(), std::plus<>());
  return sum;
}

void Mask::validate() const {
  if (n_layer <= 0 || n_expert <= 0 || n_layer > INT64_MAX / n_expert) {
    fail("made for " + std::to_string(n_layer) + " layers of " + std::to_string(n_expert) +
         " experts, expected at least one of each");
  }
  require_size("steer", steer.size(), n_layer * n_expert);
  require_size("sigma", sigma.size(), n_layer);
  require_size("blocks", blocks.size(), n_layer);
  require_finite(steer);
  validate_adapter(*this);
  for (const MaskPart& part : parts) {
    require_size("a part's steer", part.steer.size(), n_layer * n_expert);
    require_finite(part.steer);
    const auto n_same = std::count_if(parts.begin(), parts.end(), [&](const MaskPart& other) {
      return other.sigma_rule == part.sigma_rule;
    });
    if (part.sigma_rule == sigma_rule || n_same > 1) {
      fail(std::string("two parts take sigma by the rule ") + to_string(part.sigma_rule));
    }
  }
  if (!std::all_of(sigma.begin(), sigma.end(), [](float s) { return std::isfinite(s) && s > 0; })) {
    fail("a layer's sigma is not a positive number");
  }
  if (!std::isfinite(alpha) || !std::isfinite(lambda) || !std::isfinite(threshold)) {
    fail("alpha, lambda or threshold is infinite or NaN");
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i] < 0 || (i > 0 && blocks[i] <= blocks[i - 1])) {
      fail("block numbers are not in ascending order");
    }
  }
}

Mask zero_mask(const ModelInfo& info) {
  Mask mask;
  mask.n_layer = info.n_layer;
  mask.n_expert = info.n_expert;
  mask.n_expert_used = info.n_expert_used;
  mask.steer.assign(info.n_layer * info.n_expert, 0.0F);
  mask.sigma.assign(info.n_layer, 1.0F);
  mask.blocks = info.blocks;
  mask.architecture = info.architecture;
  mask.fingerprint = info.fingerprint;
  mask.routers = info.routers;
  mask.model_name = info.name;
  return mask;
}

std::vector<std::string> conversations_of(const TraceSet& set) {
  std::vector<std::string> hashes;
  for (const TraceView& trace : set.traces) {
    if (!trace.conversation.empty()) {
      hashes.push_back(trace.conversation);
    }
  }
  return sorted_unique(std::move(hashes));
}

Mask mask_for(const TraceSet& set) {
  Mask mask;
  mask.n_layer = set.n_layer;
  mask.n_expert = set.n_expert;
  mask.n_expert_used = set.n_expert_used;
  mask.blocks = set.blocks;
  mask.architecture = set.architecture;
  mask.fingerprint = set.fingerprint;
  mask.routers = set.routers;
  mask.model_name = set.model_name;
  mask.tool_version = version();
  mask.conversations = conversations_of(set);
  return mask;
}

}  // namespace mascing
