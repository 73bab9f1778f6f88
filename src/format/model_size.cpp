// Sums over the tensors, and the shape of the attention from the metadata.
#include "mascing/model_size.h"

#include <algorithm>
#include <numeric>

#include "base/numeric.h"
#include "format/model_file.h"

namespace mascing {
namespace {

constexpr int64_t kBytesPerValue = 2;

/// A number for all blocks, or the sum of a list with one for each.
int64_t over_blocks(const GgufFile& file, const std::string& key, int64_t n_block) {
  if (file.is_array(key)) {
    const auto values = file.get_int_array(key).value_or(std::vector<int64_t>{});
    return std::accumulate(values.begin(), values.end(), int64_t{0});
  }
  return file.get_int(key).value_or(0) * n_block;
}

int64_t cell_bytes(const GgufFile& file, const ModelInfo& info) {
  const std::string attention = info.architecture + ".attention.";
  const int64_t n_head = std::max<int64_t>(1, over_blocks(file, attention + "head_count", 1));
  const int64_t n_usual = info.n_embd / n_head;
  const int64_t n_key = file.get_int(attention + "key_length").value_or(n_usual);
  const int64_t n_value = file.get_int(attention + "value_length").value_or(n_usual);
  int64_t n_head_kv = over_blocks(file, attention + "head_count_kv", info.n_block);
  if (n_head_kv == 0) {
    n_head_kv = n_head * info.n_block;
  }
  return n_head_kv * (n_key + n_value) * kBytesPerValue;
}

}  // namespace

ModelSize read_model_size(const std::string& path) {
  const OpenModel model = open_model(path, true);
  ModelSize size;
  for (const GgufFile& part : model.parts) {
    for (const GgufTensor& tensor : part.tensors()) {
      const auto n_byte = static_cast<int64_t>(tensor.size_bytes);
      const bool is_plain =
          tensor.type == kGgufF32 || tensor.type == kGgufF16 || tensor.type == kGgufBf16;
      size.n_weight_byte += n_byte;
      size.n_quantised_byte += is_plain ? 0 : n_byte;
    }
  }
  size.n_cell_byte = cell_bytes(model.parts.front(), model.info);
  size.n_vocab = model.info.n_vocab;
  size.n_embd = model.info.n_embd;
  size.n_context_train = model.info.n_context_train;
  return size;
}

}  // namespace mascing
