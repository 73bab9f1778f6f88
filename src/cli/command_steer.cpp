// `mascing steer`: optimises one or more steering matrices through surrogates, or takes the
// difference of class means.
#include <array>
#include <charconv>
#include <iostream>
#include <set>
#include <utility>

#include "base/append.h"
#include "base/files.h"
#include "base/numeric.h"
#include "base/sorted_unique.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "mascing/error.h"
#include "mascing/mask_algebra.h"
#include "mascing/mask_file.h"
#include "mascing/steer.h"
#include "mascing/surrogate_file.h"
#include "mascing/trace_store.h"

namespace mascing::cli {
namespace {

struct SteerArguments {
  std::string traces;
  std::vector<std::string> surrogates;
  std::string output = "mask.gguf";
  std::string sigma = "token";
  std::string optimizer = "proximal";
  std::vector<double> lambdas = {1e-3};
  double alpha = 1.0;
  double norm = 0.0;
  SteerOptions options;
};

/// Warns if it was trained on traces of another model; the sizes are checked later.
Surrogate read_surrogate_for(const TraceSet& set, const std::string& path) {
  std::map<std::string, std::string> metadata;
  Surrogate surrogate = read_surrogate(path, &metadata);
  const auto fingerprint = metadata.find("fingerprint");
  if (fingerprint != metadata.end() && fingerprint->second != set.fingerprint) {
    say_warning("surrogate_of_another_model",
                printable(path, 200) + " was trained on traces of a model with other routers (" +
                    fingerprint->second.substr(0, 12) + ") than these (" +
                    set.fingerprint.substr(0, 12) + ")",
                "train one on these traces, unless both are one model in two quantisations");
  }
  return surrogate;
}

SteerTraces divide(const TraceSet& set, int target) {
  SteerTraces divided;
  for (int64_t i = 0; i < std::ssize(set.traces); ++i) {
    const int label = set.traces[i].label;
    if (label == 1 - target) {
      divided.target.push_back(i);
    } else if (label < 0) {
      divided.preserve.push_back(i);
    }
  }
  return divided;
}

/// `trained_on`: conversations of the surrogate it was found with.
Mask mask_of(const TraceSet& set,
             const SteerArguments& arguments,
             const SteerOptions& options,
             const std::vector<std::string>& trained_on,
             SteerResult result) {
  Mask mask = mask_for(set);
  append(trained_on, mask.conversations);
  mask.conversations = sorted_unique(std::move(mask.conversations));
  mask.sigma_rule = options.sigma_rule;
  mask.alpha = to_float(arguments.alpha);
  mask.lambda = to_float(options.lambda);
  mask.threshold = to_float(options.threshold);
  mask.method = arguments.norm > 0.0 ? "mean_difference" : "surrogate";
  mask.seed = options.seed;
  mask.data_hash = hash_traces(set);
  mask.steer = std::move(result.steer);
  mask.sigma = std::move(result.sigma);
  mask.validate();
  return mask;
}

/// One cell per surrogate and lambda.
std::vector<SteerCell> cells_of(const SteerArguments& arguments, const SteerOptions& options) {
  std::vector<SteerCell> cells;
  for (int64_t i = 0; i < std::ssize(arguments.surrogates); ++i) {
    for (const double lambda : arguments.lambdas) {
      cells.push_back({i, options});
      cells.back().options.lambda = lambda;
    }
  }
  return cells;
}

/// The shortest digits that give this number again.
std::string exact_number(double value) {
  std::array<char, 32> text{};
  const auto [end, failure] = std::to_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} ? std::string(text.data(), end) : "nan";
}

/// mask.gguf for a single result; mask-s<surrogate>-l<lambda>.gguf for one of several.
std::string path_of(const SteerArguments& arguments, const SteerCell& cell, bool is_single) {
  if (is_single) {
    return arguments.output;
  }
  const std::string ending = ".gguf";
  const std::string& output = arguments.output;
  const std::string stem =
      output.ends_with(ending) ? output.substr(0, output.size() - ending.size()) : output;
  return stem + "-s" + std::to_string(cell.i_surrogate) + "-l" + exact_number(cell.options.lambda) +
         ending;
}

/// Before the work: that all results can be written, each to a file of its own that is no input.
void require_outputs(const SteerArguments& arguments, const std::vector<SteerCell>& cells) {
  std::vector<std::string> inputs = files_of_traces(arguments.traces);
  inputs.insert(inputs.end(), arguments.surrogates.begin(), arguments.surrogates.end());
  std::set<std::string> paths;
  for (const SteerCell& cell : cells) {
    const std::string path = path_of(arguments, cell, cells.size() == 1);
    refuse_to_overwrite(path, inputs);
    const AtomicFile probe(path);
    if (!paths.insert(path).second) {
      throw Error(ErrorKind::kUsage,
                  "[steer] two results would have the name " + path,
                  "give each value of --lambda once");
    }
  }
}

void print_result(const SteerResult& result, const Mask& mask, bool has_preserve) {
  if (!result.epochs.empty()) {
    std::cout << "loss " << format_number(result.epochs.front().loss, 4) << " -> "
              << format_number(result.epochs[result.best_epoch].loss, 4) << " after "
              << result.epochs.size()
              << " epochs (according to the surrogate; test the mask on the "
              << "model)\n";
  }
  std::cout << mask.n_active() << " of " << mask.n_layer * mask.n_expert << " entries active";
  if (has_preserve) {
    std::cout << "; " << format_number(100.0 * result.flips, 1)
              << " % of expert choices change at alpha 1 (unlabelled traces)";
  }
  std::cout << "\n";
}

void write_result(const TraceSet& set,
                  const SteerArguments& arguments,
                  const SteerCell& cell,
                  const std::vector<std::string>& trained_on,
                  SteerResult result,
                  bool is_single) {
  const bool has_preserve = result.flips > 0.0 || !divide(set, 0).preserve.empty();
  SteerResult kept = result;
  const Mask mask = mask_of(set, arguments, cell.options, trained_on, std::move(result));
  const std::string path = path_of(arguments, cell, is_single);
  write_mask(path, mask);
  if (!is_single) {
    std::cout << "surrogate " << cell.i_surrogate << ", lambda "
              << exact_number(cell.options.lambda) << ":\n";
  }
  print_result(kept, mask, has_preserve && !kept.epochs.empty());
  say_written(path, command_line({"mascing", "mask", "show", path}));
}

SteerOptimizer parse_optimizer(const std::string& name) {
  if (name == "paper") {
    return SteerOptimizer::kPaper;
  }
  if (name == "proximal") {
    return SteerOptimizer::kProximal;
  }
  throw Error(ErrorKind::kUsage,
              "[steer] optimizer '" + name + "', expected proximal or paper",
              "see `mascing steer --help`");
}

void execute(const SteerArguments& arguments, Session& session) {
  SteerOptions options = arguments.options;
  options.n_thread = resolve_threads(options.n_thread);
  options.sigma_rule = parse_sigma_rule(arguments.sigma);
  options.optimizer = parse_optimizer(arguments.optimizer);
  const TraceSet set = read_traces(arguments.traces);
  session.exit_code = 0;
  if (arguments.norm > 0.0) {
    require_outputs(arguments, {{0, options}});
    write_result(set,
                 arguments,
                 {0, options},
                 {},
                 mean_difference(set, options.target, arguments.norm, options.threshold),
                 true);
    return;
  }
  if (arguments.surrogates.empty()) {
    throw Error(
        ErrorKind::kUsage,
        "[steer] neither --surrogate nor --mean-difference was given",
        "train one: " +
            command_line({"mascing", "train", arguments.traces, "-o", "surrogate.safetensors"}));
  }
  std::vector<Surrogate> surrogates;
  for (const std::string& path : arguments.surrogates) {
    surrogates.push_back(read_surrogate_for(set, path));
  }
  const std::vector<SteerCell> cells = cells_of(arguments, options);
  require_outputs(arguments, cells);
  std::vector<SteerResult> results;
  {
    ProgressLine line;
    results = optimise_steering_grid(
        surrogates, set, divide(set, options.target), cells, line.callback());
  }
  for (size_t i = 0; i < cells.size(); ++i) {
    write_result(set,
                 arguments,
                 cells[i],
                 surrogates[cells[i].i_surrogate].conversations,
                 std::move(results[i]),
                 cells.size() == 1);
  }
}

void add_objective_options(CLI::App& command, SteerArguments& arguments) {
  SteerOptions& o = arguments.options;
  command.add_option("--target", o.target, "Class to steer towards")
      ->check(CLI::Range(0, 1))
      ->capture_default_str();
  command
      .add_option("--lambda",
                  arguments.lambdas,
                  "Weight of |S|_1; several comma-separated values are optimised together")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command
      .add_option("--optimizer",
                  arguments.optimizer,
                  "proximal (keeps unneeded entries at 0) or paper (subgradient)")
      ->capture_default_str();
  command.add_option("--threshold", o.threshold, "Entries with magnitude up to this are set to 0")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command
      .add_option(
          "--preserve", o.preserve, "Penalty weight for routing changes on unlabelled traces")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command
      .add_option("--preserve-reach",
                  o.preserve_reach,
                  "Penalise experts down to this many sigma below the k-th largest, 0 = all")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command.add_option("--sigma", arguments.sigma, "Sigma rule: token, calibrated or batch")
      ->capture_default_str();
}

void add_run_options(CLI::App& command, SteerArguments& arguments) {
  SteerOptions& o = arguments.options;
  command.add_option("--epochs", o.n_epoch, "Maximum number of epochs")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--learning-rate", o.learning_rate, "Learning rate of Adam")
      ->check(CLI::Range(1e-8, 10.0))
      ->capture_default_str();
  command
      .add_option("--validation-share",
                  o.validation_share,
                  "Share of conversations held out for validation, split by topic")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command
      .add_option("--patience",
                  o.n_patience,
                  "Epochs without validation improvement before stopping, 0 = never")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command.add_option("--alpha", arguments.alpha, "Default strength stored in the mask")
      ->check(CLI::Range(0.0, kMaxStrength))
      ->capture_default_str();
  add_seed(command, o.seed);
  add_threads(command, o.n_thread);
}

}  // namespace

