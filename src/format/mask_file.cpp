// The mask in GGUF:
//   general.type = "mascing.mask", mascing.format_version = 1, one key "mascing.<field>" for each
//   field of Mask, metrics as mascing.metric_names and mascing.metric_values of equal length,
//   tensors steer {E, L} and sigma {L}, both F32; mascing.checksum = SHA-256 of all of these (masks
//   of earlier versions have none); mascing.router_sketch = one text a router tensor, and
//   mascing.router_sketch_checksum = SHA-256 of them; mascing.conversations = their hashes, and
//   mascing.conversations_checksum (masks of earlier versions have none of the four).
// A mask of parts has mascing.format_version = 2, which earlier versions refuse, mascing.part_rules
// and a tensor steer.<rule> {E, L} for each of them. A mask with an adapter has format version 3
// and tensors adapter.down {D, R, L} and adapter.up {E, R, L}.
#include "mascing/mask_file.h"

#include <cstring>
#include <utility>

#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "base/text.h"
#include "format/gguf.h"
#include "format/router_fingerprint.h"
#include "mascing/error.h"

namespace mascing {

namespace {

constexpr const char* kMaskType = "mascing.mask";
constexpr const char* kChecksumKey = "mascing.checksum";
constexpr const char* kSketchKey = "mascing.router_sketch";
constexpr const char* kSketchChecksumKey = "mascing.router_sketch_checksum";
constexpr const char* kConversationsKey = "mascing.conversations";
constexpr const char* kConversationsChecksumKey = "mascing.conversations_checksum";
constexpr const char* kPartRulesKey = "mascing.part_rules";
constexpr uint32_t kPlainVersion = 1;
constexpr uint32_t kPartsVersion = 2;
constexpr uint32_t kAdapterVersion = 3;
constexpr const char* kDownTensor = "adapter.down";
constexpr const char* kUpTensor = "adapter.up";
constexpr int64_t kMaxCount = int64_t{1} << 30;
constexpr size_t kMaxParts = 2;  // one for each sigma rule but the mask's own

// Texts of a mask and their keys, for both directions.
constexpr std::pair<const char*, std::string Mask::*> kMaskTexts[] = {
    {"mascing.architecture", &Mask::architecture},
    {"mascing.fingerprint", &Mask::fingerprint},
    {"mascing.model_name", &Mask::model_name},
    {"mascing.scenario", &Mask::scenario},
    {"mascing.direction", &Mask::direction},
    {"mascing.method", &Mask::method},
    {"mascing.data_hash", &Mask::data_hash},
    {"mascing.tool_version", &Mask::tool_version}};

constexpr std::pair<const char*, float Mask::*> kNumbers[] = {
    {"mascing.alpha", &Mask::alpha},
    {"mascing.lambda", &Mask::lambda},
    {"mascing.threshold", &Mask::threshold}};

constexpr std::pair<const char*, int64_t Mask::*> kMaskCounts[] = {
    {"mascing.n_layer", &Mask::n_layer},
    {"mascing.n_expert", &Mask::n_expert},
    {"mascing.n_expert_used", &Mask::n_expert_used}};

std::string mask_path(const GgufFile& file) {
  return "[mask] " + printable(file_name(file.path()));
}

template <typename T>
T required(const GgufFile& file, const char* key, std::optional<T> value) {
  if (!value) {
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": key \"" + key + "\" is missing",
                "the mask is damaged; copy or make it again");
  }
  return *std::move(value);
}

void refuse_other_kinds(const GgufFile& file) {
  const std::string type = file.get_string("general.type").value_or("");
  if (type != kMaskType) {
    const std::string kind = type == "adapter"                  ? "an adapter (LoRA)"
                             : file.has("general.architecture") ? "a model"
                                                                : "another kind of GGUF file";
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": is " + kind + ", expected a mask",
                "use the mask.gguf from `mascing run` or `mascing steer`; pass a model "
                "with -m");
  }
  const int64_t version =
      required(file, "mascing.format_version", file.get_int("mascing.format_version"));
  if (version < kPlainVersion || version > kAdapterVersion) {
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": mask format version " + std::to_string(version) +
                    ", expected " + std::to_string(kPlainVersion) + " to " +
                    std::to_string(kAdapterVersion),
                version > kAdapterVersion ? "the mask was made by a newer mascing; update this one"
                                          : "the mask is damaged; make it again");
  }
}

std::vector<float> read_tensor(const GgufFile& file,
                               const char* name,
                               const std::vector<int64_t>& dims) {
  const GgufTensor* tensor = file.find_tensor(name);
  if (tensor == nullptr || tensor->type != kGgufF32 || tensor->dims != dims) {
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": tensor \"" + name + "\" is missing or does not match " +
                    std::to_string(dims.back()) + " layers",
                "the mask is damaged; copy or make it again");
  }
  std::vector<float> values(tensor->size_bytes / sizeof(float));
  std::memcpy(values.data(), tensor->data, tensor->size_bytes);
  return values;
}

