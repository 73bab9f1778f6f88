// `mascing steer`: optimises a steering matrix through a surrogate, or takes the difference of
// means.
#include <iostream>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "format/mask_file.h"
#include "format/surrogate_file.h"
#include "format/trace_store.h"
#include "mascing/error.h"
#include "mascing/steer.h"

namespace mascing::cli {
namespace {

struct SteerArguments {
  std::string traces;
  std::string surrogate;
  std::string output = "mask.gguf";
  std::string sigma = "token";
  double alpha = 1.0;
  double norm = 0.0;
  SteerOptions options;
};

SteerTraces divide(const TraceSet& set, int target) {
  SteerTraces divided;
  for (size_t i = 0; i < set.traces.size(); ++i) {
    const int label = set.traces[i].label;
    if (label == 1 - target) {
      divided.target.push_back(static_cast<int64_t>(i));
    } else if (label < 0) {
      divided.preserve.push_back(static_cast<int64_t>(i));
    }
  }
  return divided;
}

Mask mask_of(const TraceSet& set,
             const SteerArguments& arguments,
             const SteerOptions& options,
             SteerResult result) {
  Mask mask = mask_for(set);
  mask.sigma_rule = options.sigma_rule;
  mask.alpha = static_cast<float>(arguments.alpha);
  mask.lambda = static_cast<float>(options.lambda);
  mask.threshold = static_cast<float>(options.threshold);
  mask.method = arguments.norm > 0.0 ? "mean_difference" : "surrogate";
  mask.seed = options.seed;
  mask.data_hash = hash_traces(set);
  mask.steer = std::move(result.steer);
  mask.sigma = std::move(result.sigma);
  mask.validate();
  return mask;
}

SteerResult compute(const TraceSet& set,
                    const SteerArguments& arguments,
                    const SteerOptions& options) {
  if (arguments.norm > 0.0) {
    return mean_difference(set, options.target, arguments.norm, options.threshold);
  }
  if (arguments.surrogate.empty()) {
    throw Error(ErrorKind::kUsage,
                "[steer] neither --surrogate nor --mean-difference was given",
                "train one: mascing train " + arguments.traces + " -o surrogate.safetensors");
  }
  const Surrogate surrogate = read_surrogate(arguments.surrogate, nullptr);
  ProgressLine line;
  return optimise_steering(surrogate, set, divide(set, options.target), options, line.callback());
}

void execute(const SteerArguments& arguments, Session& session) {
  SteerOptions options = arguments.options;
  options.n_thread = resolve_threads(options.n_thread);
  options.sigma_rule = parse_sigma_rule(arguments.sigma);
  const TraceSet set = read_traces(arguments.traces);
  SteerResult result = compute(set, arguments, options);
  if (!result.epochs.empty()) {
    std::cout << "loss " << format_number(result.epochs.front().loss, 4) << " -> "
              << format_number(result.epochs.back().loss, 4)
              << " (what the surrogate says; test the mask on the model)\n";
  }
  const Mask mask = mask_of(set, arguments, options, std::move(result));
  write_mask(arguments.output, mask);
  std::cout << mask.n_active() << " of " << mask.n_layer * mask.n_expert << " entries are active\n";
  say_written(arguments.output,
              "mascing eval scenario.toml -m model.gguf --mask " + arguments.output);
  session.exit_code = 0;
}

}  // namespace

void add_steer(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<SteerArguments>();
  arguments->options.n_thread = 0;
  CLI::App* command = app.add_subcommand(
      "steer", "Optimises a steering matrix (layers x experts) and writes a mask.");
  add_examples(*command, "  mascing steer traces/ --surrogate surrogate.safetensors -o mask.gguf");
  SteerOptions& o = arguments->options;
  command->add_option("traces", arguments->traces, "Trace store")->required();
  command->add_option(
      "--surrogate", arguments->surrogate, "Surrogate, as `mascing train` writes it");
  command
      ->add_option("--mean-difference",
                   arguments->norm,
                   "Take the difference of class means at this norm instead")
      ->check(CLI::Range(1e-6, 1e6));
  command->add_option("-o,--output", arguments->output, "File to write")->capture_default_str();
  command->add_option("--target", o.target, "Class to steer to")
      ->check(CLI::Range(0, 1))
      ->capture_default_str();
  command->add_option("--lambda", o.lambda, "Weight of |S|_1")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--epochs", o.n_epoch, "Passes over the traces")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--threshold", o.threshold, "Entries up to this become zero")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--preserve", o.preserve, "Weight of the routing change on unlabelled traces")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command->add_option("--sigma", arguments->sigma, "token, calibrated or batch")
      ->capture_default_str();
  command->add_option("--alpha", arguments->alpha, "Suggested strength to store")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  add_seed(*command, o.seed);
  add_threads(*command, o.n_thread);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
