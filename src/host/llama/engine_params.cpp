// Devices are always listed: libllama would otherwise take every device that the process knows,
// those of another model's rpc-servers included.
#include "host/llama/engine_params.h"

#include <algorithm>
#include <array>
#include <regex>
#include <utility>

#include <ggml-backend.h>

#include "base/numeric.h"
#include "base/text.h"
#include "host/llama/back_ends.h"
#include "host/llama/engine.h"
#include "host/llama/rpc_servers.h"
#include "mascing/error.h"

namespace mascing {
namespace {

/// llama.cpp's pattern of an expert's weights.
constexpr const char* kExperts = R"(\.ffn_(up|down|gate|gate_up)_(ch|)exps)";
constexpr const char* kNoDevice = "none";
constexpr int64_t kMostBlocks = 10000;

constexpr std::array kCacheTypes = {GGML_TYPE_F32,
                                    GGML_TYPE_F16,
                                    GGML_TYPE_BF16,
                                    GGML_TYPE_Q8_0,
                                    GGML_TYPE_Q4_0,
                                    GGML_TYPE_Q4_1,
                                    GGML_TYPE_IQ4_NL,
                                    GGML_TYPE_Q5_0,
                                    GGML_TYPE_Q5_1};

template <typename Value>
using Names = std::vector<std::pair<std::string, Value>>;

/// The value of a name; what is known otherwise goes into the hint.
template <typename Value>
Value look_up(const std::string& option, const std::string& name, const Names<Value>& known) {
  std::string all;
  for (const auto& [each, value] : known) {
    if (each == name) {
      return value;
    }
    all += (all.empty() ? "" : ", ") + each;
  }
  throw Error(ErrorKind::kUsage,
              "[engine] " + option + ": there is no \"" + printable(name) + "\" here",
              all.empty() ? "this build has none" : "use one of: " + all);
}

ggml_type cache_type(const std::string& option, const std::string& name) {
  Names<ggml_type> known;
  for (const ggml_type type : kCacheTypes) {
    known.emplace_back(ggml_type_name(type), type);
  }
  return look_up(option, name, known);
}

llama_flash_attn_type attention_type(const std::string& name) {
  return look_up<llama_flash_attn_type>("--flash-attn",
                                        name,
                                        {{"on", LLAMA_FLASH_ATTN_TYPE_ENABLED},
                                         {"off", LLAMA_FLASH_ATTN_TYPE_DISABLED},
                                         {"auto", LLAMA_FLASH_ATTN_TYPE_AUTO}});
}

llama_load_mode load_mode(const EngineOptions& options) {
  if (options.use_mlock) {
    return options.use_mmap ? LLAMA_LOAD_MODE_MMAP_MLOCK : LLAMA_LOAD_MODE_MLOCK;
  }
  return options.use_mmap ? LLAMA_LOAD_MODE_AUTO : LLAMA_LOAD_MODE_NONE;
}

/// Those that libllama would use by itself: graphics cards, or a chip's own where there are none.
std::vector<ggml_backend_dev_t> local_devices() {
  load_back_ends();
  for (const auto type : {GGML_BACKEND_DEVICE_TYPE_GPU, GGML_BACKEND_DEVICE_TYPE_IGPU}) {
    std::vector<ggml_backend_dev_t> found;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
      if (ggml_backend_dev_type(ggml_backend_dev_get(i)) == type) {
        found.push_back(ggml_backend_dev_get(i));
      }
    }
    if (!found.empty()) {
      return found;
    }
  }
  return {};
}

void require_pattern(const std::string& pattern) {
  try {
    (void)std::regex(pattern);
  } catch (const std::regex_error&) {
    throw Error(
        ErrorKind::kUsage,
        "[engine] --override-tensor: \"" + printable(pattern) + "\" is not a regular expression",
        "a form such as 'blk\\.[0-9]+\\.ffn_.*_exps=CPU' matches tensors by name");
  }
}

}  // namespace

LoadParams::LoadParams(const EngineOptions& options) : params_(llama_model_default_params()) {
  choose_devices(options);
  override_buffers(options);
  split(options);
  llama_context_params later = llama_context_default_params();
  set_context_options(options, later);  // an error now, not after minutes of loading
  params_.load_mode = load_mode(options);
  params_.use_extra_bufts = options.repacks;
}

void LoadParams::choose_devices(const EngineOptions& options) {
  remote_ = connect_rpc_servers(options.rpc_servers);
  std::vector<ggml_backend_dev_t> all = remote_;
  const std::vector<ggml_backend_dev_t> local = local_devices();
  all.insert(all.end(), local.begin(), local.end());
  if (options.devices.empty()) {
    devices_ = all;
  } else if (options.devices != std::vector<std::string>{kNoDevice}) {
    Names<ggml_backend_dev_t> known;
    for (ggml_backend_dev_t device : all) {
      known.emplace_back(ggml_backend_dev_name(device), device);
    }
    for (const std::string& name : options.devices) {
      devices_.push_back(look_up("--device", name, known));
    }
  }
  devices_.push_back(nullptr);
  params_.devices = devices_.data();
}

