// Checksum of one shard, and hash of what a whole store holds. Lengths go in as well, so that no
// text can pass for the next one.
#include "format/trace_checksum.h"

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "mascing/trace_store.h"

namespace mascing {

std::string trace_checksum(const std::map<std::string, std::string>& metadata,
                           const std::vector<std::string_view>& tensors) {
  Sha256 digest;
  for (const auto& [key, text] : metadata) {
    if (key != kTraceChecksumKey) {
      digest.update(key);
      digest.update(std::to_string(text.size()).insert(0, 1, ' ') + "\n");
      digest.update(text);
    }
  }
  for (const std::string_view tensor : tensors) {
    digest.update(std::to_string(tensor.size()) + "\n");
    digest.update(tensor);
  }
  return digest.hex();
}

std::string hash_traces(const TraceSet& set) {
  Sha256 hash;
  nlohmann::json model = {{"n_layer", set.n_layer},
                          {"n_expert", set.n_expert},
                          {"n_expert_used", set.n_expert_used},
                          {"blocks", set.blocks},
                          {"architecture", set.architecture},
                          {"fingerprint", set.fingerprint}};
  const auto replace = nlohmann::json::error_handler_t::replace;
  hash.update(model.dump(-1, ' ', false, replace) + "\n");
  for (const TraceView& trace : set.traces) {
    const nlohmann::json head = {{"id", trace.id},
                                 {"topic", trace.topic},
                                 {"set", trace.set},
                                 {"label", trace.label},
                                 {"n_token", trace.n_token}};
    hash.update(head.dump(-1, ' ', false, replace) + "\n");
    const int64_t n_value = trace.n_token * set.n_layer * set.n_expert;
    hash.update(trace.logits, n_value * sizeof(uint16_t));
    if (set.release) {
      set.release(trace);
    }
  }
  return hash.hex();
}

std::vector<std::string_view> bytes_of(const std::vector<SafetensorsEntry>& entries) {
  std::vector<std::string_view> bytes;
  bytes.reserve(entries.size());
  for (const SafetensorsEntry& entry : entries) {
    bytes.emplace_back(static_cast<const char*>(entry.data), entry.size_bytes);
  }
  return bytes;
}

}  // namespace mascing
