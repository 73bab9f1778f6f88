// Makes masks for one set of a scenario: trains surrogates and optimises masks through them, or
// takes the difference of class means.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mascing/mask.h"
#include "mascing/progress.h"
#include "mascing/results.h"
#include "mascing/scenario.h"
#include "mascing/steer.h"
#include "mascing/trace_set.h"
#include "mascing/train.h"

namespace mascing {

/// Sigma of a layer whose router gives all experts the same logit.
inline constexpr float kMinSigma = 1e-6F;

/// A surrogate with its validation and the hash of its inputs.
struct Trained {
  Surrogate surrogate;
  SurrogateResult report;
  std::string key;
};

/// Cross-validation results and warnings.
struct CrossValidated {
  CrossValidationResult result;
  std::vector<Warning> warnings;
};

/// Surrogates and masks are stored in a folder under the hash of their inputs, and read from there
/// when requested again.
class MaskMaker {
 public:
  /// `traces`: the labelled conversations of one set (label >= 0), and unlabelled ones whose
  /// routing is to be preserved.
  MaskMaker(TraceSet traces, const Scenario& scenario, int64_t n_thread, std::string folder);

  [[nodiscard]] Trained train(uint64_t seed, const Progress& progress) const;
  /// Five folds by topic, fewer if a class has fewer conversations, none if a class has only one.
  [[nodiscard]] CrossValidated cross_validate(const Trained& trained,
                                              const Progress& progress) const;
  /// Masks that move label-1 conversations of the set to label 0, one per cell. All missing ones
  /// are optimised together. Surrogates are numbered as in `trained`.
  [[nodiscard]] std::vector<std::shared_ptr<const Mask>> steer(const std::vector<Trained>& trained,
                                                               std::vector<SteerCell> cells,
                                                               const Progress& progress) const;
  [[nodiscard]] std::shared_ptr<const Mask> mean_difference_mask() const;

 private:
  [[nodiscard]] TrainOptions train_options(uint64_t seed) const;
  [[nodiscard]] std::string path_of(const Trained& trained, const SteerOptions& options) const;
  [[nodiscard]] Mask empty_mask() const;
  [[nodiscard]] std::shared_ptr<const Mask> finish(Mask mask,
                                                   SteerResult result,
                                                   const std::string& path) const;

  TraceSet traces_;
  const Scenario& scenario_;
  std::string traces_hash_;
  SteerTraces steer_traces_;
  int64_t n_thread_;
  std::string folder_;
};

}  // namespace mascing
