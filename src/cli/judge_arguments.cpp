// Words of the command line into judges.
#include "cli/judge_arguments.h"

#include "mascing/make_judge.h"

namespace mascing::cli {

void JudgeArguments::add_to(CLI::App& command) {
  command
      .add_option("--judge",
                  judges,
                  "Who judges replies: refusal (prefixes), a guard model's .gguf, an http(s) "
                  "address, command:..., answers:FILE; given several times, all must agree "
                  "(docs/judges.md)")
      ->type_name("JUDGE")
      ->allow_extra_args(false);
  command
      .add_option("--judge-known",
                  details.known,
                  "JSONL of exchanges with known verdicts, for the self-test of these judges")
      ->check(CLI::ExistingFile);
  command.add_option("--judge-model", details.served_model, "Model that an address is asked for");
  command.add_option(
      "--judge-key-env", details.key_variable, "Environment variable with the key of an address");
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
  for (JudgeSpec& spec : options.also) {
    spec.known = details.known;
    spec.served_model = details.served_model;
    spec.key_variable = spec.kind == JudgeKind::kEndpoint ? details.key_variable : "";
  }
}

}  // namespace mascing::cli
