// `mascing doctor`: what this machine and this build offer, what is missing, and what to do.
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/build_facts.h"
#include "cli/commands.h"
#include "cli/line_editor.h"
#include "cli/machine_facts.h"
#include "cli/options.h"
#include "cli/server_program.h"
#include "mascing/engine_facts.h"
#include "mascing/error.h"
#include "mascing/version.h"

namespace mascing::cli {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

/// Something that is missing.
struct Finding {
  std::string id;
  bool is_needed = false;  ///< without it `mascing run` fails
  std::string text;
  std::string remedy;
};

struct Diagnosis {
  EngineFacts engine = engine_facts();
  std::vector<EngineDevice> devices = engine_devices();
  MachineFacts machine = machine_facts();
  FolderFacts cache = folder_facts(cache_folder(), true);
  FolderFacts here = folder_facts(".", false);
  std::string server;  ///< path of llama-server, empty if there is none
  std::vector<Finding> findings;
};

std::string gibibytes(int64_t bytes) {
  return format_number(static_cast<double>(bytes) / static_cast<double>(kGiB), 1) + " GiB";
}

std::string comma_list(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += (line.empty() ? "" : ", ") + word;
  }
  return line;
}

void find_llama_server(Diagnosis& found) {
  try {
    found.server = find_server("");
  } catch (const Error& e) {
    found.findings.push_back({"no_llama_server",
                              false,
                              "llama-server was not found; only `mascing serve` needs it",
                              std::string(e.hint())});
  }
}

void check_folder(const FolderFacts& folder,
                  const std::string& name,
                  const std::string& remedy,
                  Diagnosis& found) {
  if (!folder.is_writable) {
    found.findings.push_back(
        {name + "_not_writable", true, "cannot write to " + printable(folder.path, 200), remedy});
  } else if (folder.free_bytes < kGiB) {
    found.findings.push_back({name + "_nearly_full",
                              true,
                              "only " + gibibytes(folder.free_bytes) + " free for " +
                                  printable(folder.path, 200) + ", 1 GiB is the least",
                              remedy});
  }
}

void check_memory(Diagnosis& found) {
  const auto memory = found.machine.memory_bytes;
  if (memory && *memory < kGiB) {
    found.findings.push_back(
        {"little_memory",
         true,
         "only " + gibibytes(*memory) + " of memory available, 1 GiB is the least for small models",
         "end other programs, raise the container's limit or `ulimit -v`"});
  }
}

void check_back_ends(Diagnosis& found) {
  bool has_gpu = false;
  for (const EngineDevice& device : found.devices) {
    has_gpu = has_gpu || device.is_gpu;
  }
  if (found.engine.cpu_features.empty()) {
    found.findings.push_back({"slow_processor_code",
                              false,
                              "the engine uses none of this processor's vector instructions",
                              "build on this machine with -DMASCING_NATIVE=ON"});
  }
  if (!has_gpu) {
    const bool is_built_for_gpu = found.engine.back_ends.size() > (found.engine.has_rpc ? 2 : 1);
    found.findings.push_back({"no_gpu",
                              false,
                              is_built_for_gpu
                                  ? "no GPU was found; models run on the processor"
                                  : "no GPU back end is compiled in; models run on the processor",
                              is_built_for_gpu ? "check the driver (nvidia-smi)"
                                               : "`make gpu` builds one for NVIDIA GPUs"});
  }
  if (!found.engine.has_rpc) {
    found.findings.push_back({"no_rpc",
                              false,
                              "models cannot be spread over other machines",
                              "build libllama with -DGGML_RPC=ON"});
  }
}

void check_prompts(Diagnosis& found) {
  if (LineEditor::library().empty()) {
    found.findings.push_back({"no_line_editing",
                              false,
                              "lines typed at prompts cannot be edited and have no history",
                              "install libedit-dev and build again"});
  }
}

Diagnosis diagnose() {
  Diagnosis found;
  check_prompts(found);
  check_back_ends(found);
  check_memory(found);
  check_folder(found.here, "folder", "change to a folder with more room or other rights", found);
  check_folder(
      found.cache, "cache", "set MASCING_CACHE_DIR to a folder that you can write to", found);
  find_llama_server(found);
  return found;
}

