// Names of options are llama.cpp's, without the dashes.
#include "mascing/engine_options.h"

#include "base/text.h"

namespace mascing {
namespace {

/// Texts separated by commas.
std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) {
    text += (text.empty() ? "" : ",") + item;
  }
  return text;
}

std::vector<std::string> share_texts(const std::vector<double>& shares) {
  std::vector<std::string> texts;
  texts.reserve(shares.size());
  for (const double share : shares) {
    texts.push_back(format_number(share, 3));
  }
  return texts;
}

}  // namespace

std::map<std::string, std::string> settings_of(const EngineOptions& options) {
  const EngineOptions usual;
  std::map<std::string, std::string> settings;
  const auto add = [&](const std::string& name, const std::string& value, bool is_usual) {
    if (!is_usual) {
      settings.emplace(name, value);
    }
  };
  const auto count = [](int64_t n) { return std::to_string(n); };
  add("override-tensor", join(options.tensor_buffers), options.tensor_buffers.empty());
  add("cpu-moe", "on", !options.keeps_experts_on_cpu);
  add("n-cpu-moe", count(options.n_cpu_moe), options.n_cpu_moe == 0);
  add("cache-type-k", options.cache_type_k, options.cache_type_k == usual.cache_type_k);
  add("cache-type-v", options.cache_type_v, options.cache_type_v == usual.cache_type_v);
  add("flash-attn", options.flash_attention, options.flash_attention == usual.flash_attention);
  add("split-mode", options.split_mode, options.split_mode == usual.split_mode);
  add("tensor-split", join(share_texts(options.tensor_split)), options.tensor_split.empty());
  add("main-gpu", count(options.main_gpu), options.main_gpu == 0);
  add("device", join(options.devices), options.devices.empty());
  add("rpc", count(std::ssize(options.rpc_servers)) + " servers", options.rpc_servers.empty());
  add("repack", "off", options.repacks);
  add("sequences", count(options.n_sequence), options.n_sequence == 0);
  return settings;
}

}  // namespace mascing
