// Messages name the stage, not the function.
#include "stage/steer_checks.h"

#include <cmath>
#include <utility>

#include "base/append.h"
#include "base/sorted_unique.h"
#include "mascing/error.h"
#include "nn/surrogate_layout.h"

namespace mascing {

void require_steer(bool is_met, const std::string& what) {
  if (!is_met) {
    throw Error(ErrorKind::kUsage, "[steer] " + what, "see `mascing steer --help`");
  }
}

bool is_at_least_zero(double value) {
  return std::isfinite(value) && value >= 0.0;
}

void check_steer_options(const SteerOptions& options) {
  require_steer(options.target == 0 || options.target == 1, "the target must be 0 or 1");
  require_steer(is_at_least_zero(options.lambda), "lambda must be at least 0");
  require_steer(is_at_least_zero(options.threshold), "the threshold must be at least 0");
  require_steer(is_at_least_zero(options.preserve), "the weight of `preserve` must be at least 0");
  require_steer(is_at_least_zero(options.preserve_reach),
                "the reach of `preserve` must be at least 0");
  require_steer(is_at_least_zero(options.learning_rate) && options.learning_rate > 0.0,
                "the learning rate must be above 0");
  require_steer(options.n_epoch >= 1, "the number of epochs must be at least 1");
  require_steer(options.n_batch >= 1, "the batch size must be at least 1");
  require_steer(options.n_thread >= 1, "the number of threads must be at least 1");
  require_steer(options.validation_share >= 0.0 && options.validation_share < 1.0,
                "the validation share must be at least 0 and below 1");
  require_steer(options.n_patience >= 0, "the patience must not be negative");
  require_steer(options.n_patience == 0 || options.validation_share > 0.0,
                "stopping early needs a validation share above 0");
}

void check_steer_shape(const Surrogate& surrogate, const TraceSet& set) {
  check_surrogate(surrogate);
  const SurrogateShape& shape = surrogate.shape;
  if (shape.n_layer != set.n_layer || shape.n_expert != set.n_expert) {
    throw Error(ErrorKind::kMismatch,
                "[steer] the surrogate reads " + std::to_string(shape.n_layer) + " layers of " +
                    std::to_string(shape.n_expert) + " experts, the traces have " +
                    std::to_string(set.n_layer) + " of " + std::to_string(set.n_expert),
                "use the surrogate that was trained on traces of this model");
  }
}

std::vector<int64_t> traces_read(const SteerTraces& traces) {
  std::vector<int64_t> all = traces.target;
  append(traces.preserve, all);
  return sorted_unique(std::move(all));
}

void apply_threshold(double threshold, std::vector<float>& steer) {
  for (float& value : steer) {
    if (std::abs(double{value}) <= threshold) {
      value = 0.0F;
    }
  }
}

}  // namespace mascing
