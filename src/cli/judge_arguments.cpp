// Turns command-line values into judges.
#include "cli/judge_arguments.h"

#include <algorithm>

#include "mascing/error.h"
#include "mascing/make_judge.h"

namespace mascing::cli {

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
                  "Exchanges with known verdicts (JSONL) for the judges' self-test")
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
  const bool has_server =
      std::any_of(options.also.begin(), options.also.end(), [](const JudgeSpec& spec) {
        return spec.kind == JudgeKind::kEndpoint;
      });
  if (!has_server && !(details.served_model.empty() && details.key_variable.empty())) {
    throw Error(ErrorKind::kUsage,
                "[judge] --judge-model and --judge-key-env are for a judge behind a URL, and none "
                "was given",
                "omit them, or add --judge http://...");
  }
  for (JudgeSpec& spec : options.also) {
    spec.known = details.known;
    spec.served_model = details.served_model;
    spec.key_variable = spec.kind == JudgeKind::kEndpoint ? details.key_variable : "";
  }
}

}  // namespace mascing::cli
