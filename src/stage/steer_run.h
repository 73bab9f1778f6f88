// State of one optimisation: values, optimiser, report and early stopping.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "mascing/steer.h"
#include "nn/adam.h"

namespace mascing {

/// A trajectory of S, and the results taken from it after different numbers of epochs.
class SteerRun {
 public:
  /// `n_value` = L * E.
  SteerRun(const SteerCell& cell, int64_t n_value);

  /// True if the cell's trajectory is this one, up to its length.
  [[nodiscard]] bool is_same_but_length(const SteerCell& cell) const;
  /// Another result, after this many epochs, for the caller's cell `i_cell`.
  void add_result(int64_t i_cell, int64_t n_epoch);

  [[nodiscard]] const SteerCell& cell() const { return cell_; }
  [[nodiscard]] const std::vector<float>& steer() const { return steer_; }
  [[nodiscard]] bool is_finished() const { return is_finished_; }

  /// Zeroes the gradient and returns where to add to it. [L, E]
  float* start_step();
  /// One step of the optimiser; `loss` and `divergence` count with the shares given.
  void step(double loss, double loss_share, double divergence, double divergence_share);
  /// Closes an epoch; stores the results that are due. Throws Error{kBadInput} if S is not finite.
  void finish_epoch(double validation_loss);

  [[nodiscard]] const SteerEpoch& last_epoch() const { return epochs_.back(); }
  /// Number of the caller's cell and its result: S after the threshold, epochs and best epoch.
  [[nodiscard]] std::vector<std::pair<int64_t, SteerResult>>& results() { return results_; }

 private:
  [[nodiscard]] SteerResult current() const;

  SteerCell cell_;
  std::vector<std::pair<int64_t, int64_t>> due_;  // number of epochs, number of the cell
  std::vector<float> steer_;
  std::vector<float> d_steer_;
  nn::Adam<float> adam_;
  SteerEpoch epoch_;
  std::vector<SteerEpoch> epochs_;
  std::vector<float> best_;
  int64_t best_epoch_ = 0;
  bool is_finished_ = false;
  std::vector<std::pair<int64_t, SteerResult>> results_;
};

}  // namespace mascing
