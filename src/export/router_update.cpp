// Arithmetic on router updates that all exports share.
#include "export/router_update.h"

#include "base/sha256.h"
#include "mascing/version.h"

namespace mascing {

void add_update_row(const LayerUpdate& layer,
                    int64_t i_expert,
                    int64_t n_embd,
                    double strength,
                    std::vector<double>& row) {
  for (int64_t r = 0; r < layer.rank; ++r) {
    const double weight = strength * layer.up[i_expert * layer.rank + r];
    const float* down = layer.down.data() + r * n_embd;
    for (int64_t d = 0; d < n_embd; ++d) {
      row[d] += weight * down[d];
    }
  }
}

std::vector<LayerFit> layer_fits(const RouterUpdate& update) {
  std::vector<LayerFit> fits;
  for (const LayerUpdate& layer : update.layers) {
    fits.push_back({update.blocks[layer.i_layer], layer.rank, layer.method, layer.quality});
  }
  return fits;
}

std::string hash_mask(const Mask& mask) {
  Sha256 hash;
  hash.update(std::string("mascing.mask ") + to_string(mask.sigma_rule) + " " +
              std::to_string(mask.n_layer) + " " + std::to_string(mask.n_expert) + "\n");
  hash.update(mask.fingerprint);
  hash.update(mask.steer.data(), mask.steer.size() * sizeof(float));
  hash.update(mask.sigma.data(), mask.sigma.size() * sizeof(float));
  for (const MaskPart& part : mask.parts) {
    hash.update(to_string(part.sigma_rule));
    hash.update(part.steer.data(), part.steer.size() * sizeof(float));
  }
  if (mask.has_adapter()) {
    hash.update("adapter");
    hash.update(mask.adapter.down->data(), mask.adapter.down->size() * sizeof(float));
    hash.update(mask.adapter.up.data(), mask.adapter.up.size() * sizeof(float));
  }
  return hash.hex();
}

UpdateOrigin origin_of(const Mask& mask, double alpha) {
  UpdateOrigin origin;
  origin.architecture = mask.architecture;
  origin.fingerprint = mask.fingerprint;
  origin.routers = mask.routers;
  origin.model_name = mask.model_name;
  origin.scenario = mask.scenario;
  origin.direction = mask.direction;
  origin.mask_hash = hash_mask(mask);
  origin.tool_version = version();
  origin.alpha = alpha;
  return origin;
}

}  // namespace mascing
