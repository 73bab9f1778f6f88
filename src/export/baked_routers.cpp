// Router weights are decoded to float, changed in double and encoded to their own type again.
#include "export/baked_routers.h"

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "base/numeric.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

bool lies_in(const GgufFile& part, const GgufTensor* tensor) {
  return tensor != nullptr && part.find_tensor(tensor->name) == tensor;
}

void require_writable_tensor(const GgufFile& part,
                             const GgufTensor& tensor,
                             const TensorCodec& codec) {
  if (!codec.can_encode(tensor.type)) {
    throw Error(ErrorKind::kBadInput,
                "[bake] " + printable(file_name(part.path())) + ": " + printable(tensor.name) +
                    " is of type " + gguf_type_name(tensor.type) + ", which cannot be written here",
                "convert the model again with routers in F32, as llama.cpp does by default");
  }
}

std::vector<float> decode(const GgufTensor& tensor, const TensorCodec& codec) {
  int64_t n = 1;
  for (const int64_t dim : tensor.dims) {
    n *= dim;
  }
  std::vector<float> values(n);
  codec.decode(tensor.type, tensor.data, n, values.data());
  return values;
}

PatchedTensor patch(const GgufTensor& tensor,
                    const std::vector<float>& original,
                    const std::vector<float>& wanted,
                    const TensorCodec& codec,
                    double& loss) {
  PatchedTensor patched{&tensor, std::vector<std::byte>(tensor.size_bytes)};
  const int64_t n = tensor.dims[0];
  const int64_t n_row = std::ssize(wanted) / n;
  codec.encode(tensor.type, wanted.data(), n_row, n, patched.bytes.data());
  std::vector<float> stored(wanted.size());
  codec.decode(tensor.type, patched.bytes.data(), std::ssize(stored), stored.data());
  require_finite(tensor.name, stored);
  loss = rounding_loss(original, wanted, stored);
  return patched;
}

}  // namespace

void require_writable(const OpenModel& model,
                      const RouterUpdate& update,
                      const TensorCodec& codec) {
  for (const LayerUpdate& layer : update.layers) {
    const RouterTensors& router = model.routers[layer.i_layer];
    if (layer.rank > 0) {
      require_writable_tensor(model.parts[router.i_part], *router.weight, codec);
    }
  }
}

std::vector<float> changed_weight(const std::vector<float>& original,
                                  const LayerUpdate& layer,
                                  int64_t n_expert,
                                  int64_t n_embd,
                                  double strength) {
  std::vector<float> wanted(original.size());
  std::vector<double> row(n_embd);
  for (int64_t e = 0; e < n_expert; ++e) {
    std::copy_n(original.begin() + e * n_embd, n_embd, row.begin());
    add_update_row(layer, e, n_embd, strength, row);
    std::transform(row.begin(), row.end(), wanted.begin() + e * n_embd, to_float);
  }
  return wanted;
}

void require_finite(const std::string& name, const std::vector<float>& stored) {
  if (!are_finite(stored)) {
    throw Error(ErrorKind::kBadInput,
                "[bake] the changed router " + printable(name) +
                    " has values that are not finite, or too large for its type",
                "use a model whose routers are in F32, and an adapter that was exported anew");
  }
}

double rounding_loss(const std::vector<float>& original,
                     const std::vector<float>& wanted,
                     const std::vector<float>& stored) {
  double missed = 0.0;
  double change = 0.0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double w = wanted[i];
    missed += (stored[i] - w) * (stored[i] - w);
    change += (w - original[i]) * (w - original[i]);
  }
  return change > 0.0 ? std::sqrt(missed / change) : 0.0;
}

std::vector<PatchedTensor> bake_routers(const OpenModel& model,
                                        int64_t i_part,
                                        const RouterUpdate& update,
                                        const TensorCodec& codec,
                                        std::vector<RoundingLoss>& losses) {
  const GgufFile& part = model.parts[i_part];
  const double strength = update.origin.alpha;
  std::vector<PatchedTensor> changed;
  for (const LayerUpdate& layer : update.layers) {
    const RouterTensors& router = model.routers[layer.i_layer];
    if (layer.rank > 0 && lies_in(part, router.weight)) {
      require_writable_tensor(part, *router.weight, codec);
      const std::vector<float> original = decode(*router.weight, codec);
      const std::vector<float> wanted =
          changed_weight(original, layer, update.n_expert, update.n_embd, strength);
      RoundingLoss loss{layer.i_layer, gguf_type_name(router.weight->type), 0.0};
      changed.push_back(patch(*router.weight, original, wanted, codec, loss.loss));
      losses.push_back(loss);
    }
    if (!layer.shift.empty() && router.bias == nullptr) {
      throw Error(ErrorKind::kBadInput,
                  "[bake] the router of layer " + std::to_string(layer.i_layer) +
                      " has no bias, but the update has a shift for it",
                  "fit the update on this model");
    }
    if (!layer.shift.empty() && lies_in(part, router.bias)) {
      require_writable_tensor(part, *router.bias, codec);
      const std::vector<float> original = decode(*router.bias, codec);
      std::vector<float> wanted = original;
      for (size_t e = 0; e < wanted.size(); ++e) {
        wanted[e] = to_float(wanted[e] + strength * layer.shift[e]);
      }
      RoundingLoss loss{layer.i_layer, gguf_type_name(router.bias->type), 0.0};
      changed.push_back(patch(*router.bias, original, wanted, codec, loss.loss));
      losses.push_back(loss);
    }
  }
  std::sort(changed.begin(), changed.end(), [](const PatchedTensor& a, const PatchedTensor& b) {
    return a.tensor->data < b.tensor->data;
  });
  return changed;
}

}  // namespace mascing
