// What all hosts share: whether a steering does anything, and whether its mask belongs to the
// model.
#include "mascing/host.h"

#include "mascing/error.h"

namespace mascing {

std::vector<std::string> Host::observe(const std::vector<TraceRequest>& /*requests*/,
                                       const RouterObserver& /*observer*/) {
  throw Error(ErrorKind::kHost, "[host] this engine does not show the inputs of its routers");
}

std::vector<std::string> Host::observe_outputs(const std::vector<TraceRequest>& /*requests*/,
                                               const OutputObserver& /*observer*/) {
  throw Error(ErrorKind::kHost, "[host] this engine does not show its outputs token by token");
}

bool is_active(const Steering& steering) {
  return steering.mask != nullptr && steering.alpha != 0.0F && steering.mask->n_active() > 0;
}

void require_same_model(const Mask& mask, const ModelInfo& info) {
  if (mask.fingerprint == info.fingerprint && mask.n_layer == info.n_layer &&
      mask.n_expert == info.n_expert) {
    return;
  }
  const auto describe = [](const std::string& name,
                           const std::string& architecture,
                           int64_t n_layer,
                           int64_t n_expert,
                           const std::string& fingerprint) {
    return "'" + name + "' (" + architecture + ", " + std::to_string(n_layer) + " x " +
           std::to_string(n_expert) + ", " + fingerprint.substr(0, 12) + ")";
  };
  throw Error(
      ErrorKind::kMismatch,
      "[mask] the mask was made for " +
          describe(
              mask.model_name, mask.architecture, mask.n_layer, mask.n_expert, mask.fingerprint) +
          ", not for " +
          describe(info.name, info.architecture, info.n_layer, info.n_expert, info.fingerprint),
      "use the model the mask was made for (any quantisation of it), or make a mask for this one");
}

}  // namespace mascing