std::map<std::string, double> read_metrics(const GgufFile& file) {
  const std::vector<std::string> names =
      required(file, "mascing.metric_names", file.get_string_array("mascing.metric_names"));
  const std::vector<double> values =
      required(file, "mascing.metric_values", file.get_float_array("mascing.metric_values"));
  if (names.size() != values.size()) {
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": " + std::to_string(names.size()) + " metric names, but " +
                    std::to_string(values.size()) + " values");
  }
  std::map<std::string, double> metrics;
  for (size_t i = 0; i < names.size(); ++i) {
    metrics[names[i]] = values[i];
  }
  return metrics;
}

template <typename T>
void add_values(Sha256& digest, const std::vector<T>& values) {
  digest.update(std::to_string(values.size()) + "\n");
  digest.update(values.data(), values.size() * sizeof(T));
}

void add_text(Sha256& digest, const std::string& text) {
  digest.update(std::to_string(text.size()) + "\n" + text);
}

std::string checksum_of(const Mask& mask) {
  Sha256 digest;
  for (const auto& [key, field] : kMaskTexts) {
    add_text(digest, mask.*field);
  }
  for (const auto& [key, field] : kNumbers) {
    digest.update(&(mask.*field), sizeof(float));
  }
  for (const auto& [key, field] : kMaskCounts) {
    add_text(digest, std::to_string(mask.*field));
  }
  add_text(digest, std::to_string(mask.seed));
  add_text(digest, to_string(mask.sigma_rule));
  add_values(digest, mask.blocks);
  for (const auto& [name, value] : mask.metrics) {
    add_text(digest, name);
    digest.update(&value, sizeof(value));
  }
  add_values(digest, mask.steer);
  add_values(digest, mask.sigma);
  for (const MaskPart& part : mask.parts) {
    add_text(digest, to_string(part.sigma_rule));
    add_values(digest, part.steer);
  }
  if (mask.has_adapter()) {
    add_values(digest, mask.adapter.down->values());
    add_values(digest, mask.adapter.up);
  }
  return digest.hex();
}

void require_intact(const GgufFile& file, const Mask& mask) {
  const std::optional<std::string> stated = file.get_string(kChecksumKey);
  if (stated && *stated != checksum_of(mask)) {
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": its content does not match its checksum",
                "the mask is damaged; copy or make it again");
  }
}

std::string lines_checksum(const std::vector<std::string>& lines) {
  Sha256 digest;
  for (const std::string& line : lines) {
    add_text(digest, line);
  }
  return digest.hex();
}

/// Lines with a checksum of their own; empty if there are none.
std::vector<std::string> read_lines(const GgufFile& file,
                                    const char* key,
                                    const char* checksum_key,
                                    const char* what) {
  if (!file.has(key) && !file.has(checksum_key)) {
    return {};
  }
  auto lines = file.get_string_array(key).value_or(std::vector<std::string>());
  if (lines.empty() || file.get_string(checksum_key) != lines_checksum(lines)) {
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": the " + what + " is damaged",
                "copy or make the mask again");
  }
  return lines;
}

void put_lines(GgufWriter& writer,
               const char* key,
               const char* checksum_key,
               const std::vector<std::string>& lines) {
  if (!lines.empty()) {
    writer.set_string_array(key, lines);
    writer.set_string(checksum_key, lines_checksum(lines));
  }
}

RouterSketch read_sketch(const GgufFile& file) {
  const char* const what = "sketch of its model's routers";
  const std::vector<std::string> lines = read_lines(file, kSketchKey, kSketchChecksumKey, what);
  RouterSketch sketch = sketch_from_lines(lines);
  if (sketch.empty() != lines.empty()) {
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": the " + what + " is damaged",
                "copy or make the mask again");
  }
  return sketch;
}

SigmaRule read_sigma_rule(const GgufFile& file, const std::string& text) {
  try {
    return parse_sigma_rule(text);
  } catch (const Error& failure) {
    throw Error(ErrorKind::kBadInput, mask_path(file) + ": " + failure.what());
  }
}

std::vector<MaskPart> read_parts(const GgufFile& file, const Mask& mask) {
  std::vector<MaskPart> parts;
  const std::optional<int64_t> version = file.get_int("mascing.format_version");
  if (version == kPlainVersion || (version == kAdapterVersion && !file.has(kPartRulesKey))) {
    return parts;
  }
  const std::vector<std::string> rules =
      required(file, kPartRulesKey, file.get_string_array(kPartRulesKey));
  if (rules.size() > kMaxParts) {  // each of them is a copy of a tensor
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": " + std::to_string(rules.size()) +
                    " parts, expected at most " + std::to_string(kMaxParts),
                "the mask is damaged; copy or make it again");
  }
  for (const std::string& rule : rules) {
    const std::string name = std::string("steer.") + to_string(read_sigma_rule(file, rule));
    parts.push_back({read_sigma_rule(file, rule),
                     read_tensor(file, name.c_str(), {mask.n_expert, mask.n_layer})});
  }
  return parts;
}

