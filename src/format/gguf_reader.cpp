// Parses a mapped GGUF file with one cursor; every step asks for its bytes before it reads them.
//   "GGUF" | u32 version | u64 tensors | u64 keys
//   keys:    string key | u32 type | value           (array: u32 type | u64 n | values)
//   tensors: string name | u32 dims | u64 ne[dims] | u32 type | u64 offset
//   padding to the alignment | tensor data            (string: u64 bytes | bytes)
#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "format/gguf.h"
#include "format/gguf_layout.h"
#include "mascing/error.h"

namespace mascing {

namespace {

constexpr uint64_t kMaxStringBytes = uint64_t{1} << 30U;
constexpr uint64_t kMaxElements = uint64_t{1} << 30U;
constexpr uint64_t kMaxOffset = uint64_t{1} << 62U;

constexpr const char* kNoGguf = "the file is damaged or not a GGUF file; download or copy it again";
constexpr const char* kConvert =
    "give a GGUF file of this model, or make one with convert_hf_to_gguf.py of llama.cpp";

/// What people give for a GGUF file, by its first bytes.
struct OtherFile {
  const char* start;
  const char* what;
  const char* hint;
};

constexpr OtherFile kOtherFiles[] = {
    {"%PDF", "is a PDF file", "check the name: a model's file usually ends in .gguf"},
    {"PK\x03\x04", "is a ZIP archive or a PyTorch checkpoint", kConvert},
    {"version https://git-lfs", "is a Git LFS pointer", "fetch the file itself: git lfs pull"},
    {"<!DOCTYPE", "is an HTML page", "download the file itself; the site may ask for a login"},
    {"<!doctype", "is an HTML page", "download the file itself; the site may ask for a login"},
    {"<html", "is an HTML page", "download the file itself; the site may ask for a login"},
};

/// `bytes` does not begin with GGUF's magic.
OtherFile other_file(std::string_view bytes) {
  for (const OtherFile& other : kOtherFiles) {
    if (bytes.substr(0, std::string_view(other.start).size()) == other.start) {
      return other;
    }
  }
  // safetensors: u64 length of the header | a JSON object
  if (bytes.size() > 9 && bytes.substr(8, 2) == "{\"") {
    return {"", "is a safetensors file", kConvert};
  }
  return {"", "does not begin with the magic \"GGUF\"", kNoGguf};
}

}  // namespace

class GgufParser {
 public:
  explicit GgufParser(GgufFile& out)
      : out_(out), name_(printable(file_name(out.path()))), bytes_(out.file_.size()) {}

  void parse() {
    read_preamble();
    for (uint64_t i = 0; i < n_key_; ++i) {
      read_key();
    }
    out_.metadata_size_ = position_;
    read_alignment();
    for (uint64_t i = 0; i < n_tensor_; ++i) {
      read_tensor_info();
    }
    out_.header_size_ = position_;
    place_tensors();
  }

 private:
  [[noreturn]] void malformed(const std::string& what) const {
    throw Error(ErrorKind::kBadInput, "[gguf] " + name_ + ": " + what, kNoGguf);
  }

  [[noreturn]] void truncated(uint64_t needed, const std::string& at) const {
    throw Error(ErrorKind::kBadInput,
                "[gguf] " + name_ + ": the file is truncated: at least " +
                    std::to_string(needed - bytes_) + " bytes missing (" + at + "), expected " +
                    std::to_string(needed) + ", got " + std::to_string(bytes_),
                "download or copy it again");
  }

  const std::byte* take(uint64_t n, const char* at) {
    if (n > bytes_ - position_) {
      truncated(position_ + n, at);
    }
    const std::byte* start = out_.file_.data() + position_;
    position_ += n;
    return start;
  }

  template <typename T>
  T take_number(const char* at) {
    return load_unaligned<T>(take(sizeof(T), at));
  }

