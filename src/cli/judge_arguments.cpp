// Turns command-line values into judges.
#include "cli/judge_arguments.h"

#include <algorithm>

#include "mascing/error.h"
#include "mascing/make_judge.h"

namespace mascing::cli {
namespace {

void require_meaning(const JudgeSpec& details, const std::vector<JudgeSpec>& judges) {
  const auto n_server = std::count_if(judges.begin(), judges.end(), [](const JudgeSpec& spec) {
    return spec.kind == JudgeKind::kEndpoint;
  });
  const bool is_for_server = !details.served_model.empty() || !details.key_variable.empty();
  if (is_for_server && n_server == 0) {
    throw Error(ErrorKind::kUsage,
                "[judge] --judge-model and --judge-key-env are for a judge behind a URL, and none "
                "was given",
                "omit them, or add --judge http://...");
  }
  if (is_for_server && n_server > 1) {
    throw Error(ErrorKind::kUsage,
                "[judge] --judge-model and --judge-key-env are for one URL, and " +
                    std::to_string(n_server) + " were given: each would be sent the same key",
                "give each server a [[judges]] table of the scenario, with its served_model and "
                "key_env (docs/judges.md)");
  }
  if (!details.known.empty() && judges.empty()) {
    throw Error(ErrorKind::kUsage,
                "[judge] --judge-known has no effect on the built-in judges, which have a test of "
                "their own",
                "omit it, or add the judge that it is for");
  }
}

}  // namespace

void JudgeArguments::add_to(CLI::App& command) {
  CLI::Option* judge =
      command
          .add_option(
              "--judge",
              judges,
              "Judge of replies: phrases, refusal (prefixes), a guard model's .gguf, an http(s) "
              "URL, command:..., or answers:FILE; if repeated, all must agree "
              "(docs/judges.md)")
          ->type_name("JUDGE")
          ->allow_extra_args(false);
  command
      .add_option("--judge-known",
                  details.known,
                  "Exchanges with known verdicts (JSONL) for the judges' self-test, instead of the "
                  "built-in ones")
      ->check(CLI::ExistingFile)
      ->needs(judge);
  command.add_option("--judge-model", details.served_model, "Model name to request from the URL")
      ->needs(judge);
  command
      .add_option(
          "--judge-key-env", details.key_variable, "Environment variable that holds the API key")
      ->needs(judge);
}

void JudgeArguments::apply(JudgeOptions& options) const {
  if (judges.empty()) {
    return;
  }
  options.uses_prefixes = false;
  options.also.clear();
  for (const std::string& word : judges) {
    add_judge(word, options);
  }
  require_meaning(details, options.also);
  for (JudgeSpec& spec : options.also) {
    spec.known = details.known;
    spec.uses_builtin_known = details.known.empty();
    spec.served_model = details.served_model;
    spec.key_variable = spec.kind == JudgeKind::kEndpoint ? details.key_variable : "";
  }
}

void JudgeArguments::apply(Scenario& scenario) const {
  apply(scenario.judge);
  if (const std::string metric = scenario.set_without_judge(); !metric.empty()) {
    throw Error(ErrorKind::kUsage,
                "[judge] --judge leaves the set \"" + metric + "\" without a judge",
                "a guard model says only whether a reply is safe; add --judge phrases, or list "
                "its `sets` in a [[judges]] table of the scenario (docs/judges.md)");
  }
}

}  // namespace mascing::cli
