// `mascing eval`: evaluates a mask on the test split of a scenario.
#include <iostream>
#include <optional>

#include "base/numeric.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/judge_arguments.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "mascing/error.h"
#include "mascing/mask_algebra.h"
#include "mascing/report.h"
#include "mascing/run.h"
#include "mascing/scenario.h"

namespace mascing::cli {
namespace {

struct EvalArguments {
  std::string scenario;
  std::vector<std::string> masks;
  std::string output = "out/eval";
  std::optional<double> alpha;
  std::string shard = "1/1";
  std::vector<std::string> merge;
  uint64_t seed = 0;
  bool is_played = false;
  bool is_replayed = false;
  bool json = false;
  bool is_quiet = false;
  JudgeArguments judges;
  SampleOptions samples;
  VerdictOptions verdict;
  ModelOptions model;
};

/// The sum of the masks, at the strength that was asked for.
Mask mask_of(const EvalArguments& arguments) {
  const bool has_strengths = paths_of_masks(arguments.masks) != arguments.masks;
  if (arguments.alpha && (has_strengths || arguments.masks.size() > 1)) {
    throw Error(ErrorKind::kUsage,
                "[eval] --alpha is the strength of one mask without another one behind its name",
                "write each as --mask FILE=STRENGTH, without --alpha");
  }
  Mask mask = compose_from(arguments.masks);
  mask.alpha = arguments.alpha ? to_float(*arguments.alpha) : mask.alpha;
  return mask;
}

void execute(EvalArguments& arguments, Session& session) {
  Scenario scenario = read_scenario(arguments.scenario);
  arguments.judges.apply(scenario);
  arguments.samples.apply(scenario);
  arguments.model.adopt(scenario.chat_template);
  const Mask mask = mask_of(arguments);
  RunOptions options =
      arguments.model.run_options(arguments.output, arguments.seed, session.command_line);
  options.shard = parse_shard(arguments.shard);
  options.merge = arguments.merge;
  options.attacks = arguments.is_played ? Attacks::kPlayed : Attacks::kReplayed;
  if (arguments.is_played && scenario.sample_seeds && !scenario.sample_seeds->empty()) {
    throw Error(ErrorKind::kUsage,
                "[eval] --play does not sample replies, but the scenario or --samples asks for it",
                "add --samples 0");
  }
  if (holds_run(arguments.output)) {
    throw Error(ErrorKind::kUsage,
                "[eval] " + printable(arguments.output, 200) + " holds the results of a run",
                "give the evaluation a folder of its own: -o another/");
  }
  const auto host = arguments.model.open();
  ProgressLine line(arguments.is_quiet);
  if (!options.shard.is_whole()) {
    evaluate_shard(scenario, mask, mask.alpha, *host, options, line.callback());
    line.finish_line();
    if (!arguments.is_quiet) {
      say_written(arguments.output + "/cache",
                  "run the same command with --merge and the folders of all shards");
    }
    session.exit_code = 0;
    return;
  }
  const RunOutcome outcome =
      evaluate_mask(scenario, mask, mask.alpha, *host, options, line.callback());
  line.finish_line();
  std::cout << (arguments.json ? to_json(outcome.results)
                               : render_table(outcome.results, wants_colour()))
            << std::flush;
  if (!arguments.is_quiet) {
    say_written(arguments.output + "/results.json, " + arguments.output + "/report.html", "");
  }
  if (!outcome.failure.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[eval] " + outcome.failure,
                "use a smaller --alpha or another mask");
  }
  session.exit_code = arguments.verdict.exit_code(outcome.results.verdict);
}

}  // namespace

void add_eval(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = app.add_subcommand(
      "eval", "Evaluate a mask on the test split of a scenario, base vs. steered.");
  add_examples(*command,
               "  mascing eval scenario.toml -m model.gguf --mask mask.gguf --alpha 0.75\n"
               "  mascing eval scenario.toml -m model.gguf --mask mask.gguf -o part-2 --shard 2/4");
  command->add_option("scenario", arguments->scenario, "Scenario file (TOML)")->required();
  command
      ->add_option(
          "--mask", arguments->masks, "Mask, as FILE or FILE=STRENGTH; repeat to combine masks")
      ->required()
      ->allow_extra_args(false);
  command->add_option("--alpha", arguments->alpha, "Strength; default: the one stored in the mask")
      ->check(CLI::Range(-kMaxStrength, kMaxStrength));
  command
      ->add_option("-o,--output",
                   arguments->output,
                   "Folder for results and cache, not that of a run; earlier results of other "
                   "inputs move to earlier-1 and so on")
      ->capture_default_str();
  auto* shard = command
                    ->add_option("--shard",
                                 arguments->shard,
                                 "Evaluate shard I of N, such as 2/4; combine with --merge")
                    ->capture_default_str();
  command
      ->add_option("--merge",
                   arguments->merge,
                   "Shard folders to combine; missing conversations are evaluated")
      ->excludes(shard);
  auto* replay = command->add_flag("--replay",
                                   arguments->is_replayed,
                                   "Keep the recorded assistant turns of a conversation (default)");
  command
      ->add_flag("--play",
                 arguments->is_played,
                 "Let each side, unsteered and steered, write the earlier assistant turns itself, "
                 "as it would against an attacker")
      ->excludes(replay)
      ->excludes(shard)
      ->excludes("--merge");
  arguments->samples.add_to(*command);
  add_seed(*command, arguments->seed);
  arguments->verdict.add_to(*command);
  command->add_flag(
      "-q,--quiet", arguments->is_quiet, "No progress; results, warnings and errors only");
  command->add_flag("--json", arguments->json, "Print results.json instead of the table");
  arguments->judges.add_to(*command);
  arguments->model.add_to(*command);
  arguments->model.add_judge_to(*command);
  command->callback([arguments, command, &session] {
    if (!parse_shard(arguments->shard).is_whole()) {
      refuse_options(*command, {"--fail-on", "--json"}, "--shard, which ends without results");
    }
    execute(*arguments, session);
  });
}

}  // namespace mascing::cli
