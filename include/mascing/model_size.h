// How much room a model takes, read from its file without loading it.
#pragma once

#include <cstdint>
#include <string>

namespace mascing {

struct ModelSize {
  int64_t n_weight_byte = 0;     ///< of all tensors of all parts
  int64_t n_quantised_byte = 0;  ///< of those that are not plain floats: processors repack them
  int64_t n_cell_byte = 0;       ///< keys and values of one token, 16 bits each
  int64_t n_vocab = 0;
  int64_t n_embd = 0;
  int64_t n_context_train = 0;
};

/// Of a GGUF file; of a split model, give the first part. Dense models are welcome. The cache
/// assumes that every block has attention: of a hybrid model it is an upper bound. Throws
/// Error{kBadInput} like read_model_info().
[[nodiscard]] ModelSize read_model_size(const std::string& path);

}  // namespace mascing
