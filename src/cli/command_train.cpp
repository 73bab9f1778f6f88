// `mascing train`: fits a surrogate to a trace store.
#include <iostream>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "mascing/error.h"
#include "mascing/surrogate_file.h"
#include "mascing/trace_store.h"
#include "mascing/train.h"
#include "mascing/validate.h"
#include "mascing/version.h"

namespace mascing::cli {
namespace {

struct TrainArguments {
  std::string traces;
  std::string output = "surrogate.safetensors";
  int64_t n_fold = 5;
  TrainOptions options;
};

/// Cross-validates and prints the result. Too few conversations do not fail the command.
std::string validate(const TraceSet& set, const TrainArguments& arguments, int64_t n_thread) {
  if (arguments.n_fold == 0) {
    return {};
  }
  ValidationOptions options;
  options.n_fold = arguments.n_fold;
  options.train = arguments.options;
  options.train.n_thread = n_thread;
  try {
    ProgressLine line;
    const ValidationReport r = cross_validate(set, options, line.callback());
    std::string auc = format_number(r.surrogate.auc, 3);
    std::cout << arguments.n_fold << "-fold validation" << (r.is_by_topic ? " by topic" : "")
              << ": AUC " << auc << " [" << format_number(r.surrogate.low, 3) << ", "
              << format_number(r.surrogate.high, 3) << "] (length alone "
              << format_number(r.length_auc, 3) << ", topic alone " << format_number(r.topic_auc, 3)
              << "), calibration error " << format_number(r.calibration_error, 3) << "\n";
    for (const Warning& warning : r.warnings) {
      std::cerr << "warning: " << warning.id << ": " << warning.text << "\n  " << warning.advice
                << "\n";
    }
    return auc;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInsufficient) {
      throw;
    }
    std::cerr << "not cross-validated: " << error.what() << "\n";
    return {};
  }
}

void execute(const TrainArguments& arguments, Session& session) {
  TrainOptions options = arguments.options;
  options.n_thread = resolve_threads(options.n_thread);
  refuse_to_overwrite(arguments.output, files_of_traces(arguments.traces));
  { const AtomicFile probe(arguments.output); }  // fail before the work
  const TraceSet set = read_traces(arguments.traces);
  ProgressLine line;
  const TrainResult result = train_surrogate(set, options, line.callback());
  const TrainReport& r = result.report;
  const std::string auc = validate(set, arguments, options.n_thread);
  write_surrogate(arguments.output,
                  result.surrogate,
                  {{"tool_version", version()},
                   {"seed", std::to_string(options.seed)},
                   {"traces", hash_traces(set)},
                   {"fingerprint", set.fingerprint},
                   {"cross_validation_auc", auc}});
  std::cout << "trained on " << r.n_train << " conversations, validated on " << r.n_validation
            << " with other topics\n"
            << "validation accuracy " << format_number(r.validation_accuracy, 3)
            << " (majority class: " << format_number(r.majority_accuracy, 3) << "), AUC "
            << format_number(r.validation_auc, 3)
            << " (message length alone: " << format_number(r.length_auc, 3) << ")\n";
  say_written(
      arguments.output,
      command_line({"mascing", "steer", arguments.traces, "--surrogate", arguments.output}));
  session.exit_code = 0;
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<TrainArguments>();
  arguments->options.n_thread = 0;
  CLI::App* command = app.add_subcommand(
      "train", "Fit the surrogate, which predicts the probability of label 1 from a trace.");
  add_examples(*command, "  mascing train traces/ -o surrogate.safetensors");
  TrainOptions& o = arguments->options;
  command->add_option("traces", arguments->traces, "Trace store from `mascing trace`")->required();
  command->add_option("-o,--output", arguments->output, "File to write")->capture_default_str();
  command->add_option("--epochs", o.n_epoch, "Number of epochs")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--batch", o.n_batch, "Conversations per step")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--learning-rate", o.learning_rate, "Learning rate of Adam")
      ->check(CLI::Range(1e-8, 10.0))
      ->capture_default_str();
  command
      ->add_option(
          "--patience", o.n_patience, "Epochs without improvement before stopping, 0 = never")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command
      ->add_option("--folds", arguments->n_fold, "Folds of the cross-validation by topic, 0 = none")
      ->check(CLI::Range(0, 100))
      ->check([](const std::string& n) {
        return n == "1" ? "one fold leaves nothing to train on; use 2 or more, or 0 for none" : "";
      })
      ->capture_default_str();
  add_seed(*command, o.seed);
  add_threads(*command, o.n_thread);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
