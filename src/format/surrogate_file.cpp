// The surrogate's flat vector as one tensor; its shape and kind as metadata texts.
#include "mascing/surrogate_file.h"

#include <array>
#include <charconv>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "base/files.h"
#include "base/sha256.h"
#include "base/text.h"
#include "format/safetensors.h"
#include "mascing/error.h"

namespace mascing {

namespace {

constexpr const char* kTensor = "values";
constexpr const char* kChecksum = "checksum";
constexpr const char* kConversations = "conversations";  // not in those of earlier versions
constexpr std::string_view kPrefix = "mascing.surrogate.";
constexpr int64_t kMaxSize = int64_t{1} << 20;  // of one axis: keeps products within 64 bits

constexpr std::array<std::pair<const char*, int64_t SurrogateShape::*>, 4> kAxes = {
    {{"n_layer", &SurrogateShape::n_layer},
     {"n_expert", &SurrogateShape::n_expert},
     {"n_proj", &SurrogateShape::n_proj},
     {"n_hidden", &SurrogateShape::n_hidden}}};

std::string key_of(const char* axis) {
  return std::string(kPrefix) + axis;
}

// Layer norm (gain, bias), projection, LSTM (input, recurrent, two biases), linear head; -1 if an
// axis is out of range.
int64_t parameter_count(const SurrogateShape& shape) {
  for (const auto& [name, field] : kAxes) {
    if (shape.*field <= 0 || shape.*field > kMaxSize) {
      return -1;
    }
  }
  const int64_t e = shape.n_expert;
  const int64_t p = shape.n_proj;
  const int64_t h = shape.n_hidden;
  if (shape.n_layer * p > kMaxSize) {
    return -1;
  }
  return 2 * e + p * e + p + 4 * h * (shape.n_layer * p) + 4 * h * h + 8 * h + h + 1;
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::kBadInput,
              "[surrogate] " + printable(file_name(path)) + ": " + what,
              "use a surrogate.safetensors from `mascing train`, or train again");
}

int64_t take_axis(const std::string& path,
                  std::map<std::string, std::string>& metadata,
                  const char* axis) {
  const auto found = metadata.find(key_of(axis));
  if (found == metadata.end()) {
    refuse(path, "is not a surrogate, metadata \"" + key_of(axis) + "\" is missing");
  }
  const std::string text = found->second;
  metadata.erase(found);
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || stop != end) {
    refuse(path, key_of(axis) + " is \"" + printable(text) + "\", expected a number");
  }
  return value;
}

/// Of the values and all metadata but itself.
std::string checksum_of(const std::vector<float>& values,
                        const std::map<std::string, std::string>& metadata) {
  Sha256 digest;
  for (const auto& [key, text] : metadata) {
    digest.update(std::to_string(key.size()) + " " + std::to_string(text.size()) + "\n");
    digest.update(key);
    digest.update(text);
  }
  digest.update(values.data(), values.size() * sizeof(float));
  return digest.hex();
}

/// Out of the metadata; surrogates of earlier versions have none.
std::optional<std::string> take_checksum(std::map<std::string, std::string>& metadata) {
  const auto stated = metadata.extract(key_of(kChecksum));
  return stated.empty() ? std::nullopt : std::optional(stated.mapped());
}

std::string joined_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

std::vector<std::string> take_conversations(std::map<std::string, std::string>& metadata) {
  const auto stated = metadata.extract(key_of(kConversations));
  std::istringstream text(stated.empty() ? "" : stated.mapped());
  return {std::istream_iterator<std::string>(text), {}};
}

}  // namespace

void write_surrogate(const std::string& path,
                     const Surrogate& surrogate,
                     const std::map<std::string, std::string>& metadata) {
  const int64_t n = std::ssize(surrogate.values);
  if (n != parameter_count(surrogate.shape)) {
    throw Error(ErrorKind::kUsage,
                "[surrogate] " + std::to_string(n) + " values do not match the shape, expected " +
                    std::to_string(parameter_count(surrogate.shape)));
  }
  std::map<std::string, std::string> all = metadata;
  for (const auto& [name, field] : kAxes) {
    all[key_of(name)] = std::to_string(surrogate.shape.*field);
  }
  if (!surrogate.conversations.empty()) {
    all[key_of(kConversations)] = joined_words(surrogate.conversations);
  }
  all[key_of(kChecksum)] = checksum_of(surrogate.values, all);
  const SafetensorsEntry entry{.name = kTensor,
                               .dtype = "F32",
                               .shape = {n},
                               .data = surrogate.values.data(),
                               .size_bytes = surrogate.values.size() * sizeof(float)};
  write_safetensors(path, {entry}, all);
}

Surrogate read_surrogate(const std::string& path, std::map<std::string, std::string>* metadata) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::map<std::string, std::string> rest = file.metadata();
  const std::optional<std::string> stated = take_checksum(rest);
  const std::map<std::string, std::string> all = rest;
  Surrogate surrogate;
  for (const auto& [name, field] : kAxes) {
    surrogate.shape.*field = take_axis(path, rest, name);
  }
  surrogate.conversations = take_conversations(rest);
  const int64_t n = parameter_count(surrogate.shape);
  const SafetensorsTensor* tensor = file.find(kTensor);
  if (n < 0 || tensor == nullptr || tensor->dtype != "F32" ||
      tensor->shape != std::vector<int64_t>{n}) {
    refuse(path,
           "tensor \"values\" does not match the shape, expected " + std::to_string(n) +
               " F32 numbers");
  }
  surrogate.values.resize(n);
  std::memcpy(surrogate.values.data(), tensor->data, tensor->size_bytes);
  if (stated && *stated != checksum_of(surrogate.values, all)) {
    refuse(path, "is damaged: its content does not match its checksum");
  }
  if (metadata != nullptr) {
    *metadata = std::move(rest);
  }
  return surrogate;
}

}  // namespace mascing