  std::string take_string(const char* at) {
    const auto n = take_number<uint64_t>(at);
    if (n > kMaxStringBytes) {
      malformed(std::string(at) + " of " + std::to_string(n) + " bytes, expected at most 1 GiB");
    }
    return {reinterpret_cast<const char*>(take(n, at)), n};
  }

  void read_preamble() {
    if (bytes_ == 0) {
      malformed("the file is empty, expected a GGUF file");
    }
    if (bytes_ < 4 || std::memcmp(take(4, "magic"), "GGUF", 4) != 0) {
      const OtherFile other = other_file(out_.file_.bytes());
      throw Error(ErrorKind::kBadInput,
                  "[gguf] " + name_ + ": " + other.what + ", expected a GGUF file",
                  other.hint);
    }
    const auto version = take_number<uint32_t>("version");
    if (version != 0 && (version & 0xFFFFU) == 0) {
      throw Error(ErrorKind::kBadInput,
                  "[gguf] " + name_ + ": is a big-endian file",
                  "use the little-endian version of this model");
    }
    if (version != 2 && version != kGgufVersion) {
      throw Error(
          ErrorKind::kBadInput,
          "[gguf] " + name_ + ": format version " + std::to_string(version) + ", expected 2 or 3",
          version > kGgufVersion && version < 100
              ? "the file is newer than this program; update mascing"
              : "the file is damaged or too old; convert or download it again");
    }
    n_tensor_ = take_number<uint64_t>("tensor count");
    n_key_ = take_number<uint64_t>("key count");
  }

  void read_key() {
    const std::string key = take_string("key");
    GgufFile::Value value;
    value.type = take_number<uint32_t>("value type");
    if (value.type == kGgufArray) {
      value.is_array = true;
      value.type = take_number<uint32_t>("array type");
      const auto n = take_number<uint64_t>("array length");
      if (n > kMaxElements) {
        malformed("array \"" + printable(key) + "\" of " + std::to_string(n) + " elements");
      }
      value.n = static_cast<int64_t>(n);
    }
    if (value.type > kGgufFloat64 || value.type == kGgufArray) {
      malformed("key \"" + printable(key) + "\" has unknown type " + std::to_string(value.type));
    }
    const uint64_t begin = position_;
    skip_values(value);
    value.data = out_.file_.data() + begin;
    value.size_bytes = position_ - begin;
    if (!out_.values_.emplace(key, value).second) {
      malformed("key \"" + printable(key) + "\" occurs twice");
    }
  }

  void skip_values(const GgufFile::Value& value) {
    if (value.type != kGgufString) {
      take(value.n * gguf_value_bytes(value.type), "metadata");
      return;
    }
    for (int64_t i = 0; i < value.n; ++i) {
      const auto n = take_number<uint64_t>("metadata");
      if (n > kMaxStringBytes) {
        malformed("a text of " + std::to_string(n) + " bytes, expected at most 1 GiB");
      }
      take(n, "metadata");
    }
  }

  void read_alignment() {
    const std::optional<uint64_t> alignment = out_.get_uint("general.alignment");
    alignment_ = alignment.value_or(kGgufDefaultAlignment);
    if (alignment_ == 0 || (alignment_ & (alignment_ - 1)) != 0 || alignment_ > UINT32_MAX) {
      malformed("general.alignment is " + std::to_string(alignment_) + ", expected a power of two");
    }
  }

