// Arithmetic on router updates that all exports share.
#include "export/router_update.h"

#include <algorithm>
#include <utility>

#include "base/numeric.h"
#include "base/sha256.h"
#include "mascing/error.h"
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

RouterUpdate start_update(const Mask& mask, int64_t n_embd, double alpha) {
  RouterUpdate update;
  update.n_layer = mask.n_layer;
  update.n_expert = mask.n_expert;
  update.n_embd = n_embd;
  update.blocks = mask.blocks;
  update.origin = origin_of(mask, alpha);
  return update;
}

RouterUpdate outline_of(const Mask& mask, int64_t n_embd) {
  RouterUpdate outline = start_update(mask, n_embd, mask.alpha);
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    if (!mask.is_zero(l)) {
      LayerUpdate layer;
      layer.i_layer = l;
      layer.rank = 1;
      outline.layers.push_back(std::move(layer));
    }
  }
  return outline;
}

RouterUpdate update_of_adapter(const Mask& mask, double alpha) {
  const RouterAdapter& adapter = mask.adapter;
  RouterUpdate update = start_update(mask, adapter.n_embd, alpha);
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    const float* up = adapter.up_of(l, mask.n_expert);
    const int64_t n = adapter.rank * mask.n_expert;
    if (std::all_of(up, up + n, [](float x) { return x == 0.0F; })) {
      continue;
    }
    LayerUpdate layer;
    layer.i_layer = l;
    layer.rank = adapter.rank;
    layer.method = "adapter";
    layer.down.assign(adapter.down_row(l, 0), adapter.down_row(l, adapter.rank));
    for (int64_t i = 0; i < n; ++i) {  // [R, E] to [E, R]
      layer.up.push_back(up[i % adapter.rank * mask.n_expert + i / adapter.rank]);
    }
    update.layers.push_back(std::move(layer));
  }
  return update;
}

void append_update(const RouterUpdate& more, RouterUpdate& update) {
  for (const LayerUpdate& added : more.layers) {
    const auto place = std::lower_bound(
        update.layers.begin(),
        update.layers.end(),
        added.i_layer,
        [](const LayerUpdate& layer, int64_t i_layer) { return layer.i_layer < i_layer; });
    if (place == update.layers.end() || place->i_layer != added.i_layer) {
      update.layers.insert(place, added);
      continue;
    }
    std::vector<float> up;
    for (int64_t e = 0; e < update.n_expert; ++e) {
      const auto ours = place->up.begin() + e * place->rank;
      const auto theirs = added.up.begin() + e * added.rank;
      up.insert(up.end(), ours, ours + place->rank);
      up.insert(up.end(), theirs, theirs + added.rank);
    }
    place->up = std::move(up);
    place->down.insert(place->down.end(), added.down.begin(), added.down.end());
    place->rank += added.rank;
  }
}

int64_t largest_rank(const RouterUpdate& update) {
  int64_t rank = 0;
  for (const LayerUpdate& layer : update.layers) {
    rank = std::max(rank, layer.rank);
  }
  return rank;
}

void require_finite(const RouterUpdate& update) {
  for (const LayerUpdate& layer : update.layers) {
    if (!are_finite(layer.down) || !are_finite(layer.up) || !are_finite(layer.shift)) {
      throw Error(ErrorKind::kInsufficient,
                  "[export] the change of the router of layer " + std::to_string(layer.i_layer) +
                      " has values that are not finite",
                  "fit it again on other conversations (--data); router inputs beyond 65504 cannot "
                  "be fitted");
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
    hash.update(mask.adapter.hash());
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