bool is_ready(const Diagnosis& found) {
  for (const Finding& finding : found.findings) {
    if (finding.is_needed) {
      return false;
    }
  }
  return true;
}

void print_diagnosis(const Diagnosis& found) {
  const EngineFacts& engine = found.engine;
  std::cout << "mascing       " << version() << ", " << compiler_name() << ", " << build_type()
            << " build\n"
            << "engine        " << engine.version
            << (engine.commit.empty() ? "" : " (commit " + engine.commit + ")") << ", back ends "
            << comma_list(engine.back_ends) << '\n'
            << "processor     " << found.machine.processor << ", " << found.machine.n_core
            << " threads\n"
            << "features      "
            << (engine.cpu_features.empty() ? "none" : comma_list(engine.cpu_features)) << '\n';
  for (const EngineDevice& device : found.devices) {
    if (device.is_gpu) {
      std::cout << "GPU           " << device.name << ", " << device.description << ", "
                << gibibytes(device.free_bytes) << " of " << gibibytes(device.size_bytes)
                << " free\n";
    }
  }
  std::cout << "RPC           " << (engine.has_rpc ? "compiled in" : "not compiled in") << '\n'
            << "memory        "
            << (found.machine.memory_bytes ? gibibytes(*found.machine.memory_bytes) + " available"
                                           : std::string("unknown"))
            << '\n'
            << "disk          " << gibibytes(found.here.free_bytes) << " free here, "
            << gibibytes(found.cache.free_bytes) << " for the cache\n"
            << "cache         " << found.cache.path << ", " << gibibytes(found.cache.used_bytes)
            << '\n'
            << "llama-server  " << (found.server.empty() ? "not found" : found.server) << '\n';
  for (const Finding& finding : found.findings) {
    std::cout << (finding.is_needed ? "missing: " : "note: ") << finding.id << ": " << finding.text
              << "\n  " << finding.remedy << '\n';
  }
  std::cout << (is_ready(found) ? "ready to run\n" : "not ready to run\n");
}

nlohmann::json folder_json(const FolderFacts& folder) {
  return {{"path", folder.path},
          {"is_writable", folder.is_writable},
          {"free_bytes", folder.free_bytes}};
}

void print_diagnosis_json(const Diagnosis& found) {
  nlohmann::json devices = nlohmann::json::array();
  for (const EngineDevice& device : found.devices) {
    devices.push_back({{"name", device.name},
                       {"description", device.description},
                       {"back_end", device.back_end},
                       {"is_gpu", device.is_gpu},
                       {"free_bytes", device.free_bytes},
                       {"size_bytes", device.size_bytes}});
  }
  nlohmann::json findings = nlohmann::json::array();
  for (const Finding& finding : found.findings) {
    findings.push_back({{"id", finding.id},
                        {"is_needed", finding.is_needed},
                        {"text", finding.text},
                        {"remedy", finding.remedy}});
  }
  nlohmann::json cache = folder_json(found.cache);
  cache["used_bytes"] = found.cache.used_bytes;
  const auto& memory = found.machine.memory_bytes;
  const nlohmann::json value = {
      {"version", version()},
      {"compiler", compiler_name()},
      {"build_type", build_type()},
      {"engine", found.engine.version},
      {"engine_commit", found.engine.commit},
      {"back_ends", found.engine.back_ends},
      {"has_rpc", found.engine.has_rpc},
      {"processor", found.machine.processor},
      {"threads", found.machine.n_core},
      {"processor_features", found.engine.cpu_features},
      {"devices", std::move(devices)},
      {"memory_bytes", memory ? nlohmann::json(*memory) : nlohmann::json()},
      {"folder", folder_json(found.here)},
      {"cache", std::move(cache)},
      {"llama_server", found.server},
      {"findings", std::move(findings)},
      {"is_ready", is_ready(found)}};
  std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "doctor",
      "Show what this machine and this build offer, and what is missing: back ends, memory, disk, "
      "llama-server. Exit code 1 if something that every run needs is missing.");
  add_examples(*command, "  mascing doctor\n  mascing doctor --json");
  command->add_flag("--json", *json, "Print JSON");
  command->callback([json, &session] {
    const Diagnosis found = diagnose();
    *json ? print_diagnosis_json(found) : print_diagnosis(found);
    session.exit_code = is_ready(found) ? 0 : 1;
  });
}

}  // namespace mascing::cli
