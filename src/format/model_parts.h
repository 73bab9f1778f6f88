// The names of a model's files where it is split into several.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mascing {

inline constexpr int64_t kMostParts = UINT16_MAX;  ///< as llama.cpp stores their number

/// "-00001-of-00003.gguf", what the name of part `i_part` ends in.
[[nodiscard]] std::string split_suffix(int64_t i_part, int64_t n_part);

/// Where part `i_part` of `n_part` is, if the first part of the model is `path`: `path` itself for
/// a model in one part. Parts are named -00001-of-00003.gguf. Throws Error{kUsage} for a first part
/// that is not named so.
[[nodiscard]] std::string part_path(const std::string& path, int64_t i_part, int64_t n_part);

/// The files of the model whose first is `path`, by their names alone. Parts that are not there are
/// left out.
[[nodiscard]] std::vector<std::string> files_of_model(const std::string& path);

}  // namespace mascing