  void read_tensor_info() {
    GgufTensor tensor;
    tensor.name = take_string("tensor name");
    const std::string shown = "tensor \"" + printable(tensor.name) + "\"";
    if (tensor.name.size() > kGgufMaxNameBytes) {
      malformed(shown + ": its name has more than 63 bytes");
    }
    const auto n_dim = take_number<uint32_t>("tensor dimensions");
    if (n_dim > kGgufMaxDims) {
      malformed(shown + " has " + std::to_string(n_dim) + " dimensions, expected at most 4");
    }
    for (uint32_t i = 0; i < n_dim; ++i) {
      tensor.dims.push_back(take_number<int64_t>("tensor dimensions"));
    }
    tensor.type = take_number<int32_t>("tensor type");
    tensor.size_bytes = tensor_bytes(tensor, shown);
    const auto offset = take_number<uint64_t>("tensor offset");
    if (offset > kMaxOffset || offset % alignment_ != 0) {
      malformed(shown + " has offset " + std::to_string(offset) + ", expected a multiple of " +
                std::to_string(alignment_));
    }
    if (!out_.tensor_index_.emplace(tensor.name, out_.tensors_.size()).second) {
      malformed(shown + " occurs twice");
    }
    out_.tensors_.push_back(std::move(tensor));
    offsets_.push_back(offset);
  }

  [[nodiscard]] size_t tensor_bytes(const GgufTensor& tensor, const std::string& shown) const {
    if (gguf_row_bytes(tensor.type, 0) < 0) {
      throw Error(ErrorKind::kBadInput,
                  "[gguf] " + name_ + ": " + shown + " has type " + std::to_string(tensor.type) +
                      ", which is unknown",
                  "the file is damaged, or newer than this program; update mascing");
    }
    const int64_t n_row = tensor.dims.empty() ? 1 : tensor.dims[0];
    int64_t size = gguf_row_bytes(tensor.type, n_row);
    if (size < 0) {
      malformed(shown + ": rows of " + std::to_string(n_row) + " values do not fit type " +
                gguf_type_name(tensor.type));
    }
    for (size_t i = 1; i < tensor.dims.size(); ++i) {
      const int64_t n = tensor.dims[i];
      if (n < 0 || (n > 0 && size > static_cast<int64_t>(kMaxOffset) / n)) {
        malformed(shown + ": dimensions too large or negative");
      }
      size *= n;
    }
    return size;
  }

  // Checks all extents against the file, then against each other.
  void place_tensors() {
    const uint64_t start = (position_ + alignment_ - 1) / alignment_ * alignment_;
    out_.data_offset_ = start;
    out_.alignment_ = alignment_;
    uint64_t needed = 0;
    std::string last;
    std::vector<std::pair<uint64_t, uint64_t>> extents;
    for (size_t i = 0; i < out_.tensors_.size(); ++i) {
      const GgufTensor& tensor = out_.tensors_[i];
      const uint64_t end = start + offsets_[i] + tensor.size_bytes;
      if (tensor.size_bytes > 0) {
        extents.emplace_back(start + offsets_[i], end);
      }
      if (end > needed) {
        needed = end;
        last = printable(tensor.name);
      }
    }
    if (needed > bytes_) {
      truncated(needed, "the data of tensor \"" + last + "\"");
    }
    std::sort(extents.begin(), extents.end());
    for (size_t i = 1; i < extents.size(); ++i) {
      if (extents[i].first < extents[i - 1].second) {
        malformed("two tensors overlap at byte " + std::to_string(extents[i].first));
      }
    }
    for (size_t i = 0; i < out_.tensors_.size(); ++i) {
      out_.tensors_[i].data = out_.file_.data() + start + offsets_[i];
    }
  }

  GgufFile& out_;
  std::string name_;
  uint64_t bytes_ = 0;
  uint64_t position_ = 0;
  uint64_t n_tensor_ = 0;
  uint64_t n_key_ = 0;
  uint64_t alignment_ = kGgufDefaultAlignment;
  std::vector<uint64_t> offsets_;
};

GgufFile GgufFile::open(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) {
    throw Error(
        ErrorKind::kBadInput,
        "[gguf] " + printable(path) + ": is a folder, expected a GGUF file",
        "name the .gguf file in it, such as mask.gguf; of a Hugging Face folder, make one with "
        "convert_hf_to_gguf.py of llama.cpp");
  }
  GgufFile file{MappedFile(path)};
  GgufParser(file).parse();
  return file;
}

}  // namespace mascing
