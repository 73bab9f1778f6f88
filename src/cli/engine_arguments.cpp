// Options of the engine. Names of devices and buffers are checked where the model is opened.
#include "cli/engine_arguments.h"

#include <array>

namespace mascing::cli {
namespace {

constexpr const char* kGroup = "Engine (as in llama.cpp)";

constexpr std::array kWithValues = {"--override-tensor",
                                    "--n-cpu-moe",
                                    "--cache-type-k",
                                    "--cache-type-v",
                                    "--flash-attn",
                                    "--split-mode",
                                    "--tensor-split",
                                    "--main-gpu",
                                    "--device",
                                    "--rpc"};
constexpr std::array kFlags = {"--cpu-moe", "--no-repack"};

/// A list separated by commas; may be repeated.
void add_list(CLI::App& command,
              const std::string& name,
              std::vector<std::string>& items,
              const std::string& type,
              const std::string& help) {
  command.add_option(name, items, help)
      ->type_name(type)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kGroup);
}

void add_placement(CLI::App& command, EngineOptions& options) {
  add_list(command,
           "--override-tensor",
           options.tensor_buffers,
           "REGEX=BUFFER,...",
           "Put tensors whose names match into this memory, such as 'ffn_.*_exps=CPU'");
  command
      .add_flag("--cpu-moe",
                options.keeps_experts_on_cpu,
                "Keep the experts of all blocks in the processor's memory")
      ->group(kGroup);
  command
      .add_option("--n-cpu-moe",
                  options.n_cpu_moe,
                  "Keep the experts of the first N blocks in the processor's memory")
      ->check(CLI::Range(0, 10000))
      ->group(kGroup);
  add_list(command,
           "--device",
           options.devices,
           "NAME,...",
           "Devices to use, or none for the processor; default all");
  add_list(command,
           "--rpc",
           options.rpc_servers,
           "HOST:PORT,...",
           "rpc-servers to use as devices (docs/scale.md)");
  command
      .add_option("--split-mode",
                  options.split_mode,
                  "How several devices share the model: none, layer, row, tensor")
      ->check(CLI::IsMember({"none", "layer", "row", "tensor"}))
      ->capture_default_str()
      ->group(kGroup);
  command
      .add_option("--tensor-split",
                  options.tensor_split,
                  "Shares of the devices, such as 3,1; default by free memory")
      ->type_name("N0,N1,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(0.0, 1e9))
      ->group(kGroup);
  command.add_option("--main-gpu", options.main_gpu, "The device for --split-mode none")
      ->check(CLI::Range(0, 15))
      ->capture_default_str()
      ->group(kGroup);
}

void add_memory(CLI::App& command, EngineOptions& options) {
  command
      .add_option("--cache-type-k",
                  options.cache_type_k,
                  "Type of cached keys: f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0, q5_1")
      ->capture_default_str()
      ->group(kGroup);
  command
      .add_option("--cache-type-v",
                  options.cache_type_v,
                  "Type of cached values; a quantised one needs flash attention")
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--flash-attn", options.flash_attention, "Flash attention: on, off, auto")
      ->check(CLI::IsMember({"on", "off", "auto"}))
      ->capture_default_str()
      ->group(kGroup);
  command
      .add_option("--sequences",
                  options.n_sequence,
                  "Sequences of the cache, for questions with several openings; 0 = four for "
                  "each of --parallel")
      ->check(CLI::Range(0, 256))
      ->capture_default_str()
      ->group(kGroup);
  command
      .add_flag_callback(
          "--no-repack",
          [&options] { options.repacks = false; },
          "Use weights as the file has them (slower)")
      ->group(kGroup);
  command
      .add_flag_callback(
          "--no-mmap",
          [&options] { options.use_mmap = false; },
          "Read the model into memory instead of mapping the file")
      ->group(kGroup);
  command.add_flag("--mlock", options.use_mlock, "Keep the weights from being swapped out")
      ->group(kGroup);
}

}  // namespace

void add_engine_options(CLI::App& command, EngineOptions& options) {
  add_placement(command, options);
  add_memory(command, options);
}

std::vector<std::string> engine_words(const CLI::App& command) {
  std::vector<std::string> words;
  for (const char* name : kWithValues) {
    std::string value;
    for (const std::string& item : command.get_option(name)->results()) {
      value += (value.empty() ? "" : ",") + item;
    }
    if (!value.empty()) {
      words.insert(words.end(), {name, value});
    }
  }
  for (const char* name : kFlags) {
    if (command.count(name) > 0) {
      words.emplace_back(name);
    }
  }
  // llama-server has one option for both.
  const bool is_locked = command.count("--mlock") > 0;
  if (command.count("--no-mmap") > 0) {
    words.insert(words.end(), {"--load-mode", is_locked ? "mlock" : "none"});
  } else if (is_locked) {
    words.insert(words.end(), {"--load-mode", "mmap+mlock"});
  }
  return words;
}

}  // namespace mascing::cli