/// None in files of earlier versions. Its rank and width are those of the first tensor.
RouterAdapter read_mask_adapter(const GgufFile& file, const Mask& mask) {
  RouterAdapter adapter;
  if (file.get_int("mascing.format_version") != kAdapterVersion) {
    return adapter;
  }
  const GgufTensor* down = file.find_tensor(kDownTensor);
  if (down != nullptr && down->dims.size() == 3) {
    adapter.n_embd = down->dims[0];
    adapter.rank = down->dims[1];
  }
  adapter.down = std::make_shared<const AdapterDown>(
      read_tensor(file, kDownTensor, {adapter.n_embd, adapter.rank, mask.n_layer}));
  adapter.up = read_tensor(file, kUpTensor, {mask.n_expert, adapter.rank, mask.n_layer});
  if (adapter.rank < 1) {
    throw Error(ErrorKind::kBadInput,
                mask_path(file) + ": an adapter of rank 0",
                "the mask is damaged; copy or make it again");
  }
  return adapter;
}

void put_adapter(GgufWriter& writer, const Mask& mask) {
  const RouterAdapter& adapter = mask.adapter;
  if (mask.has_adapter()) {
    writer.add_tensor_f32(
        kDownTensor, {adapter.n_embd, adapter.rank, mask.n_layer}, adapter.down->data());
    writer.add_tensor_f32(
        kUpTensor, {mask.n_expert, adapter.rank, mask.n_layer}, adapter.up.data());
  }
}

uint32_t version_of(const Mask& mask) {
  return mask.has_adapter() ? kAdapterVersion : mask.parts.empty() ? kPlainVersion : kPartsVersion;
}

void put_parts(GgufWriter& writer, const Mask& mask) {
  std::vector<std::string> rules;
  for (const MaskPart& part : mask.parts) {
    rules.emplace_back(to_string(part.sigma_rule));
    writer.add_tensor_f32(
        "steer." + rules.back(), {mask.n_expert, mask.n_layer}, part.steer.data());
  }
  if (!rules.empty()) {
    writer.set_string_array(kPartRulesKey, rules);
  }
}

}  // namespace

void write_mask(const std::string& path, const Mask& mask) {
  mask.validate();
  GgufWriter writer;
  writer.set_string("general.type", kMaskType);
  writer.set_uint32("mascing.format_version", version_of(mask));
  for (const auto& [key, field] : kMaskTexts) {
    writer.set_string(key, mask.*field);
  }
  for (const auto& [key, field] : kNumbers) {
    writer.set_float(key, mask.*field);
  }
  for (const auto& [key, field] : kMaskCounts) {
    writer.set_int(key, mask.*field);
  }
  writer.set_string(kChecksumKey, checksum_of(mask));
  writer.set_uint64("mascing.seed", mask.seed);
  writer.set_string("mascing.sigma_rule", to_string(mask.sigma_rule));
  writer.set_int_array("mascing.blocks", mask.blocks);
  std::vector<std::string> names;
  std::vector<double> values;
  for (const auto& [name, value] : mask.metrics) {
    names.push_back(name);
    values.push_back(value);
  }
  writer.set_string_array("mascing.metric_names", names);
  writer.set_float_array("mascing.metric_values", values);
  writer.add_tensor_f32("steer", {mask.n_expert, mask.n_layer}, mask.steer.data());
  writer.add_tensor_f32("sigma", {mask.n_layer}, mask.sigma.data());
  put_parts(writer, mask);
  put_adapter(writer, mask);
  put_lines(writer, kSketchKey, kSketchChecksumKey, sketch_lines(mask.routers));
  put_lines(writer, kConversationsKey, kConversationsChecksumKey, mask.conversations);
  writer.write(path);
}

Mask read_mask(const std::string& path) {
  const GgufFile file = GgufFile::open(path);
  refuse_other_kinds(file);
  Mask mask;
  for (const auto& [key, field] : kMaskTexts) {
    mask.*field = required(file, key, file.get_string(key));
  }
  for (const auto& [key, field] : kNumbers) {
    mask.*field = to_float(required(file, key, file.get_float(key)));
  }
  for (const auto& [key, field] : kMaskCounts) {
    mask.*field = required(file, key, file.get_int(key));
    if (mask.*field < 0 || mask.*field > kMaxCount) {
      throw Error(ErrorKind::kBadInput,
                  mask_path(file) + ": " + key + " is " + std::to_string(mask.*field));
    }
  }
  mask.seed = required(file, "mascing.seed", file.get_uint("mascing.seed"));
  mask.sigma_rule = read_sigma_rule(
      file, required(file, "mascing.sigma_rule", file.get_string("mascing.sigma_rule")));
  mask.blocks = required(file, "mascing.blocks", file.get_int_array("mascing.blocks"));
  mask.metrics = read_metrics(file);
  mask.steer = read_tensor(file, "steer", {mask.n_expert, mask.n_layer});
  mask.sigma = read_tensor(file, "sigma", {mask.n_layer});
  mask.parts = read_parts(file, mask);
  mask.adapter = read_mask_adapter(file, mask);
  mask.routers = read_sketch(file);
  mask.conversations =
      read_lines(file, kConversationsKey, kConversationsChecksumKey, "list of its conversations");
  require_intact(file, mask);
  mask.validate();
  return mask;
}

}  // namespace mascing
