// Keys of an update's origin and fit, for both directions.
#include "export/origin_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "format/gguf.h"
#include "format/router_fingerprint.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr std::pair<const char*, std::string UpdateOrigin::*> kTexts[] = {
    {"mascing.fingerprint", &UpdateOrigin::fingerprint},
    {"mascing.model_name", &UpdateOrigin::model_name},
    {"mascing.architecture", &UpdateOrigin::architecture},
    {"mascing.scenario", &UpdateOrigin::scenario},
    {"mascing.direction", &UpdateOrigin::direction},
    {"mascing.mask_hash", &UpdateOrigin::mask_hash},
    {"mascing.tool_version", &UpdateOrigin::tool_version}};

constexpr const char* kRanksKey = "mascing.fit.rank";         // not in files of earlier versions
constexpr const char* kRoutersKey = "mascing.router_sketch";  // not in files of earlier versions

constexpr std::pair<const char*, int64_t RouterUpdate::*> kCounts[] = {
    {"mascing.n_layer", &RouterUpdate::n_layer},
    {"mascing.n_expert", &RouterUpdate::n_expert},
    {"mascing.n_embd", &RouterUpdate::n_embd}};

constexpr std::pair<const char*, double FitQuality::*> kQualities[] = {
    {"mascing.fit.ratio_spread", &FitQuality::ratio_spread},
    {"mascing.fit.ratio_low", &FitQuality::ratio_low},
    {"mascing.fit.ratio_high", &FitQuality::ratio_high},
    {"mascing.fit.same_experts", &FitQuality::same_experts},
    {"mascing.fit.overlap", &FitQuality::overlap}};

[[noreturn]] void missing(const GgufFile& file, const char* key) {
  throw Error(ErrorKind::kBadInput,
              "[export] " + printable(file_name(file.path())) + ": key \"" + key +
                  "\" is missing or of the wrong size",
              "the file is damaged or was not written by mascing; export it again");
}

template <typename T>
T require(const GgufFile& file, const char* key, std::optional<T> value) {
  if (!value) {
    missing(file, key);
  }
  return *std::move(value);
}

/// Numbers from 0 up, none twice: what is said of each tensor is then no larger than the file.
void require_ascending(const GgufFile& file, const char* key, const std::vector<int64_t>& numbers) {
  int64_t last = -1;
  for (const int64_t number : numbers) {
    if (number <= last) {
      missing(file, key);
    }
    last = number;
  }
}

/// Files of earlier versions have none: then 0.
std::vector<int64_t> get_ranks(const GgufFile& file, size_t n_layer) {
  constexpr int64_t kMost = int64_t{1} << 20;
  auto ranks = file.get_int_array(kRanksKey).value_or(std::vector<int64_t>(n_layer, 0));
  const bool is_sound = std::all_of(
      ranks.begin(), ranks.end(), [](int64_t rank) { return rank >= 0 && rank <= kMost; });
  if (ranks.size() != n_layer || !is_sound) {
    missing(file, kRanksKey);
  }
  return ranks;
}

void get_fit(const GgufFile& file, RouterUpdate& update) {
  const auto layers = require(file, "mascing.fit.layers", file.get_int_array("mascing.fit.layers"));
  const auto methods =
      require(file, "mascing.fit.method", file.get_string_array("mascing.fit.method"));
  const auto tokens = require(file, "mascing.fit.tokens", file.get_int_array("mascing.fit.tokens"));
  if (methods.size() != layers.size() || tokens.size() != layers.size()) {
    missing(file, "mascing.fit.method");
  }
  require_ascending(file, "mascing.fit.layers", layers);
  const std::vector<int64_t> ranks = get_ranks(file, layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i] >= update.n_layer) {
      missing(file, "mascing.fit.layers");
    }
    LayerUpdate layer;
    layer.i_layer = layers[i];
    layer.rank = ranks[i];
    layer.method = methods[i];
    layer.quality.n_token = tokens[i];
    update.layers.push_back(std::move(layer));
  }
  for (const auto& [key, field] : kQualities) {
    const auto values = require(file, key, file.get_float_array(key));
    if (values.size() != layers.size()) {
      missing(file, key);
    }
    for (size_t i = 0; i < values.size(); ++i) {
      update.layers[i].quality.*field = values[i];
    }
  }
}

}  // namespace

void put_origin(const RouterUpdate& update, const std::string& kind, GgufWriter& writer) {
  writer.set_string("mascing.export", kind);
  for (const auto& [key, field] : kTexts) {
    writer.set_string(key, update.origin.*field);
  }
  for (const auto& [key, field] : kCounts) {
    writer.set_int(key, update.*field);
  }
  put_fidelity(update.fidelity, writer);
  if (!update.origin.routers.empty()) {
    writer.set_string_array(kRoutersKey, sketch_lines(update.origin.routers));
  }
  writer.set_float_array("mascing.alpha", {update.origin.alpha});
  writer.set_int_array("mascing.blocks", update.blocks);
  std::vector<int64_t> layers;
  std::vector<int64_t> ranks;
  std::vector<int64_t> tokens;
  std::vector<std::string> methods;
  for (const LayerUpdate& layer : update.layers) {
    layers.push_back(layer.i_layer);
    ranks.push_back(layer.rank);
    tokens.push_back(layer.quality.n_token);
    methods.push_back(layer.method);
  }
  writer.set_int_array("mascing.fit.layers", layers);
  writer.set_int_array(kRanksKey, ranks);
  writer.set_int_array("mascing.fit.tokens", tokens);
  writer.set_string_array("mascing.fit.method", methods);
  for (const auto& [key, field] : kQualities) {
    std::vector<double> values;
    for (const LayerUpdate& layer : update.layers) {
      values.push_back(layer.quality.*field);
    }
    writer.set_float_array(key, values);
  }
}

RouterUpdate get_origin(const GgufFile& file, const std::string& kind) {
  if (file.get_string("mascing.export").value_or("") != kind) {
    throw Error(ErrorKind::kBadInput,
                "[export] " + printable(file_name(file.path())) + ": is not a " + kind +
                    " export of mascing",
                "use a file from `mascing export --to " + kind + "`");
  }
  RouterUpdate update;
  for (const auto& [key, field] : kTexts) {
    update.origin.*field = require(file, key, file.get_string(key));
  }
  for (const auto& [key, field] : kCounts) {
    update.*field = require(file, key, file.get_int(key));
    if (update.*field <= 0 || update.*field > (int64_t{1} << 30)) {
      missing(file, key);
    }
  }
  const auto alpha = require(file, "mascing.alpha", file.get_float_array("mascing.alpha"));
  update.blocks = require(file, "mascing.blocks", file.get_int_array("mascing.blocks"));
  if (alpha.size() != 1 || std::ssize(update.blocks) != update.n_layer) {
    missing(file, "mascing.blocks");
  }
  require_ascending(file, "mascing.blocks", update.blocks);
  update.origin.alpha = alpha[0];
  update.origin.routers =
      sketch_from_lines(file.get_string_array(kRoutersKey).value_or(std::vector<std::string>()));
  get_fit(file, update);
  update.fidelity = get_fidelity(file);
  return update;
}

}  // namespace mascing
