// Sums over the tensors, and the shape of the attention from the metadata.
#include "mascing/model_size.h"

#include <algorithm>
#include <numeric>

#include "base/files.h"
#include "base/numeric.h"
#include "base/text.h"
#include "format/model_file.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kBytesPerValue = 2;

// Far above any model. Blocks x heads x values x bytes are at most 2^58 with them.
constexpr int64_t kMostHeads = int64_t{1} << 20;  // of a block; also of the values of a head
constexpr int64_t kMostLists = int64_t{1} << 16;  // entries of a list with one for each block
constexpr int64_t kMostCellBytes = int64_t{1} << 30;

[[noreturn]] void refuse_size(const GgufFile& file, const std::string& what) {
  throw Error(ErrorKind::kBadInput,
              "[inspect] " + printable(file_name(file.path())) + ": " + what,
              "the file is damaged or incomplete; download it again");
}

int64_t require_sensible(const GgufFile& file, const std::string& key, int64_t value) {
  if (value < 0 || value > kMostHeads) {
    refuse_size(file,
                "key \"" + printable(key) + "\" is " + std::to_string(value) + ", expected 0 to " +
                    std::to_string(kMostHeads));
  }
  return value;
}

/// A number for all blocks, or a list with one for each.
std::vector<int64_t> per_block(const GgufFile& file, const std::string& key, int64_t n_block) {
  if (!file.is_array(key)) {
    return std::vector<int64_t>(n_block,
                                require_sensible(file, key, file.get_int(key).value_or(0)));
  }
  if (*file.get_array_size(key) > kMostLists) {
    refuse_size(file,
                "key \"" + printable(key) + "\" has " + std::to_string(*file.get_array_size(key)) +
                    " entries, expected one a block");
  }
  std::vector<int64_t> values = *file.get_int_array(key);
  for (const int64_t value : values) {
    (void)require_sensible(file, key, value);
  }
  return values;
}

int64_t sum_of_heads(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

int64_t cell_bytes(const GgufFile& file, const ModelInfo& info) {
  const std::string attention = info.architecture + ".attention.";
  const std::vector<int64_t> heads = per_block(file, attention + "head_count", info.n_block);
  const int64_t n_most = heads.empty() ? 0 : *std::max_element(heads.begin(), heads.end());
  const int64_t n_usual = info.n_embd / std::max<int64_t>(1, n_most);
  const auto length = [&](const char* name) {
    const std::string key = attention + name;
    return require_sensible(file, key, file.get_int(key).value_or(n_usual));
  };
  int64_t n_head_kv = sum_of_heads(per_block(file, attention + "head_count_kv", info.n_block));
  if (n_head_kv == 0) {
    n_head_kv = n_most == 0 ? info.n_block : sum_of_heads(heads);
  }
  const int64_t n_byte =
      n_head_kv * (length("key_length") + length("value_length")) * kBytesPerValue;
  if (n_byte > kMostCellBytes) {
    refuse_size(file,
                "keys and values of one token of " + std::to_string(n_byte) +
                    " bytes, expected at most " + std::to_string(kMostCellBytes));
  }
  return n_byte;
}

}  // namespace

ModelSize read_model_size(const std::string& path) {
  const OpenModel model = open_model(path, true);
  ModelSize size;
  for (const GgufFile& part : model.parts) {
    for (const GgufTensor& tensor : part.tensors()) {  // no two overlap, so that the sum fits
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
