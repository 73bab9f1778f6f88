// `mascing collect`: plays scripts against a model and labels what came of it.
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/judge_arguments.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "mascing/error.h"
#include "measure/make_jury.h"
#include "measure/rollout_judge.h"
#include "measure/rollouts.h"

namespace mascing::cli {
namespace {

constexpr size_t kShownDisagreements = 5;
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

/// The prefixes, or what stands in their place.
JudgeOptions judges_of(const CollectArguments& arguments) {
  JudgeOptions judge = arguments.judge;
  arguments.judges.apply(judge);
  const bool has_prefixes =
      !arguments.question.answer_prefixes.empty() || !judge.refusal_prefixes.empty();
  if (!judge.uses_prefixes && has_prefixes) {
    throw Error(ErrorKind::kUsage,
                "[collect] --answer-prefix and --refusal-prefix are for the judge of prefixes, "
                "which --judge leaves out",
                "add --judge refusal: then all must agree");
  }
  for (const JudgeSpec& spec : judge.also) {
    if (spec.kind == JudgeKind::kModel && arguments.behaviour == "refused") {
      throw Error(ErrorKind::kUsage,
                  "[collect] --behaviour refused with the guard model " + printable(spec.model) +
                      ": what it calls safe may be a refusal or an ordinary answer",
                  "take another judge, such as --judge refusal");
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
                    " with --temperature 0: every attempt would be the same",
                "give a --temperature, such as 0.7");
  }
  job.shard = parse_shard(arguments.shard);
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
              << " of the " << pair.n << " replies they were asked about now"
              << (pair.kappa ? ", Cohen's kappa " + format_number(*pair.kappa, 2) : "") << '\n';
  }
  const size_t n_shown = std::min(judges.disagreements.size(), kShownDisagreements);
  for (size_t i = 0; i < n_shown; ++i) {
    const Disagreement& one = judges.disagreements[i];
    std::cout << "  " << one.id << ":";
    for (const auto& [judge, verdict] : one.verdicts) {
      std::cout << ' ' << judge << " says " << verdict << ';';
    }
    std::cout << " reply: " << printable(one.reply) << '\n';
  }
  if (judges.n_disagreement > static_cast<int64_t>(n_shown)) {
    std::cout << "  " << judges.n_disagreement - static_cast<int64_t>(n_shown)
              << " more: --json lists the first " << judges.disagreements.size() << '\n';
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
                                  {"judges", as_json(judges)},
                                  {"failed", std::move(failed)}};
    std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return;
  }
  std::cout << summary.n_script << " conversations: " << summary.n_label_1 << " "
            << arguments.behaviour << " (label 1), " << summary.n_label_0 << " not (label 0); "
            << summary.failed.size() << " failed\n";
  for (const Skipped& failure : summary.failed) {
    std::cout << "  failed " << failure.id << ": " << failure.reason << '\n';
  }
  print_agreement(judges);
}

void warn(const RolloutSummary& summary) {
  const double at_limit =
      static_cast<double>(summary.n_at_limit) / static_cast<double>(summary.n_script);
  if (at_limit > kManyAtLimit) {
    say_warning("replies_at_token_limit",
                format_percent(at_limit) + " of the last replies were cut off at the token limit",
                "raise --max-tokens: later refusals are missed");
  }
  if (summary.n_changed > 0) {
    say_warning("replies_changed",
                std::to_string(summary.n_changed) +
                    " conversations of an interrupted group came out differently when it was "
                    "played again; the first version stands",
                "this engine does not repeat itself bit for bit");
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

void execute(CollectArguments& arguments, Session& session) {
  arguments.question.behaviour = parse_verdict(arguments.behaviour);
  const JudgeOptions judges = judges_of(arguments);
  const RolloutJob job = job_of(arguments, judges);
  { const AtomicFile probe(job.output); }  // before the folder of kept verdicts is made
  const Progress may_stop = [](const ProgressEvent&) { return !stop_was_requested(); };
  const std::unique_ptr<Jury> judge =
      make_jury(judges, {}, {arguments.model.judge_opener(), verdicts_path(job.output), may_stop});
  judge->self_test();
  if (arguments.judge_turns == "auto" && !job.options.judge_every_turn) {
    std::cerr << "note: prefixes cannot tell an answer from small talk, so only last replies are "
                 "judged; --judge, --answer-prefix or --judge-turns every changes that\n";
  }
  JudgesResult judges_result;
  const RolloutSummary summary = roll_out(job, arguments, *judge, judges_result);
  if (summary.n_kept > 0) {
    std::cerr << summary.n_kept << " conversations were there already\n";
  }
  print_summary(summary, judges_result, arguments);
  warn(summary);
  say_written(job.output,
              job.shard.is_whole() ? "mascing trace " + job.output + " -m " +
                                         arguments.model.host.path + " -o traces/"
                                   : "the same command with --merge and the outputs of all shards");
  session.exit_code = 0;
}

void add_play_options(CLI::App& command, CollectArguments& arguments) {
  RolloutOptions& options = arguments.job.options;
  command
      .add_option("--attempts",
                  options.n_attempt,
                  "Times a conversation is played until the behaviour shows, at most")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command.add_option("--temperature", options.sampling.temperature, "0: the likeliest token")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  command.add_option("--max-tokens", options.sampling.n_max_token, "Tokens of a reply, at most")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      .add_option(
          "--history", options.n_history, "Earlier user turns that the model gets to see, 0 = all")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command.add_option(
      "--system", arguments.job.system_prompt, "System prompt, put before a conversation's own");
  command.add_flag("--rewrite",
                   arguments.rewrite,
                   "The model writes all assistant turns, also those that the file has");
  command.add_option("--mask", arguments.masks, "Play the steered model: FILE or FILE=STRENGTH")
      ->allow_extra_args(false);
  add_seed(command, options.sampling.seed);
}

void add_judge_options(CLI::App& command, CollectArguments& arguments) {
  command
      .add_option("--behaviour",
                  arguments.behaviour,
                  "What to look for: a reply with this verdict gives label 1")
      ->check(CLI::IsMember({"answered", "refused"}))
      ->capture_default_str();
  command
      .add_option("--judge-turns",
                  arguments.judge_turns,
                  "Replies that are judged: every, last, or auto = every one if the judge can "
                  "tell an answer from small talk")
      ->check(CLI::IsMember({"auto", "every", "last"}))
      ->capture_default_str();
  command
      .add_option("--answer-prefix",
                  arguments.question.answer_prefixes,
                  "An answer begins with one of these; repeat the option for several")
      ->allow_extra_args(false);
  command
      .add_option("--refusal-prefix",
                  arguments.judge.refusal_prefixes,
                  "Further beginnings of refusals beside the usual ones")
      ->allow_extra_args(false);
  arguments.judges.add_to(command);
}

}  // namespace

void add_collect(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<CollectArguments>();
  CLI::App* command = app.add_subcommand(
      "collect",
      "Plays scripts turn by turn: the model writes the assistant's replies. A conversation ends "
      "at the first reply that shows the behaviour (label 1) or with its script (label 0). "
      "Finished "
      "ones are kept in OUTPUT.journal; after an interruption the same command goes on.");
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
                   "Conversations played together: what a killed run repeats, at most")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--shard", arguments->shard, "Play one part of the groups only, such as 2/4")
      ->capture_default_str();
  command->add_option("--merge",
                      arguments->job.merge,
                      "Outputs of shards: what they have is taken, what is missing is played");
  command->add_flag("--json", arguments->json, "Print the summary as JSON");
  arguments->model.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
