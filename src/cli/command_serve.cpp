// `mascing serve`: stock llama-server with masks as adapters, strength set per request.
//
// Requests of different strength must not share cached state. llama-server (v0.5.0) clears a slot's
// cache when a request sets other strengths, but not when a request sets none, and its in-memory
// prompt cache ignores strengths. Both caches are switched off.
// A request that sets no strengths gets those that the adapters were loaded with, whatever
// --lora-init-without-apply says. That is how clients that know nothing of masks are defended:
// adapters are loaded at the strengths of the masks, those that --default leaves out at 0.
#include <algorithm>
#include <iostream>

#include "base/append.h"
#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/engine_arguments.h"
#include "cli/export_options.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "cli/server_program.h"
#include "export/lora.h"
#include "export/router_update.h"
#include "format/model_file.h"
#include "mascing/error.h"
#include "mascing/version.h"

namespace mascing::cli {
namespace {

struct ServeArguments {
  std::vector<std::string> masks;
  std::vector<std::string> defaults = {"all"};  ///< "all", "none", or words of `masks`
  std::string host = "127.0.0.1";
  int port = 8080;
  std::string program;
  std::vector<std::string> rest;
  std::vector<std::string> passed_on;  ///< model options that were given, as llama-server has them
  FitArguments source;
};

/// Options of the model that also hold for the server, if they are given, and their names there.
std::vector<std::string> words_for_server(const CLI::App& command, const LlamaHostOptions& host) {
  std::vector<std::string> words;
  const auto pass = [&](const char* name, const char* name_there, int64_t value) {
    if (command.count(name) > 0) {
      words.insert(words.end(), {name_there, std::to_string(value)});
    }
  };
  pass("--threads", "-t", resolve_threads(host.n_thread));
  pass("--parallel", "-np", host.n_parallel);
  pass("--batch", "-b", host.n_batch);
  pass("--context", "-c", host.n_context);
  pass("--gpu-layers", "-ngl", host.n_gpu_layer < 0 ? 999 : host.n_gpu_layer);
  append(engine_words(command), words);
  return words;
}

/// An adapter as passed to the server.
struct ServedMask {
  WeightedMask used;
  std::string adapter;
  double default_scale = 0.0;  ///< for requests without "lora"
};

/// For each mask, whether requests without "lora" get it.
std::vector<bool> active_by_default(const ServeArguments& arguments) {
  const std::vector<std::string> paths = paths_of_masks(arguments.masks);
  const bool is_all = arguments.defaults == std::vector<std::string>{"all"};
  const bool is_none = arguments.defaults == std::vector<std::string>{"none"};
  std::vector<bool> active(paths.size(), is_all);
  for (const std::string& name : arguments.defaults) {
    const auto found = std::find(paths.begin(), paths.end(), name);
    if (found != paths.end()) {
      active[found - paths.begin()] = true;
    } else if (!is_all && !is_none) {
      throw Error(ErrorKind::kUsage,
                  "[serve] --default " + printable(name) + " is not one of the masks",
                  "name files as in --mask, without a strength, or say all or none");
    }
  }
  return active;
}

constexpr const char* kOfMasks = "pass masks with --mask";
constexpr const char* kOfCaches = "cached state would be reused under a different strength";
constexpr const char* kOfModel = "the masks are for the model of mascing serve -m";
constexpr const char* kOfServe = "give it to mascing serve, before --";

/// Options of llama-server that may not stand behind "--", and why.
constexpr std::pair<const char*, const char*> kRefused[] = {{"--cache-prompt", kOfCaches},
                                                            {"--cache-ram", kOfCaches},
                                                            {"-cram", kOfCaches},
                                                            {"--cache-reuse", kOfCaches},
                                                            {"--slot-save-path", kOfCaches},
                                                            {"--lora", kOfMasks},
                                                            {"--lora-scaled", kOfMasks},
                                                            {"-m", kOfServe},
                                                            {"--model", kOfServe},
                                                            {"-mu", kOfModel},
                                                            {"--model-url", kOfModel},
                                                            {"-hf", kOfModel},
                                                            {"-hfr", kOfModel},
                                                            {"--hf-repo", kOfModel},
                                                            {"-dr", kOfModel},
                                                            {"--docker-repo", kOfModel},
                                                            {"--models-dir", kOfModel},
                                                            {"--host", kOfServe},
                                                            {"--port", kOfServe}};

/// llama.cpp takes '_' for '-' in long options.
std::string option_name(const std::string& word) {
  std::string name = word.substr(0, word.find('='));
  if (name.starts_with("--")) {
    std::replace(name.begin(), name.end(), '_', '-');
  }
  return name;
}

void refuse_words(const std::vector<std::string>& rest) {
  for (const std::string& word : rest) {
    const std::string given = option_name(word);
    for (const auto& [name, hint] : kRefused) {
      if (given == name) {
        throw Error(
            ErrorKind::kUsage, "[serve] " + given + " cannot be passed to llama-server", hint);
      }
    }
  }
}

/// All that an adapter depends on beside its mask.
std::string fit_key(const FitArguments& source) {
  std::string key = std::to_string(source.rank) + " " + std::to_string(source.n_max_token) + " " +
                    std::to_string(source.seed) + " " + version() + " " +
                    read_model_info(source.model.host.path).identity + " " +
                    template_key(source.model.chat_template());
  key += source.adapter.empty() ? "" : " adapter " + sha256_file(source.adapter);
  for (const std::string& path : source.data) {
    key += " " + sha256_file(path);
  }
  return key;
}

std::string cached_adapter(const std::string& key_of_fit, const Mask& mask) {
  const std::string key = hash_mask(mask) + " " + format_number(mask.alpha, 6) + " " + key_of_fit;
  const std::string folder = cache_folder() + "/adapters";
  ensure_directory(folder);
  std::string path = folder + "/" + sha256_hex(key).substr(0, 24) + ".lora.gguf";
  if (path.find_first_of(":,") != std::string::npos) {
    throw Error(ErrorKind::kUsage,
                "[serve] llama-server cannot load an adapter from " + path,
                "set MASCING_CACHE_DIR to a path without ':' and ','");
  }
  return path;
}

/// Where the hash of a cached adapter stands, which is written last.
std::string hash_path(const std::string& adapter) {
  return adapter + ".sha256";
}

/// True if an earlier call left the adapter and it is as it was then.
bool is_intact(const std::string& adapter) {
  return file_exists(adapter) && file_exists(hash_path(adapter)) &&
         trim(read_text_file(hash_path(adapter))) == sha256_file(adapter);
}

std::vector<ServedMask> prepare(const ServeArguments& arguments) {
  const std::vector<bool> is_active = active_by_default(arguments);
  const std::string key = fit_key(arguments.source);
  std::vector<ServedMask> served;
  for (WeightedMask& used : read_masks(arguments.masks)) {
    ServedMask mask;
    require_adapters(used.mask.architecture);
    used.mask.alpha = to_float(used.strength);
    mask.used = std::move(used);
    mask.adapter = cached_adapter(key, mask.used.mask);
    if (!is_intact(mask.adapter)) {
      ProgressLine line;
      const ExportReport report =
          export_lora(mask.used.mask, mask.adapter, arguments.source.options(), line.callback());
      line.finish_line();
      say_warnings(report.warnings);
      write_file_atomically(hash_path(mask.adapter), sha256_file(mask.adapter) + "\n");
      std::cerr << "wrote " << mask.adapter << '\n';
    }
    mask.default_scale = is_active[served.size()] ? mask.used.strength : 0.0;
    served.push_back(std::move(mask));
  }
  return served;
}

/// `[{"id": 0, "scale": 0.8}, ...]`, with each mask at its strength or at 0.
std::string request_words(const std::vector<ServedMask>& served, bool is_on) {
  std::string words;
  for (size_t i = 0; i < served.size(); ++i) {
    words += (i == 0 ? "" : ", ") + std::string("{\"id\": ") + std::to_string(i) +
             ", \"scale\": " + format_strength(is_on ? served[i].used.strength : 0.0) + "}";
  }
  return "[" + words + "]";
}

void print_defaults(const std::vector<ServedMask>& served) {
  std::string active;
  for (size_t i = 0; i < served.size(); ++i) {
    const ServedMask& mask = served[i];
    std::cerr << "mask " << i << "  " << mask.used.name << ": strength "
              << format_strength(mask.used.strength) << ", without \"lora\" in a request "
              << format_strength(mask.default_scale) << '\n';
    if (mask.default_scale != 0.0) {
      active += (active.empty() ? "" : " + ") + mask.used.name;
    }
  }
  if (active.empty()) {
    say_warning("unsteered_by_default",
                "requests without \"lora\" get the model without any mask",
                "leave out --default none");
  } else {
    std::cerr << "requests without \"lora\" are answered under " << active << '\n';
  }
}

void print_examples(const ServeArguments& arguments, const std::vector<ServedMask>& served) {
  const std::string url = "http://" + arguments.host + ":" + std::to_string(arguments.port);
  const std::string on = request_words(served, true);
  const std::string off = request_words(served, false);
  print_defaults(served);
  std::cerr << "\nset strengths per request (masks not listed get 0; an empty list is none at all, "
               "and the defaults hold):\n"
            << "  curl " << url << "/v1/chat/completions -d '{\"messages\": [{\"role\": \"user\", "
            << "\"content\": \"Tell me a tale.\"}], \"lora\": " << on << "}'\n"
            << "with the OpenAI Python client: client.chat.completions.create(..., "
               "extra_body={\"lora\": "
            << on << "})\n"
            << "without any mask: \"lora\": " << off << '\n'
            << "for all requests that set none:\n  curl " << url << "/lora-adapters -d '" << on
            << "'\nany client may do all of this; where it must not, bake the mask (mascing export "
               "--to gguf)\n\n"
            << std::flush;
}

std::vector<std::string> server_words(const ServeArguments& arguments,
                                      const std::vector<ServedMask>& served) {
  std::vector<std::string> words = {"-m",
                                    arguments.source.model.host.path,
                                    "--host",
                                    arguments.host,
                                    "--port",
                                    std::to_string(arguments.port)};
  words.insert(words.end(), arguments.passed_on.begin(), arguments.passed_on.end());
  for (const ServedMask& mask : served) {
    words.insert(words.end(),
                 {"--lora-scaled", mask.adapter + ":" + format_strength(mask.default_scale)});
  }
  append(template_words(arguments.source.model.chat_template()), words);
  words.insert(words.end(), {"--lora-init-without-apply", "--no-cache-prompt", "--cache-ram", "0"});
  words.insert(words.end(), arguments.rest.begin(), arguments.rest.end());
  return words;
}

void execute(const ServeArguments& arguments) {
  refuse_words(arguments.rest);
  if (arguments.source.model.chat_template().reasoning == ReasoningMode::kSkip) {
    throw Error(ErrorKind::kUsage,
                "[serve] llama-server cannot skip the reasoning",
                "use --reasoning off, or --template-arg reasoning_effort=low where the template "
                "knows it");
  }
  const std::string program = find_server(arguments.program);
  require_free_port(arguments.host, arguments.port);
  const std::vector<ServedMask> served = prepare(arguments);
  std::vector<WeightedMask> masks;
  masks.reserve(served.size());
  for (const ServedMask& mask : served) {
    masks.push_back(mask.used);
  }
  warn_of_conflicts(masks);
  print_examples(arguments, served);
  become(program, server_words(arguments, served));
}

}  // namespace

void add_serve(CLI::App& app, Session& /*session*/) {
  auto arguments = std::make_shared<ServeArguments>();
  CLI::App* command = app.add_subcommand(
      "serve",
      "Start stock llama-server with masks as adapters (OpenAI-compatible API, strength per "
      "request). Arguments after -- are passed to llama-server.");
  add_examples(
      *command,
      "  mascing serve -m model.gguf --mask defend.gguf --port 8080\n"
      "  mascing serve -m model.gguf --mask defend.gguf --mask permit.gguf --default defend.gguf\n"
      "  mascing serve -m model.gguf --mask defend.gguf=1.0 --data chats.jsonl -- -c 8192");
  command
      ->add_option("--mask",
                   arguments->masks,
                   "Mask, as FILE or FILE=STRENGTH (default: the mask's own strength)")
      ->required();
  command
      ->add_option(
          "--default",
          arguments->defaults,
          "What requests without \"lora\" get: all masks, none, or masks named here as FILE")
      ->capture_default_str();
  command->add_option("--host", arguments->host, "Address to listen on")->capture_default_str();
  command->add_option("--port", arguments->port, "Port to listen on")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  command->add_option("--server",
                      arguments->program,
                      "llama-server program; default: the one built by "
                      "scripts/build_server.sh, else the one in PATH");
  arguments->source.add_to(*command);
  command->get_option("--model")->required();
  for (const char* name : {"--mask", "--default"}) {
    command->get_option(name)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);  // or "--" behind it would be eaten
  }
  command->add_option("arguments", arguments->rest, "Arguments after --, passed to llama-server");
  command->callback([arguments, command] {
    if (command->count("--adapter") > 0) {
      refuse_options(*command, {"--data", "--rank"}, "--adapter, which brings its fit along");
    }
    arguments->passed_on = words_for_server(*command, arguments->source.model.host);
    execute(*arguments);
  });
}

}  // namespace mascing::cli
