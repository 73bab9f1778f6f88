// Options shared by several commands.
#include "cli/options.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <thread>

#include <unistd.h>

#include "base/text.h"
#include "cli/engine_arguments.h"
#include "cli/mask_options.h"
#include "cli/progress_line.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

/// By turns if there are any, or to stay.
std::unique_ptr<Host> open_in_turn(std::optional<HostTurns>& turns,
                                   const LlamaHostOptions& options) {
  if (!turns) {
    return open_interruptible_host(options);
  }
  return turns->join([options] { return open_interruptible_host(options); });
}

}  // namespace

void ModelOptions::add_to(CLI::App& command) {
  command.add_option("-m,--model", host.path, "Model (GGUF file; the first part of a split model)")
      ->required();
  add_threads(command, host.n_thread);
  command.add_option("--parallel", host.n_parallel, "Conversations processed in parallel, at most")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command.add_option("--batch", host.n_batch, "Maximum tokens per decode")
      ->check(CLI::Range(16, 65536))
      ->capture_default_str();
  command.add_option("--context", host.n_context, "Cache cells shared by all conversations")
      ->check(CLI::Range(256, 1 << 24))
      ->capture_default_str();
  command.add_option("--gpu-layers", host.n_gpu_layer, "Blocks to offload to the GPU, -1 = all")
      ->check(CLI::Range(-1, 10000))
      ->capture_default_str();
  command
      .add_option(
          "--reasoning",
          reasoning,
          "Whether the model reasons before it replies: on, off, or skip (the visible reply "
          "begins right away, by the chat template's own marks); default: as in the scenario "
          "if the command reads one, else off")
      ->check(CLI::IsMember({"on", "off", "skip"}));
  command
      .add_option("--template-arg",
                  template_arguments,
                  "Argument of the chat template, NAME=VALUE, such as reasoning_effort=low; may be "
                  "repeated")
      ->allow_extra_args(false);
  add_engine_options(command, host.engine);
}

void ModelOptions::add_judge_to(CLI::App& command) {
  command
      .add_option("--judge-gpu-layers",
                  n_judge_gpu_layer,
                  "Blocks of a guard model to offload; default as --gpu-layers")
      ->check(CLI::Range(-1, 10000));
  command
      .add_option("--judge-device",
                  judge_devices,
                  "Devices of a guard model, or none for the processor; default as --device")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--judge-loading",
                  judge_loading,
                  "Whether a guard model is loaded beside the model, or the two take turns in "
                  "memory; auto: turns where both do not fit (run, search), else beside")
      ->check(CLI::IsMember({"auto", "beside", "turns"}))
      ->capture_default_str();
}

int64_t ModelOptions::n_thread() const {
  return resolve_threads(host.n_thread);
}

void ModelOptions::adopt(const TemplateOptions& scenario) {
  host.chat_template = scenario;
}

TemplateOptions ModelOptions::chat_template() const {
  TemplateOptions options = host.chat_template;
  for (const std::string& argument : template_arguments) {
    add_template_argument(argument, options);
  }
  if (!reasoning.empty()) {
    options.reasoning = parse_reasoning_mode(reasoning);
  }
  return options;
}

std::string ModelOptions::key() const {
  const std::string of_template = template_key(chat_template());
  std::string text = std::to_string(host.n_parallel) + "/" + std::to_string(host.n_batch) + "/" +
                     std::to_string(host.n_context) + "/" + std::to_string(host.n_gpu_layer) +
                     (of_template.empty() ? "" : "/" + of_template);
  for (const auto& [name, value] : settings_of(host.engine)) {
    text.append("/").append(name).append("=").append(value);
  }
  return text;
}

namespace {

/// What is odd about a model, or about what its template is asked for.
void say_doubts(const Host& host, const TemplateOptions& chat_template) {
  const ModelInfo& info = host.describe();
  if (!info.baked.empty()) {
    std::cerr << "note: " << printable(info.name) << " already has " << info.baked
              << " in its routers; `mascing mask unbake` restores the original\n";
  }
  for (const auto& [name, nearest] : unknown_arguments(chat_template, host.chat_template())) {
    say_warning("unknown_template_argument",
                "the model's chat template does not know '" + name + "'",
                nearest.empty() ? "the argument changes nothing; see the template's own names"
                                : "did you mean " + nearest + "?");
  }
}

}  // namespace

std::unique_ptr<Host> ModelOptions::open() const {
  LlamaHostOptions options = host;
  options.n_thread = n_thread();
  options.chat_template = chat_template();
  auto opened = open_in_turn(turns_if_wanted(), options);
  say_doubts(*opened, options.chat_template);
  return opened;
}

void ModelOptions::place_judges(SpaceForecast& space) const {
  space.takes_turns = space.judges > 0 && (judge_loading == "turns" ||
                                           (judge_loading == "auto" && space.fits_in_turns_only()));
  if (space.takes_turns && !*turns) {
    turns->emplace();
  }
}

std::optional<HostTurns>& ModelOptions::turns_if_wanted() const {
  if (judge_loading == "turns" && !*turns) {
    turns->emplace();
  }
  return *turns;
}

std::unique_ptr<Host> open_interruptible_host(const LlamaHostOptions& options) {
  if (!options.engine.rpc_servers.empty()) {
    std::signal(SIGPIPE, SIG_IGN);  // libllama tells of a server that ended
  }
  LlamaHostOptions interruptible = options;
  interruptible.may_load = [] { return !stop_was_requested(); };
  auto host = open_llama_host(interruptible);
  host->set_watch([](const HostCounters&) { return !stop_was_requested(); });
  return host;
}

