// One fair coin per entry; a mask is copied whole and its free entries are set, so that every
// question carries a mask of its own.
#include "stage/perturbation.h"

#include <algorithm>
#include <numeric>

#include "base/numeric.h"

namespace mascing {

FreeEntries all_entries(const Mask& mask) {
  FreeEntries entries(mask.values().size());
  std::iota(entries.begin(), entries.end(), int64_t{0});
  return entries;
}

double norm_of(const std::vector<float>& steer) {
  double sum = 0.0;
  for (const float value : steer) {
    sum += double{value} * double{value};
  }
  return std::sqrt(sum);
}

int64_t pairs_of_round(int64_t n_wanted, int64_t n_entry) {
  return n_wanted > 0 ? n_wanted : std::clamp<int64_t>(4 * n_entry, 128, 1024);
}

std::vector<float> draw_perturbation(Rng& rng, int64_t d, double size) {
  std::vector<float> e(d);
  for (float& value : e) {
    value = to_float(rng.below(2) == 0 ? size : -size);
  }
  return e;
}

Steering perturbed(const Mask& base,
                   const FreeEntries& entries,
                   const std::vector<float>& values,
                   const std::vector<float>& perturbation,
                   float sign) {
  auto mask = std::make_shared<Mask>(base);
  std::vector<float>& moved = mask->values();
  for (size_t j = 0; j < entries.size(); ++j) {
    const float e = perturbation.empty() ? 0.0F : perturbation[j];
    moved[entries[j]] = values[j] + sign * e;
  }
  return {std::move(mask), 1.0F};
}

}  // namespace mascing
