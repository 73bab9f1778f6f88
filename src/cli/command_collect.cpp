// `mascing collect`: runs scripted conversations against a model and labels the outcome.
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/append.h"
#include "base/files.h"
#include "base/numeric.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/judge_arguments.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "format/model_parts.h"
#include "mascing/error.h"
#include "measure/make_jury.h"
#include "measure/rollout_judge.h"
#include "measure/rollouts.h"

namespace mascing::cli {
namespace {

constexpr int64_t kShownDisagreements = 5;
constexpr double kManyAtLimit = 0.1;  // share of last replies cut off that is worth a warning

struct CollectArguments {
  RolloutJob job;
  std::vector<std::string> masks;
  RolloutQuestion question;
  std::string behaviour = "answered";
  std::string judge_turns = "auto";
  std::string shard = "1/1";
  bool rewrite = false;
  bool json = false;
  JudgeOptions judge;
  JudgeArguments judges;
  ModelOptions model;
};

/// The prefix judge, or the judges named on the command line.
JudgeOptions judges_of(const CollectArguments& arguments) {
  JudgeOptions judge = arguments.judge;
  arguments.judges.apply(judge);
  const bool has_prefixes =
      !arguments.question.answer_prefixes.empty() || !judge.refusal_prefixes.empty();
  if (!judge.uses_prefixes && has_prefixes) {
    throw Error(ErrorKind::kUsage,
                "[collect] --answer-prefix and --refusal-prefix only apply to the prefix judge, "
                "which --judge replaced",
                "add --judge refusal; a verdict then needs all judges to agree");
  }
  for (const JudgeSpec& spec : judge.also) {
    if (spec.kind == JudgeKind::kModel && arguments.behaviour == "refused") {
      throw Error(ErrorKind::kUsage,
                  "[collect] --behaviour refused with the guard model " + printable(spec.model) +
                      ": its verdict \"safe\" covers both refusals and ordinary answers",
                  "use another judge, such as --judge refusal");
    }
  }
  return judge;
}

RolloutJob job_of(const CollectArguments& arguments, const JudgeOptions& judge) {
  RolloutJob job = arguments.job;
  RolloutOptions& options = job.options;
  if (options.n_attempt > 1 && options.sampling.temperature <= 0.0F) {
    throw Error(ErrorKind::kUsage,
                "[collect] --attempts " + std::to_string(options.n_attempt) +
                    " with --temperature 0: all attempts would be identical",
                "set a --temperature, such as 0.7");
  }
  job.shard = parse_shard(arguments.shard);
  job.keep_corrections = true;
  options.behaviour = arguments.question.behaviour;
  options.judge_every_turn =
      arguments.judge_turns == "every" ||
      (arguments.judge_turns == "auto" && sees_small_talk(judge, arguments.question));
  options.n_together = judged_together(judge);
  options.keep_replies = !arguments.rewrite;
  if (!arguments.masks.empty()) {
    const Mask mask = compose_from(arguments.masks);
    options.steering = {std::make_shared<const Mask>(mask), mask.alpha};
  }
  const nlohmann::json settings = {arguments.model.n_thread(),
                                   arguments.model.key(),
                                   arguments.judge.default_prefixes,
                                   arguments.judge.refusal_prefixes,
                                   arguments.question.answer_prefixes,
                                   judges_key(judge)};
  job.settings = settings.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return job;
}

nlohmann::json as_json(const JudgesResult& judges) {
  nlohmann::json pairs = nlohmann::json::array();
  for (const AgreementResult& pair : judges.agreement) {
    pairs.push_back({{"first", pair.first},
                     {"second", pair.second},
                     {"n", pair.n},
                     {"agreed", pair.n_agreed},
                     {"kappa", pair.kappa ? nlohmann::json(*pair.kappa) : nlohmann::json()}});
  }
  nlohmann::json listed = nlohmann::json::array();
  for (const Disagreement& one : judges.disagreements) {
    listed.push_back({{"id", one.id}, {"reply", one.reply}, {"verdicts", one.verdicts}});
  }
  return {{"agreement", std::move(pairs)},
          {"n_disagreement", judges.n_disagreement},
          {"disagreements", std::move(listed)}};
}

void print_agreement(const JudgesResult& judges) {
  for (const AgreementResult& pair : judges.agreement) {
    std::cout << "judges " << pair.first << " and " << pair.second << " agree on " << pair.n_agreed
              << " of " << pair.n << " replies judged in this run"
              << (pair.kappa ? ", Cohen's kappa " + format_number(*pair.kappa, 2) : "") << '\n';
  }
  const int64_t n_shown = std::min(std::ssize(judges.disagreements), kShownDisagreements);
  for (int64_t i = 0; i < n_shown; ++i) {
    const Disagreement& one = judges.disagreements[i];
    std::cout << "  " << one.id << ":";
    for (const auto& [judge, verdict] : one.verdicts) {
      std::cout << ' ' << judge << " says " << verdict << ';';
    }
    std::cout << " reply: " << printable(one.reply) << '\n';
  }
  if (judges.n_disagreement > n_shown) {
    std::cout << "  " << judges.n_disagreement - n_shown << " more; --json lists the first "
              << judges.disagreements.size() << '\n';
  }
}

void print_summary(const RolloutSummary& summary,
                   const JudgesResult& judges,
                   const CollectArguments& arguments) {
  if (arguments.json) {
    nlohmann::json failed = nlohmann::json::array();
    for (const Skipped& failure : summary.failed) {
      failed.push_back({{"id", failure.id}, {"reason", failure.reason}});
    }
    const nlohmann::json value = {{"output", arguments.job.output},
                                  {"conversations", summary.n_script},
                                  {"label_1", summary.n_label_1},
                                  {"label_0", summary.n_label_0},
                                  {"at_token_limit", summary.n_at_limit},
                                  {"with_cut_turns", summary.n_cut},
                                  {"unfinished", summary.n_unfinished},
                                  {"judges", as_json(judges)},
                                  {"failed", std::move(failed)}};
    std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return;
  }
  std::cout << counted(summary.n_script, "conversation") << ": " << summary.n_label_1 << " "
            << arguments.behaviour << " (label 1), " << summary.n_label_0 << " not (label 0); "
            << summary.failed.size() << " failed\n";
  for (const Skipped& failure : summary.failed) {
    std::cout << "  failed " << failure.id << ": " << failure.reason << '\n';
  }
  print_agreement(judges);
}

void warn(const RolloutSummary& summary) {
  const double at_limit = ratio(summary.n_at_limit, summary.n_script);
  if (at_limit > kManyAtLimit) {
    say_warning("replies_at_token_limit",
                format_percent(at_limit) + " of the last replies hit the token limit",
                "raise --max-tokens; refusals after the limit are missed");
  }
  if (summary.n_cut > 0) {
    say_warning("turns_cut",
                std::to_string(summary.n_cut) + " of " + std::to_string(summary.n_script) +
                    " conversations go on after an assistant turn that the token limit cut off; "
                    "their rows have \"cut_turns\"",
                "raise --max-tokens; the model sees such a turn as if it had ended");
  }
  if (summary.n_unfinished > 0) {
    say_warning("replies_unfinished",
                std::to_string(summary.n_unfinished) + " of " + std::to_string(summary.n_script) +
                    " conversations failed because a reply ended within the model's reasoning",
                "raise --max-reasoning-tokens, or use --reasoning off or skip");
  }
  if (summary.n_changed > 0) {
    say_warning("replies_changed",
                "after a re-run, " + counted(summary.n_changed, "conversation") +
                    " of an interrupted group came out differently; "
                    "the first version is kept",
                "the inference engine is not bitwise reproducible on this machine");
  }
}

RolloutSummary roll_out(const RolloutJob& job,
                        const CollectArguments& arguments,
                        Judge& judge,
                        JudgesResult& judges) {
  const auto host = arguments.model.open();
  ProgressLine line;
  AgreementCount agreement;
  RolloutSummary summary = collect_rollouts(
      *host, job, judged_by(judge, arguments.question, &agreement), line.callback());
  agreement.write(judges);
  return summary;
}

/// Scripts, model, masks, and all that belongs to judges.
std::vector<std::string> inputs_of(const CollectArguments& arguments, const JudgeOptions& judges) {
  std::vector<std::string> inputs = arguments.job.inputs;
  append(files_of_model(arguments.model.host.path), inputs);
  append(paths_of_masks(arguments.masks), inputs);
  for (const JudgeSpec& judge : judges.also) {
    append(files_of_model(judge.model), inputs);
    append(judge.command, inputs);  // a word may be the name of a program or of its data
    append({judge.answer_key, judge.known}, inputs);
  }
  return inputs;
}

void execute(CollectArguments& arguments, Session& session) {
  arguments.question.behaviour = parse_verdict(arguments.behaviour);
  const JudgeOptions judges = judges_of(arguments);
  const RolloutJob job = job_of(arguments, judges);
  for (const std::string& own : {job.output, journal_path(job.output), verdicts_path(job.output)}) {
    refuse_to_overwrite(own, inputs_of(arguments, judges));
  }
  for (const std::string& part : job.merge) {
    refuse_to_overwrite(job.output, {part, journal_path(part)});
  }
  { const AtomicFile probe(job.output); }  // fail before the verdict cache is created
  const Progress may_stop = [](const ProgressEvent&) { return !stop_was_requested(); };
  const std::unique_ptr<Jury> judge =
      make_jury(judges, {}, {arguments.model.judge_opener(), verdicts_path(job.output), may_stop});
  judge->self_test();
  if (arguments.judge_turns == "auto" && !job.options.judge_every_turn) {
    std::cerr
        << "note: refusal prefixes cannot tell an answer from small talk, so only last replies are "
           "judged; change this with --judge, --answer-prefix or --judge-turns every\n";
  }
  JudgesResult judges_result;
  const RolloutSummary summary = roll_out(job, arguments, *judge, judges_result);
  if (summary.n_kept > 0) {
    std::cerr << counted(summary.n_kept, "conversation") << " already done\n";
  }
  print_summary(summary, judges_result, arguments);
  warn(summary);
  say_written(
      job.output,
      job.shard.is_whole()
          ? command_line(
                {"mascing", "trace", job.output, "-m", arguments.model.host.path, "-o", "traces/"})
          : "the same command with --merge and the outputs of all shards");
  session.exit_code = 0;
}

void add_play_options(CLI::App& command, CollectArguments& arguments) {
  RolloutOptions& options = arguments.job.options;
  command
      .add_option("--attempts",
                  options.n_attempt,
                  "Maximum attempts per conversation until the behaviour shows")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command
      .add_option("--temperature", options.sampling.temperature, "Sampling temperature, 0 = greedy")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  options.sampling.n_max_token = 1024;
  options.sampling.n_max_reasoning_token = 2048;
  command
      .add_option("--max-tokens",
                  options.sampling.n_max_token,
                  "Maximum tokens per reply, of its visible part")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      .add_option("--max-reasoning-tokens",
                  options.sampling.n_max_reasoning_token,
                  "Maximum tokens of the reasoning before it, where the model reasons")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command
      .add_option("--history", options.n_history, "Earlier user turns shown to the model, 0 = all")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command.add_option("--system",
                     arguments.job.system_prompt,
                     "System prompt, prepended to that of the conversation");
  command.add_flag("--rewrite",
                   arguments.rewrite,
                   "Regenerate all assistant turns, including those in the file");
  command
      .add_option(
          "--mask", arguments.masks, "Steer the model with this mask, FILE or FILE=STRENGTH")
      ->allow_extra_args(false);
  add_seed(command, options.sampling.seed);
}

void add_judge_options(CLI::App& command, CollectArguments& arguments) {
  command.add_option("--behaviour", arguments.behaviour, "Verdict that gives label 1")
      ->check(CLI::IsMember({"answered", "refused"}))
      ->capture_default_str();
  command
      .add_option("--judge-turns",
                  arguments.judge_turns,
                  "Replies to judge: every, last, or auto (every reply if the judge can "
                  "tell an answer from small talk)")
      ->check(CLI::IsMember({"auto", "every", "last"}))
      ->capture_default_str();
  command
      .add_option("--answer-prefix",
                  arguments.question.answer_prefixes,
                  "Prefix that marks a reply as an answer; may be repeated")
      ->allow_extra_args(false);
  command
      .add_option("--refusal-prefix",
                  arguments.judge.refusal_prefixes,
                  "Extra prefix that marks a reply as a refusal; may be repeated")
      ->allow_extra_args(false);
  arguments.judges.add_to(command);
}

}  // namespace

void add_collect(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<CollectArguments>();
  CLI::App* command = app.add_subcommand(
      "collect",
      "Run scripted conversations turn by turn; the model writes the assistant's replies. A "
      "conversation ends at the first reply that shows the behaviour (label 1) or when the script "
      "runs out (label 0). "
      "Progress is saved in OUTPUT.journal; run the same command again to resume.");
  add_examples(*command,
               "  mascing collect conversations.jsonl -m model.gguf -o labelled.jsonl\n"
               "  mascing collect conversations.jsonl -m model.gguf --judge llama-guard.gguf -o "
               "labelled.jsonl\n"
               "  mascing collect conversations.jsonl -m model.gguf -o part-2.jsonl --shard 2/4");
  arguments->job.output = "labelled.jsonl";
  command->add_option("files", arguments->job.inputs, "Conversations (JSONL)")->required();
  command->add_option("-o,--output", arguments->job.output, "File to write")->capture_default_str();
  add_play_options(*command, *arguments);
  add_judge_options(*command, *arguments);
  command
      ->add_option("--group",
                   arguments->job.n_group,
                   "Conversations per group; an interrupted run repeats at most one group")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option(
          "--shard", arguments->shard, "Run shard I of N, such as 2/4; combine with --merge")
      ->capture_default_str();
  command->add_option(
      "--merge", arguments->job.merge, "Shard outputs to combine; missing conversations are run");
  command->add_flag("--json", arguments->json, "Print the summary as JSON");
  arguments->model.add_to(*command);
  arguments->model.add_judge_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