void add_steer(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<SteerArguments>();
  arguments->options.n_thread = 0;
  CLI::App* command = app.add_subcommand(
      "steer", "Optimise a steering matrix (layers x experts) and write a mask.");
  add_examples(*command,
               "  mascing steer traces/ --surrogate surrogate.safetensors -o mask.gguf\n"
               "  mascing steer traces/ --surrogate a.safetensors --surrogate b.safetensors "
               "--lambda 0,1e-5,1e-4,1e-3");
  command->add_option("traces", arguments->traces, "Trace store")->required();
  command
      ->add_option("--surrogate",
                   arguments->surrogates,
                   "Surrogate file from `mascing train`; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option("--mean-difference",
                   arguments->norm,
                   "Use the difference of class means, scaled to this norm, instead")
      ->check(CLI::Range(1e-6, 1e6));
  command
      ->add_option("-o,--output",
                   arguments->output,
                   "File to write; used as the name prefix for several results")
      ->capture_default_str();
  add_objective_options(*command, *arguments);
  add_run_options(*command, *arguments);
  for (const char* other : {"--surrogate",
                            "--lambda",
                            "--optimizer",
                            "--preserve",
                            "--preserve-reach",
                            "--epochs",
                            "--learning-rate",
                            "--validation-share",
                            "--patience"}) {
    command->get_option("--mean-difference")->excludes(other);
  }
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
