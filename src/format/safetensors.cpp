// Safetensors: u64 header bytes | JSON {"name": {"dtype", "shape", "data_offsets": [begin, end]},
// "__metadata__": {text: text}} padded with spaces to a multiple of 8 | data without gaps.
#include "format/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/text.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing {

namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "numbers are stored as they lie");

constexpr uint64_t kMaxHeaderBytes = 100000000;  // as the reference implementation has it
constexpr int64_t kMaxBytes = int64_t{1} << 62;
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kDamaged =
    "the file is damaged or not a safetensors file; download or copy it again";

struct DtypeInfo {
  const char* name;
  size_t size_bytes;
};

constexpr std::array<DtypeInfo, 18> kDtypes = {{{"BOOL", 1},
                                                {"U8", 1},
                                                {"I8", 1},
                                                {"F8_E5M2", 1},
                                                {"F8_E4M3", 1},
                                                {"F8_E8M0", 1},
                                                {"F8_E5M2FNUZ", 1},
                                                {"F8_E4M3FNUZ", 1},
                                                {"I16", 2},
                                                {"U16", 2},
                                                {"F16", 2},
                                                {"BF16", 2},
                                                {"I32", 4},
                                                {"U32", 4},
                                                {"F32", 4},
                                                {"I64", 8},
                                                {"U64", 8},
                                                {"F64", 8}}};

// Bytes of a tensor, -1 if the dtype is unknown or the product is too large.
int64_t tensor_bytes(const std::string& dtype, const std::vector<int64_t>& shape) {
  auto size = static_cast<int64_t>(safetensors_dtype_bytes(dtype));
  if (size == 0) {
    return -1;
  }
  for (const int64_t n : shape) {
    if (n < 0 || (n > 0 && size > kMaxBytes / n)) {
      return -1;
    }
    size *= n;
  }
  return size;
}

// Reads the header of one file; `where` opens every message.
class HeaderReader {
 public:
  explicit HeaderReader(const MappedFile& file)
      : file_(file), where_("[safetensors] " + printable(file_name(file.path()))) {}

  void read(std::vector<SafetensorsTensor>& tensors, std::map<std::string, std::string>& metadata) {
    const json header = parse_json(header_text(), where_, kDamaged);
    if (!header.is_object()) {
      fail("the header is not a JSON object");
    }
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadataKey) {
        read_metadata(value, metadata);
      } else {
        tensors.push_back(read_tensor(name, value));
      }
    }
    check_extents(tensors);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kBadInput, where_ + ": " + what, kDamaged);
  }

  [[noreturn]] void truncated(uint64_t needed) const {
    throw Error(ErrorKind::kBadInput,
                where_ + ": the file is truncated: " + std::to_string(needed - file_.size()) +
                    " bytes missing, expected " + std::to_string(needed) + ", got " +
                    std::to_string(file_.size()),
                "download or copy it again");
  }

  std::string_view header_text() {
    uint64_t n = 0;
    if (file_.size() < sizeof(n)) {
      truncated(sizeof(n));
    }
    std::memcpy(&n, file_.data(), sizeof(n));
    if (n > kMaxHeaderBytes) {
      fail("header of " + std::to_string(n) + " bytes, expected at most " +
           std::to_string(kMaxHeaderBytes));
    }
    data_begin_ = sizeof(n) + n;
    if (data_begin_ > file_.size()) {
      truncated(data_begin_);
    }
    return file_.bytes().substr(sizeof(n), n);
  }

  void read_metadata(const json& value, std::map<std::string, std::string>& metadata) const {
    if (!value.is_object()) {
      fail("__metadata__ is not a JSON object");
    }
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) {
        fail("__metadata__ \"" + printable(key) + "\" is not a string");
      }
      metadata[key] = text.get<std::string>();
    }
  }

  [[nodiscard]] int64_t read_count(const json& value, const std::string& shown) const {
    const bool fits =
        value.is_number_unsigned() && value.get<uint64_t>() <= static_cast<uint64_t>(kMaxBytes);
    if (!fits) {
      fail(shown + ": expected a non-negative number, got " + printable(value.dump()));
    }
    return value.get<int64_t>();
  }

  [[nodiscard]] SafetensorsTensor read_tensor(const std::string& name, const json& value) const {
    const std::string shown = "tensor \"" + printable(name) + "\"";
    const bool complete = value.is_object() && value.contains("dtype") &&
                          value["dtype"].is_string() && value.contains("shape") &&
                          value["shape"].is_array() && value.contains("data_offsets") &&
                          value["data_offsets"].is_array() && value["data_offsets"].size() == 2;
    if (!complete) {
      fail(shown + ": expected dtype, shape and two data_offsets");
    }
    SafetensorsTensor tensor;
    tensor.name = name;
    tensor.dtype = value["dtype"].get<std::string>();
    for (const json& n : value["shape"]) {
      tensor.shape.push_back(read_count(n, shown));
    }
    const int64_t begin = read_count(value["data_offsets"][0], shown);
    const int64_t end = read_count(value["data_offsets"][1], shown);
    const int64_t size = tensor_bytes(tensor.dtype, tensor.shape);
    if (size < 0) {
      fail(shown + ": unknown dtype \"" + printable(tensor.dtype) + "\" or shape too large");
    }
    if (end < begin || end - begin != size) {
      fail(shown + ": data_offsets span " + std::to_string(end - begin) + " bytes, expected " +
           std::to_string(size));
    }
    const uint64_t needed = data_begin_ + end;
    if (needed > file_.size()) {
      truncated(needed);
    }
    tensor.data = file_.data() + data_begin_ + begin;
    tensor.size_bytes = size;
    return tensor;
  }

  void check_extents(const std::vector<SafetensorsTensor>& tensors) const {
    std::vector<std::pair<uint64_t, uint64_t>> extents;
    for (const SafetensorsTensor& tensor : tensors) {
      const uint64_t begin = tensor.data - file_.data();
      extents.emplace_back(begin, begin + tensor.size_bytes);
    }
    std::sort(extents.begin(), extents.end());
    uint64_t position = data_begin_;
    for (const auto& [begin, end] : extents) {
      if (begin != position) {
        fail("tensors overlap or leave a gap at byte " + std::to_string(position));
      }
      position = end;
    }
    if (position != file_.size()) {
      fail(std::to_string(file_.size() - position) + " bytes after the last tensor");
    }
  }

  const MappedFile& file_;
  std::string where_;
  uint64_t data_begin_ = 0;
};

