// Reader and writer of safetensors files: eight bytes of header length, a JSON header, then the
// tensors. The reader maps the file and checks header, types, shapes and offsets before anything is
// used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/mapped_file.h"

namespace mascing {

struct SafetensorsTensor {
  std::string name;
  std::string dtype;                ///< "F32", "F16", "BF16", "I64", ...
  std::vector<int64_t> shape;       ///< slowest first; empty = a scalar
  const std::byte* data = nullptr;  ///< in the mapping; other writers need not align it
  size_t size_bytes = 0;
};

/// A parsed file; views into it live as long as it does.
class SafetensorsFile {
 public:
  /// Throws Error{kBadInput} for anything that is not a whole, consistent safetensors file: gaps
  /// and overlaps between tensors included.
  [[nodiscard]] static SafetensorsFile open(const std::string& path);

  /// By name.
  [[nodiscard]] const std::vector<SafetensorsTensor>& tensors() const { return tensors_; }
  /// Null if there is no such tensor.
  [[nodiscard]] const SafetensorsTensor* find(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const std::string& path() const { return file_.path(); }
  /// All bytes; the place of a tensor in the file is `tensor.data - file().data()`.
  [[nodiscard]] const MappedFile& file() const { return file_; }

 private:
  explicit SafetensorsFile(MappedFile file) : file_(std::move(file)) {}

  MappedFile file_;
  std::vector<SafetensorsTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// One tensor to write. `data` is borrowed until write_safetensors returns.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  const void* data = nullptr;
  size_t size_bytes = 0;
};

/// Bytes of one element of a dtype, 0 if it is unknown.
[[nodiscard]] size_t safetensors_dtype_bytes(const std::string& dtype);

/// Writes atomically. The data section starts at a multiple of 8 bytes; tensors follow each other
/// by falling element size, then by name, so that each is aligned to its own element. Equal content
/// gives equal bytes. Throws Error{kUsage} if sizes and shapes disagree or a name is used twice,
/// Error{kSystem} if the system refuses.
void write_safetensors(const std::string& path,
                       const std::vector<SafetensorsEntry>& entries,
                       const std::map<std::string, std::string>& metadata);

}  // namespace mascing
