// Typed access to the metadata of a GGUF file, decoded from the mapping on demand.
#include <limits>

#include "base/files.h"
#include "base/text.h"
#include "format/gguf.h"
#include "format/gguf_layout.h"
#include "mascing/error.h"

namespace mascing {

namespace {

bool is_integer(uint32_t type) {
  return type != kGgufFloat32 && type != kGgufFloat64 && type != kGgufString && type != kGgufArray;
}

bool is_float(uint32_t type) {
  return type == kGgufFloat32 || type == kGgufFloat64;
}

// Nothing if a u64 does not fit.
std::optional<int64_t> load_int(uint32_t type, const std::byte* data) {
  switch (type) {
    case kGgufUint8:
      return load_unaligned<uint8_t>(data);
    case kGgufInt8:
      return load_unaligned<int8_t>(data);
    case kGgufUint16:
      return load_unaligned<uint16_t>(data);
    case kGgufInt16:
      return load_unaligned<int16_t>(data);
    case kGgufUint32:
      return load_unaligned<uint32_t>(data);
    case kGgufInt32:
      return load_unaligned<int32_t>(data);
    case kGgufInt64:
      return load_unaligned<int64_t>(data);
    case kGgufBool:
      return load_unaligned<uint8_t>(data) != 0 ? 1 : 0;
    default:
      break;
  }
  const auto large = load_unaligned<uint64_t>(data);
  if (large > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  return static_cast<int64_t>(large);
}

double load_float(uint32_t type, const std::byte* data) {
  return type == kGgufFloat32 ? double{load_unaligned<float>(data)} : load_unaligned<double>(data);
}

// The parser has walked the same lengths, so they are known to lie inside.
std::string take_string(const std::byte*& data) {
  const auto n = load_unaligned<uint64_t>(data);
  std::string text(reinterpret_cast<const char*>(data) + sizeof(n), n);
  data += sizeof(n) + n;
  return text;
}

std::string kind_of(const GgufFile::Value& value) {
  const std::string one = is_integer(value.type) ? "integer"
                          : is_float(value.type) ? "float"
                                                 : "text";
  return value.is_array ? "array of " + one : one;
}

}  // namespace

const GgufFile::Value* GgufFile::find(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void GgufFile::wrong_kind(const std::string& key, const Value& value, const char* wanted) const {
  throw Error(ErrorKind::kBadInput,
              "[gguf] " + printable(file_name(path())) + ": key \"" + printable(key) +
                  "\" is of type " + kind_of(value) + ", expected " + wanted,
              "the file was written by another program or is damaged");
}

bool GgufFile::has(const std::string& key) const {
  return find(key) != nullptr;
}

bool GgufFile::is_array(const std::string& key) const {
  const Value* value = find(key);
  return value != nullptr && value->is_array;
}

std::optional<int64_t> GgufFile::get_int(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->is_array || !is_integer(value->type)) {
    wrong_kind(key, *value, "integer");
  }
  const std::optional<int64_t> number = load_int(value->type, value->data);
  if (!number) {
    wrong_kind(key, *value, "integer below 2^63");
  }
  return number;
}

std::optional<uint64_t> GgufFile::get_uint(const std::string& key) const {
  const Value* value = find(key);
  if (value != nullptr && !value->is_array && value->type == kGgufUint64) {
    return load_unaligned<uint64_t>(value->data);
  }
  const std::optional<int64_t> number = get_int(key);
  if (!number || value == nullptr) {
    return std::nullopt;
  }
  if (*number < 0) {
    wrong_kind(key, *value, "non-negative integer");
  }
  return *number;
}

std::optional<double> GgufFile::get_float(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->is_array || !is_float(value->type)) {
    wrong_kind(key, *value, "float");
  }
  return load_float(value->type, value->data);
}

std::optional<std::string> GgufFile::get_string(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->is_array || value->type != kGgufString) {
    wrong_kind(key, *value, "text");
  }
  const std::byte* data = value->data;
  return take_string(data);
}

std::optional<std::vector<int64_t>> GgufFile::get_int_array(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_array || !is_integer(value->type)) {
    wrong_kind(key, *value, "array of integers");
  }
  const size_t step = gguf_value_bytes(value->type);
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < value->n; ++i) {
    const std::optional<int64_t> number = load_int(value->type, value->data + i * step);
    if (!number) {
      wrong_kind(key, *value, "array of integers below 2^63");
    }
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<std::vector<double>> GgufFile::get_float_array(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_array || !is_float(value->type)) {
    wrong_kind(key, *value, "array of floats");
  }
  const size_t step = gguf_value_bytes(value->type);
  std::vector<double> numbers;
  for (int64_t i = 0; i < value->n; ++i) {
    numbers.push_back(load_float(value->type, value->data + i * step));
  }
  return numbers;
}

std::optional<std::vector<std::string>> GgufFile::get_string_array(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_array || value->type != kGgufString) {
    wrong_kind(key, *value, "array of texts");
  }
  const std::byte* data = value->data;
  std::vector<std::string> texts;
  for (int64_t i = 0; i < value->n; ++i) {
    texts.push_back(take_string(data));
  }
  return texts;
}

std::optional<int64_t> GgufFile::get_array_size(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_array) {
    wrong_kind(key, *value, "array");
  }
  return value->n;
}

std::vector<std::string> GgufFile::keys() const {
  std::vector<std::string> names;
  for (const auto& [key, value] : values_) {
    names.push_back(key);
  }
  return names;
}

const GgufTensor* GgufFile::find_tensor(const std::string& name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

std::string_view GgufFile::metadata_bytes() const {
  return file_.bytes().substr(0, metadata_size_);
}

std::string_view GgufFile::header_bytes() const {
  return file_.bytes().substr(0, header_size_);
}

}  // namespace mascing