void check_entry(const std::string& path, const SafetensorsEntry& entry) {
  const int64_t size = tensor_bytes(entry.dtype, entry.shape);
  if (size < 0 || static_cast<size_t>(size) != entry.size_bytes) {
    throw Error(ErrorKind::kUsage,
                "[safetensors] " + path + ": tensor \"" + entry.name +
                    "\": " + std::to_string(entry.size_bytes) + " bytes do not fit its dtype " +
                    entry.dtype + " and shape");
  }
}

std::string header_bytes(const std::string& path,
                         const std::vector<const SafetensorsEntry*>& order,
                         const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) {
    header[kMetadataKey] = metadata;
  }
  uint64_t position = 0;
  for (const SafetensorsEntry* entry : order) {
    check_entry(path, *entry);
    if (header.contains(entry->name)) {
      throw Error(ErrorKind::kUsage,
                  "[safetensors] " + path + ": tensor \"" + entry->name + "\" is given twice");
    }
    header[entry->name] = {{"dtype", entry->dtype},
                           {"shape", entry->shape},
                           {"data_offsets", {position, position + entry->size_bytes}}};
    position += entry->size_bytes;
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

size_t safetensors_dtype_bytes(const std::string& dtype) {
  for (const DtypeInfo& info : kDtypes) {
    if (dtype == info.name) {
      return info.size_bytes;
    }
  }
  return 0;
}

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  SafetensorsFile file{MappedFile(path)};
  HeaderReader(file.file_).read(file.tensors_, file.metadata_);
  return file;
}

const SafetensorsTensor* SafetensorsFile::find(const std::string& name) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name, [](const SafetensorsTensor& t, const std::string& n) {
        return t.name < n;
      });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

void write_safetensors(const std::string& path,
                       const std::vector<SafetensorsEntry>& entries,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const SafetensorsEntry*> order;
  order.reserve(entries.size());
  for (const SafetensorsEntry& entry : entries) {
    order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(), [](const SafetensorsEntry* a, const SafetensorsEntry* b) {
    const size_t size_a = safetensors_dtype_bytes(a->dtype);
    const size_t size_b = safetensors_dtype_bytes(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });
  const std::string header = header_bytes(path, order, metadata);
  const uint64_t n_header = header.size();
  AtomicFile file(path);
  file.write(&n_header, sizeof(n_header));
  file.write(header);
  for (const SafetensorsEntry* entry : order) {
    file.write(entry->data, entry->size_bytes);
  }
  file.commit();
}

}  // namespace mascing
