// {"looks": [{"model", "rows": [hash of a conversation], "masks": [hash]}], "sum"}: a look for
// every set of conversations that masks were evaluated on.
#include "run/holdout_record.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "mascing/error.h"
#include "measure/own_json.h"
#include "run/json_word.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kLooks = "looks";
constexpr const char* kMasks = "masks";
constexpr const char* kDamaged = ".damaged";

std::string hash_of(const Mask& mask) {
  Sha256 digest;
  digest.update(mask.steer.data(), mask.steer.size() * sizeof(float));
  if (mask.has_adapter()) {
    digest.update(mask.adapter.hash());
  }
  digest.update(&mask.alpha, sizeof mask.alpha);
  if (!mask.parts.empty()) {  // records of earlier versions know masks of one part by the above
    digest.update(to_string(mask.sigma_rule));
    digest.update(mask.sigma.data(), mask.sigma.size() * sizeof(float));
  }
  for (const MaskPart& part : mask.parts) {
    digest.update(part.steer.data(), part.steer.size() * sizeof(float));
    digest.update(to_string(part.sigma_rule));
  }
  return digest.hex();
}

std::vector<std::string> sorted(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  return words;
}

/// The strings of a list; those that are none are left out.
std::vector<std::string> words_in(const json& object, const char* name) {
  std::vector<std::string> words;
  const json list = object.is_object() ? object.value(name, json::array()) : json::array();
  for (const json& word : list) {
    if (word.is_string()) {
      words.push_back(word.get<std::string>());
    }
  }
  return words;
}

/// Records of earlier versions have one look, at the data of a hash.
std::optional<json> look_of_earlier_version(const json& record) {
  auto masks = words_in(record, kMasks);
  const std::string mask = word_in(record, "mask");
  if (masks.empty()) {
    masks.push_back(mask);
  }
  std::string text = word_in(record, "data");
  for (const std::string& one : masks) {
    text += " " + one;
  }
  const std::string sum = word_in(record, "sum");
  const bool is_intact =
      mask.size() == sha256_hex("").size() && (sum.empty() || sum == sha256_hex(text));
  return is_intact ? std::optional<json>(
                         json::array({{{"data", word_in(record, "data")}, {kMasks, masks}}}))
                   : std::nullopt;
}

/// The record of a folder; an empty list of looks if there is none, nothing if it is damaged.
std::optional<json> read_looks(const std::string& path) {
  if (!file_exists(path)) {
    return json::array();
  }
  const json record = parse_own_json(read_text_file(path));
  if (record.is_object() && record.contains("mask")) {
    return look_of_earlier_version(record);
  }
  const bool has_looks = record.is_object() && record.contains(kLooks) && record[kLooks].is_array();
  if (!has_looks || word_in(record, "sum") != sha256_hex(record[kLooks].dump())) {
    return std::nullopt;
  }
  return record[kLooks];
}

bool share_one(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& word) {
    return std::binary_search(b.begin(), b.end(), word);
  });
}

}  // namespace

HoldoutRecord::HoldoutRecord(const Dataset& data, const ModelInfo& info, const RunOptions& options)
    : path_(options.output + "/tested.json"),
      model_(info.identity),
      rows_(sorted(hashes_of(data.target(), Split::kTest))),
      data_(sha256_hex(data.hash + info.identity)) {}

std::optional<std::vector<std::string>> HoldoutRecord::masks() const {
  const auto looks = read_looks(path_);
  if (!looks) {
    return std::nullopt;
  }
  std::vector<std::string> masks;
  for (const json& look : *looks) {
    const bool is_here =
        word_in(look, "data") == data_ ||
        (word_in(look, "model") == model_ && share_one(words_in(look, "rows"), rows_));
    for (const std::string& mask : is_here ? words_in(look, kMasks) : std::vector<std::string>()) {
      if (std::find(masks.begin(), masks.end(), mask) == masks.end()) {
        masks.push_back(mask);
      }
    }
  }
  return masks;
}

bool HoldoutRecord::has(const Mask& mask) const {
  const auto known = masks();
  return known && std::find(known->begin(), known->end(), hash_of(mask)) != known->end();
}

void HoldoutRecord::require_first(const Mask& mask) const {
  const auto known = masks();
  const bool was_damaged = file_exists(path_ + kDamaged) && !has(mask);
  if (!known || was_damaged) {
    throw Error(ErrorKind::kBadInput,
                "[search] " + path_ + (was_damaged ? kDamaged : "") +
                    " is damaged: it said which mask was tested on this data",
                "use new test conversations, or remove the file if no mask was tested");
  }
  if (!known->empty() && !has(mask)) {
    throw Error(ErrorKind::kUsage,
                "[search] another mask was already evaluated on test conversations of this split",
                "testing a second mask would be selection on the test split; use new test "
                "conversations, or keep the first choice");
  }
}

void HoldoutRecord::take(const Mask& mask) const {
  auto known = read_looks(path_);
  if (!known) {
    rename_damaged();
    known = json::array();
  }
  json& looks = *known;
  const auto same = std::find_if(looks.begin(), looks.end(), [&](const json& look) {
    return word_in(look, "model") == model_ && words_in(look, "rows") == rows_;
  });
  if (same == looks.end()) {
    looks.push_back({{"model", model_}, {"rows", rows_}, {kMasks, {hash_of(mask)}}});
  } else {
    const std::vector<std::string> masks = words_in(*same, kMasks);
    if (std::find(masks.begin(), masks.end(), hash_of(mask)) != masks.end()) {
      return;
    }
    (*same)[kMasks].push_back(hash_of(mask));
  }
  const json record = {{kLooks, looks}, {"sum", sha256_hex(looks.dump())}};
  write_file_atomically(path_, record.dump() + "\n");
}

/// What it said is not known; it stays, for a person to read.
void HoldoutRecord::rename_damaged() const {
  std::error_code failure;
  std::filesystem::rename(path_, path_ + kDamaged, failure);
  if (failure) {
    throw Error(ErrorKind::kSystem,
                "[run] cannot rename " + path_ + ", which is damaged: " + failure.message(),
                "make the folder writable, or give another one: -o another/");
  }
}

std::vector<Warning> HoldoutRecord::warnings() const {
  std::vector<Warning> warnings;
  if (file_exists(path_ + kDamaged)) {
    warnings.push_back(
        {"test_record_damaged",
         "tested.json, which says what masks were evaluated on these test conversations, was "
         "damaged; it is kept as tested.json" +
             std::string(kDamaged) + ", and a new one was begun",
         "if another mask was evaluated in this folder, the figures are no longer quite unseen; "
         "remove the damaged file once you know"});
  }
  const size_t n = masks().value_or(std::vector<std::string>()).size();
  if (n > 1) {
    warnings.push_back(
        {"test_split_reused",
         std::to_string(n) + " masks or strengths of this folder were evaluated on the same test "
                             "conversations, so its figures are no longer quite unseen",
         "say so where you report them; to choose among masks or strengths, use mascing search, "
         "and measure the choice on new conversations"});
  }
  return warnings;
}

void HoldoutRecord::take_if_agreed(const Mask& mask,
                                   const CandidateResult& trial,
                                   const AgreesToTest& agrees) const {
  if (agrees && !has(mask) && !agrees(trial)) {
    throw Error(ErrorKind::kInterrupted,
                "[run] ended before the test, as you answered",
                "the search is saved: run the same command again to test its mask, or mascing "
                "search to choose another one");
  }
  take(mask);
}

}  // namespace mascing
