// Loading through libllama. Its log is kept back; errors of it end up in ours.
#include "host/llama/loaded_model.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>

#include <log.h>

#include <ggml-backend.h>

#include "format/model_file.h"
#include "host/llama/back_ends.h"
#include "host/llama/engine.h"
#include "host/llama/engine_params.h"
#include "mascing/error.h"

namespace mascing {
namespace {

std::mutex log_mutex;
std::string
    last_log_errors;  // NOLINT: what libllama said since the last reset, guarded by log_mutex

void on_log(ggml_log_level level, const char* text, void* /*user*/) {
  if (level != GGML_LOG_LEVEL_ERROR) {
    return;
  }
  const std::lock_guard<std::mutex> lock(log_mutex);
  last_log_errors += text;
}

void initialise_backend_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(on_log, nullptr);
    common_log_set_verbosity_thold(LOG_LEVEL_ERROR);  // each plain rendering would be warned of
    load_back_ends();
    llama_backend_init();
  });
}

/// A back end beside the processor's that computes in its memory, such as BLAS.
bool has_accelerator() {
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    if (ggml_backend_dev_type(ggml_backend_dev_get(i)) == GGML_BACKEND_DEVICE_TYPE_ACCEL) {
      return true;
    }
  }
  return false;
}

/// As libllama's progress callback; `may_load` is a std::function<bool()> that may be empty.
bool on_progress(float /*share*/, void* may_load) {
  const auto& ask = *static_cast<const std::function<bool()>*>(may_load);
  return !ask || ask();
}

llama_model* load(const LlamaHostOptions& options, llama_model_params params) {
  params.progress_callback = on_progress;
  params.progress_callback_user_data = const_cast<std::function<bool()>*>(&options.may_load);
  return llama_model_load_from_file(options.path.c_str(), params);
}

}  // namespace

std::string take_log_errors() {
  const std::lock_guard<std::mutex> lock(log_mutex);
  std::string text = std::move(last_log_errors);
  last_log_errors.clear();
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  std::replace(text.begin(), text.end(), '\n', ';');
  return text.empty() ? "no reason given" : text;
}

LoadedModel::LoadedModel(const LlamaHostOptions& options)
    : LoadedModel(options,
                  read_model_info(options.path, options.allow_dense, &ggml_codec()),
                  Weights::kFast) {}

LoadedModel::LoadedModel(const LlamaHostOptions& options, ModelInfo known, Weights form)
    : info(std::move(known)) {
  initialise_backend_once();
  if (form == Weights::kFast) {
    const LoadParams fast(options.engine);
    llama_model_params params = fast.get();
    params.n_gpu_layers = to_int32(options.n_gpu_layer);
    has_cpu_only = !fast.has_devices() && !has_accelerator();
    weights.reset(load(options, params));
  } else {
    weights.reset(load(options, plain_load_params(options.engine)));
    has_cpu_only = !has_accelerator();
  }
  if (!weights && options.may_load && !options.may_load()) {
    throw Error(ErrorKind::kInterrupted,
                "[host] stopped on request while the model was loaded",
                "finished work is saved; run the same command again to resume");
  }
  if (!weights) {
    throw Error(
        ErrorKind::kHost,
        "[host] libllama cannot load '" + options.path + "': " + take_log_errors(),
        "check that llama.cpp v0.5.0 supports the architecture and that there is enough memory");
  }
  chat = std::make_unique<ChatPrompt>(weights.get(), options.chat_template);
  for (const LlamaAdapter& adapter : options.adapters) {
    adapters.push_back(llama_adapter_lora_init(weights.get(), adapter.path.c_str()));
    scales.push_back(adapter.scale);
    if (adapters.back() == nullptr) {
      throw Error(
          ErrorKind::kHost,
          "[host] libllama cannot load the adapter '" + adapter.path + "': " + take_log_errors(),
          "an adapter only works with the model it was exported for");
    }
  }
}

}  // namespace mascing
