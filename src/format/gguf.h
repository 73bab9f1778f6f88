// Reader and writer of GGUF files (versions 2 and 3, little-endian), llama.cpp's container. The
// reader maps the file and checks every count, length and offset before anything is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"

namespace mascing {

/// "f32", "q4_K", ...; "unknown" for a number that is not a type.
[[nodiscard]] const char* gguf_type_name(int32_t type);
/// Bytes of one row of `n` values; -1 if the type is unknown or `n` does not fill its blocks.
[[nodiscard]] int64_t gguf_row_bytes(int32_t type, int64_t n);

inline constexpr int32_t kGgufF32 = 0;
inline constexpr int32_t kGgufF16 = 1;
inline constexpr int32_t kGgufBf16 = 30;

struct GgufTensor {
  std::string name;
  int32_t type = 0;           ///< ggml_type
  std::vector<int64_t> dims;  ///< ne order: fastest first
  const std::byte* data =
      nullptr;  ///< in the mapping; aligned as the file's alignment key says: copy out
  size_t size_bytes = 0;
};

/// A parsed file; views into it live as long as it does. Getters return nothing if the key is
/// absent and throw Error{kBadInput} naming the key if its value has another type.
class GgufFile {
 public:
  /// Throws Error{kBadInput} for anything but a complete, consistent GGUF file.
  [[nodiscard]] static GgufFile open(const std::string& path);

  [[nodiscard]] bool has(const std::string& key) const;
  /// False if the key is absent.
  [[nodiscard]] bool is_array(const std::string& key) const;
  /// Any integer type; bool counts as 0 and 1.
  [[nodiscard]] std::optional<int64_t> get_int(const std::string& key) const;
  /// Any non-negative integer, up to 2^64 - 1.
  [[nodiscard]] std::optional<uint64_t> get_uint(const std::string& key) const;
  /// f32 or f64.
  [[nodiscard]] std::optional<double> get_float(const std::string& key) const;
  [[nodiscard]] std::optional<std::string> get_string(const std::string& key) const;
  [[nodiscard]] std::optional<std::vector<int64_t>> get_int_array(const std::string& key) const;
  [[nodiscard]] std::optional<std::vector<double>> get_float_array(const std::string& key) const;
  [[nodiscard]] std::optional<std::vector<std::string>> get_string_array(
      const std::string& key) const;
  /// Number of elements of an array of any kind.
  [[nodiscard]] std::optional<int64_t> get_array_size(const std::string& key) const;
  /// All keys in alphabetical order.
  [[nodiscard]] std::vector<std::string> keys() const;

  [[nodiscard]] const std::vector<GgufTensor>& tensors() const { return tensors_; }
  /// Null if there is no such tensor.
  [[nodiscard]] const GgufTensor* find_tensor(const std::string& name) const;

  /// Everything before the tensor data: metadata and tensor infos.
  [[nodiscard]] std::string_view header_bytes() const;
  /// The part before the tensor infos, up to the last key's value.
  [[nodiscard]] std::string_view metadata_bytes() const;
  [[nodiscard]] int64_t n_key() const { return std::ssize(values_); }
  static constexpr size_t kKeyCountOffset = 16;  ///< where their number stands, a u64
  /// Start of the tensor data in the file.
  [[nodiscard]] size_t data_offset() const { return data_offset_; }
  [[nodiscard]] size_t alignment() const { return alignment_; }
  [[nodiscard]] const std::string& path() const { return file_.path(); }
  /// All bytes; the place of a tensor in the file is `tensor.data - file().data()`.
  [[nodiscard]] const MappedFile& file() const { return file_; }

  /// One metadata value where it lies in the mapping.
  struct Value {
    uint32_t type = 0;  ///< of the value, or of the elements of an array
    bool is_array = false;
    int64_t n = 1;  ///< elements
    const std::byte* data = nullptr;
    size_t size_bytes = 0;
  };

 private:
  friend class GgufParser;
  explicit GgufFile(MappedFile file) : file_(std::move(file)) {}
  [[nodiscard]] const Value* find(const std::string& key) const;
  [[noreturn]] void wrong_kind(const std::string& key,
                               const Value& value,
                               const char* wanted) const;

  MappedFile file_;
  std::map<std::string, Value> values_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, size_t> tensor_index_;
  size_t header_size_ = 0;
  size_t metadata_size_ = 0;
  size_t data_offset_ = 0;
  size_t alignment_ = 0;
};

using GgufSink = std::function<void(const void* data, size_t size_bytes)>;
using GgufFill = std::function<void(const GgufSink& sink)>;  ///< in pieces of any size
/// Collects keys and tensors, then writes them at once. Keys are written in alphabetical order and
/// tensors in the order they were added, so equal content gives equal bytes.
class GgufWriter {
 public:
  void set_int(const std::string& key, int64_t value);
  void set_uint32(const std::string& key, uint32_t value);
  void set_uint64(const std::string& key, uint64_t value);
  void set_bool(const std::string& key, bool value);
  void set_float(const std::string& key, float value);
  void set_string(const std::string& key, std::string_view value);
  void set_int_array(const std::string& key, const std::vector<int64_t>& values);
  /// Stored as f64.
  void set_float_array(const std::string& key, const std::vector<double>& values);
  void set_string_array(const std::string& key, const std::vector<std::string>& values);
  /// Copies the product of `dims` (fastest first) numbers. Throws Error{kUsage} for a name that
  /// llama.cpp would refuse (64 bytes and more, used twice) or for dims that are not 1 to 4
  /// positive numbers.
  void add_tensor_f32(const std::string& name, const std::vector<int64_t>& dims, const float* data);
  /// Of any type and never whole in memory: `fill` gives its bytes while the file is written.
  void add_tensor(const std::string& name,
                  int32_t type,
                  const std::vector<int64_t>& dims,
                  GgufFill fill);

  /// The keys as they go into a file: what stands between the counts and the tensor infos.
  [[nodiscard]] std::string metadata_bytes() const;
  [[nodiscard]] int64_t n_key() const { return std::ssize(values_); }
  /// Writes atomically. Throws Error{kSystem}, Error{kUsage} for a `fill` of another size.
  void write(const std::string& path) const;

 private:
  struct Tensor {
    std::string name;
    int32_t type = kGgufF32;
    std::vector<int64_t> dims;
    uint64_t size_bytes = 0;
    GgufFill fill;
  };
  std::map<std::string, std::string> values_;  ///< key -> type and value as they go into the file
  std::vector<Tensor> tensors_;
};

}  // namespace mascing