std::string LoadParams::devices_text() const {
  std::string names;
  for (ggml_backend_dev_t device : devices_) {
    if (device != nullptr) {
      names += std::string(names.empty() ? "" : ", ") + ggml_backend_dev_name(device);
    }
  }
  return names.empty() ? "there is no device but the processor; a build for NVIDIA GPUs (preset "
                         "gpu) or --rpc provides others"
                       : "the devices are, from 0 on: " + names;
}

void LoadParams::override_buffers(const EngineOptions& options) {
  const auto add = [this](const std::string& pattern, ggml_backend_buffer_type_t type) {
    patterns_.push_back(pattern);
    overrides_.push_back({patterns_.back().c_str(), type});
  };
  Names<ggml_backend_buffer_type_t> known = {
      {ggml_backend_buft_name(ggml_backend_cpu_buffer_type()), ggml_backend_cpu_buffer_type()}};
  for (ggml_backend_dev_t device : devices_) {
    if (device != nullptr) {
      const ggml_backend_buffer_type_t type = ggml_backend_dev_buffer_type(device);
      known.emplace_back(ggml_backend_buft_name(type), type);
    }
  }
  for (const std::string& text : options.tensor_buffers) {
    const size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::kUsage,
                  "[engine] --override-tensor: \"" + printable(text) + "\" is not REGEX=BUFFER",
                  "use a form such as 'ffn_.*_exps=CPU'");
    }
    require_pattern(text.substr(0, equals));
    add(text.substr(0, equals), look_up("--override-tensor", text.substr(equals + 1), known));
  }
  if (options.keeps_experts_on_cpu) {
    add(kExperts, ggml_backend_cpu_buffer_type());
  }
  for (int64_t b = 0; b < std::min(options.n_cpu_moe, kMostBlocks); ++b) {
    add("blk\\." + std::to_string(b) + kExperts, ggml_backend_cpu_buffer_type());
  }
  if (!overrides_.empty()) {
    overrides_.push_back({nullptr, nullptr});
    params_.tensor_buft_overrides = overrides_.data();
  }
}

void LoadParams::split(const EngineOptions& options) {
  params_.split_mode = look_up<llama_split_mode>("--split-mode",
                                                 options.split_mode,
                                                 {{"none", LLAMA_SPLIT_MODE_NONE},
                                                  {"layer", LLAMA_SPLIT_MODE_LAYER},
                                                  {"row", LLAMA_SPLIT_MODE_ROW},
                                                  {"tensor", LLAMA_SPLIT_MODE_TENSOR}});
  const int64_t n_device = std::ssize(devices_) - 1;
  const auto require = [this](bool holds, const std::string& what) {
    if (!holds) {
      throw Error(ErrorKind::kUsage, "[engine] " + what, devices_text());
    }
  };
  const bool is_index = options.main_gpu >= 0 && options.main_gpu < std::max<int64_t>(1, n_device);
  require(is_index, "--main-gpu " + std::to_string(options.main_gpu) + ": there is no such device");
  params_.main_gpu = to_int32(options.main_gpu);
  if (options.tensor_split.empty()) {
    return;
  }
  require(std::ssize(options.tensor_split) <= n_device,
          "--tensor-split has more shares (" + std::to_string(options.tensor_split.size()) +
              ") than there are devices");
  double sum = 0.0;
  shares_.assign(std::max<size_t>(llama_max_devices(), options.tensor_split.size()), 0.0F);
  for (size_t i = 0; i < options.tensor_split.size(); ++i) {
    shares_[i] = to_float(options.tensor_split[i]);
    sum += options.tensor_split[i] >= 0.0 ? options.tensor_split[i] : -1e30;
  }
  if (!(sum > 0.0)) {
    throw Error(ErrorKind::kUsage,
                "[engine] --tensor-split: shares are numbers from 0 on, not all of them 0",
                "use a form such as 3,1");
  }
  params_.tensor_split = shares_.data();
}

llama_model_params plain_load_params(const EngineOptions& options) {
  static ggml_backend_dev_t no_device = nullptr;
  llama_model_params params = llama_model_default_params();
  params.devices = &no_device;
  params.n_gpu_layers = 0;
  params.use_extra_bufts = false;
  params.load_mode = load_mode(options);
  return params;
}

void set_context_options(const EngineOptions& options, llama_context_params& params) {
  params.type_k = cache_type("--cache-type-k", options.cache_type_k);
  params.type_v = cache_type("--cache-type-v", options.cache_type_v);
  params.flash_attn_type = attention_type(options.flash_attention);
  if (ggml_is_quantized(params.type_v) &&
      params.flash_attn_type == LLAMA_FLASH_ATTN_TYPE_DISABLED) {
    throw Error(ErrorKind::kUsage,
                "[engine] --cache-type-v " + options.cache_type_v +
                    " needs flash attention, and --flash-attn is off",
                "leave --flash-attn out, or use f16, bf16 or f32 for the values");
  }
}

}  // namespace mascing