OpenJudgeModel ModelOptions::judge_opener() const {
  LlamaHostOptions options;
  options.n_thread = n_thread();
  options.n_gpu_layer = n_judge_gpu_layer.value_or(host.n_gpu_layer);
  options.engine.devices = judge_devices.empty() ? host.engine.devices : judge_devices;
  options.engine.use_mmap = host.engine.use_mmap;
  options.engine.use_mlock = host.engine.use_mlock;
  options.allow_dense = true;
  (void)turns_if_wanted();
  return [options, turns = turns](const std::string& path) {
    LlamaHostOptions one = options;
    one.path = path;
    return open_in_turn(*turns, one);
  };
}

std::vector<std::string> ModelOptions::words(const CLI::App& command) const {
  CLI::App known;
  ModelOptions ignored;
  ignored.add_to(known);
  std::vector<std::string> words;
  for (const CLI::Option* option : known.get_options()) {
    const std::string name = option->get_name();
    if (command.count(name) == 0 || name == "--reasoning" || name == "--template-arg") {
      continue;
    }
    for (const std::string& value : command.get_option(name)->results()) {
      std::string& word = words.emplace_back(name);
      if (option->get_expected_max() > 0) {
        word.append("=").append(value);
      }
    }
  }
  const TemplateOptions of_template = chat_template();
  words.push_back(std::string("--reasoning=") + to_string(of_template.reasoning));
  for (const auto& [name, value] : of_template.arguments) {
    words.push_back(std::string("--template-arg=").append(name).append("=").append(value));
  }
  return words;
}

RunOptions ModelOptions::run_options(const std::string& output,
                                     uint64_t seed,
                                     const std::string& command) const {
  RunOptions options;
  options.output = output;
  options.seed = seed;
  options.n_thread = n_thread();
  options.command = command;
  options.on_set_aside = [](const std::string& folder) {
    std::cerr << "note: the results that were there are now in " << printable(folder, 200) << '\n';
  };
  options.host_key = key();
  options.chat_template = chat_template();
  options.open_judge_model = judge_opener();
  return options;
}

void SampleOptions::add_to(CLI::App& command) {
  command
      .add_option(
          "--samples",
          n_sample,
          "Also sample this many replies per test conversation (0 = greedy only; default: as "
          "in the scenario, or 3 for target and hold sets)")
      ->check(CLI::Range(0, 1000));
  command.add_option("--sample-temperature", temperature, "Temperature for --samples")
      ->check(CLI::Range(0.01, 10.0));
}

void SampleOptions::apply(Scenario& scenario) const {
  if (n_sample >= 0) {
    scenario.sample_seeds.emplace(n_sample);
    std::iota(scenario.sample_seeds->begin(), scenario.sample_seeds->end(), int64_t{1});
  }
  if (temperature > 0.0) {
    scenario.sample_temperature = temperature;
  }
}

void VerdictOptions::add_to(CLI::App& command) {
  command
      .add_option("--fail-on",
                  fail_on,
                  "Verdicts that end in exit code 3: never, do-not-use, or care (which includes "
                  "do-not-use)")
      ->check(CLI::IsMember({"never", "do-not-use", "care"}))
      ->capture_default_str();
}

int VerdictOptions::exit_code(const MaskVerdict& verdict) const {
  constexpr int kVerdictFailed = 3;
  const bool is_worst = verdict.word == kDoNotUse;
  const bool is_named = (fail_on == "do-not-use" && is_worst) ||
                        (fail_on == "care" && (is_worst || verdict.word == kUseWithCare));
  return is_named ? kVerdictFailed : 0;
}

void add_seed(CLI::App& command, uint64_t& seed) {
  command.add_option("--seed", seed, "Random seed; same seed and thread count give the same bytes")
      ->capture_default_str();
}

void add_history_switch(CLI::App& command, bool& has_no_history) {
  command.add_flag("--no-history",
                   has_no_history,
                   "Neither keep lines typed at a terminal nor offer earlier ones");
}

void add_threads(CLI::App& command, int64_t& n_thread) {
  command.add_option("-t,--threads", n_thread, "Threads, 0 = one per core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

int64_t resolve_threads(int64_t n_thread) {
  return n_thread > 0 ? n_thread : std::max(1U, std::thread::hardware_concurrency());
}

bool wants_colour() {
  return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

std::vector<std::string> files_of_traces(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;  // a missing folder is for the reader to tell
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name == "manifest.json" || name.starts_with("shard-")) {
      files.push_back(entry.path().string());
    }
  }
  return files;
}

std::string command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line.append(line.empty() ? "" : " ").append(shell_quoted(word));
  }
  return line;
}

void say_written(const std::string& path, const std::string& next) {
  std::cerr << "wrote " << path << '\n';
  if (!next.empty()) {
    std::cerr << "next: " << next << '\n';
  }
}

void refuse_options(const CLI::App& command,
                    const std::vector<std::string>& names,
                    const std::string& with) {
  for (const std::string& name : names) {
    if (command.count(name) > 0) {
      const std::string& of = command.get_name();
      throw Error(
          ErrorKind::kUsage,
          std::string("[").append(of).append("] ").append(name) + " has no effect with " + with,
          "omit it; see `mascing " + of + " --help`");
    }
  }
}

void add_examples(CLI::App& command, const std::string& examples) {
  command.description("Example:\n" + examples + "\n\n" + command.get_description());
}

}  // namespace mascing::cli
