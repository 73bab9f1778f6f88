// A zoo of small models with random weights: one for each MoE architecture that libllama builds, so
// that what holds for routers is tested on all of them without a download.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mascing {

/// A metadata value of a GGUF file.
using ZooValue = std::variant<uint32_t,
                              float,
                              bool,
                              std::string,
                              std::vector<uint32_t>,
                              std::vector<uint64_t>,
                              std::vector<float>>;
using ZooKeys = std::vector<std::pair<std::string, ZooValue>>;

/// How to make one model. Keys are without the architecture's prefix.
struct ZooModel {
  std::string name;          ///< the architecture, with a word behind it for a second model of it
  std::string architecture;  ///< general.architecture
  ZooKeys keys;              ///< what differs from the keys that all models share
  std::vector<std::string> without;   ///< ends of the names of optional tensors that are left out
  std::vector<std::string> integers;  ///< ends of the names of tensors of integers 0 .. E-1
};

/// All models, the seven of the paper first.
[[nodiscard]] const std::vector<ZooModel>& zoo_models();
/// Throws Error{kUsage} if there is none of that name.
[[nodiscard]] const ZooModel& zoo_model(const std::string& name);

/// libllama says which tensors the architecture has; they are filled from the seed and their names,
/// so that signals neither die out nor explode, and written with the metadata to one GGUF file of
/// some hundred kilobytes. Throws Error{kHost} if libllama does not take the metadata.
void write_zoo_model(const ZooModel& model, uint64_t seed, const std::string& path);

}  // namespace mascing
