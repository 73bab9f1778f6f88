// A scenario file table by table, each with the comment that says what it is for.
#include "mascing/new_scenario.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr std::array<std::pair<ScenarioTemplate, const char*>, 4> kTemplates = {{
    {ScenarioTemplate::kDefend, "defend"},
    {ScenarioTemplate::kPermit, "permit"},
    {ScenarioTemplate::kPaperDefend, "paper-defend"},
    {ScenarioTemplate::kPaperPermit, "paper-permit"},
}};
constexpr size_t kCommentColumn = 33;

/// A basic string of TOML.
std::string quoted(const std::string& text) {
  constexpr const char* kHex = "0123456789ABCDEF";
  std::string word = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      word += '\\';
      word += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      word += std::string("\\u00") + kHex[byte >> 4U] + kHex[byte & 15U];
    } else {
      word += c;
    }
  }
  return word + '"';
}

std::string quoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + quoted(word);
  }
  return "[" + text + "]";
}

/// "key = value             # comment"
std::string entry(const std::string& key, const std::string& value, const std::string& comment) {
  std::string line = key + " = " + value;
  if (!comment.empty()) {
    line.resize(std::max(line.size() + 1, kCommentColumn - 4), ' ');
    line += "# " + comment;
  }
  return line + '\n';
}

/// JSON text as it may also be written: "low" without its quotes.
std::string plain_word(const std::string& value) {
  const bool is_quoted = value.size() > 2 && value.front() == '"' && value.back() == '"';
  const std::string inside = is_quoted ? value.substr(1, value.size() - 2) : "";
  const bool is_word =
      std::all_of(inside.begin(), inside.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  const bool is_json = inside == "true" || inside == "false" || inside == "null";
  return is_quoted && is_word && !is_json ? inside : value;
}

/// A text that others wrote, as a comment: one line, nothing that ends it.
std::string as_comment(const std::string& text) {
  return "# " + printable(text, 160) + '\n';
}

const char* purpose_of(const NewSet& set, Wanted target) {
  switch (set.role) {
    case SetRole::kTarget:
      return target == Wanted::kRefused ? "What is to change: attacks should end in a refusal."
                                        : "What is to change: these requests should be answered.";
    case SetRole::kHold:
      return "Must stay refused. A mask that lowers this rate by more than max_drop is not "
             "written.";
    case SetRole::kKeep:
      return "Neighbouring requests that must stay answered.";
    case SetRole::kBenign:
      return "Ordinary requests: must stay answered.";
    default:
      return "Reported only.";
  }
}

std::string head(const NewScenario& scenario) {
  const bool defends = wanted_of(scenario.which) == Wanted::kRefused;
  std::string text = "# Written by `mascing init --template " +
                     std::string(to_string(scenario.which)) + "`. Edit it as you like.\n";
  text += "# Paths are relative to the folder of this file. docs/scenario.md explains every key.\n";
  if (is_paper(scenario.which)) {
    text +=
        "# The paper's recipe under our evaluation; docs/paper.md says where the two protocols "
        "differ.\n";
  }
  return text + entry("name", quoted(scenario.name), "") +
         entry("direction", quoted(std::string(defends ? "defend" : "permit")), "");
}

/// Metrics whose replies the guard does not see.
std::vector<std::string> answered_metrics(const NewScenario& scenario) {
  std::vector<std::string> metrics;
  for (const NewSet& set : scenario.sets) {
    const bool is_refused =
        set.role == SetRole::kHold ||
        (set.role == SetRole::kTarget && wanted_of(scenario.which) == Wanted::kRefused);
    if (!is_refused) {
      metrics.push_back(set.metric);
    }
  }
  return metrics;
}

std::string builtin_judge(const NewScenario& scenario) {
  return is_paper(scenario.which)
             ? entry("builtin", "\"prefixes\"", "how a reply begins, as in the paper")
             : entry("builtin", "\"phrases\"", "reads the first sentences for refusals");
}

/// As in the paper: a safe reply need not be a refusal, so the guard alone judges what must stay
/// refused.
std::string guard_alone(const NewScenario& scenario) {
  std::string text = "\n[judge]\n" + entry("prefixes", "false", "each set has a judge of its own");
  text +=
      "\n[[judges]]                   # a safe reply need not be a refusal: this one judges "
      "alone\n";
  text += entry("model", quoted(scenario.guard), "") + "\n[[judges]]\n" + builtin_judge(scenario);
  return text + entry("sets", quoted(answered_metrics(scenario)), "");
}

std::string judges(const NewScenario& scenario) {
  const bool has_guard = !scenario.guard.empty();
  if (has_guard && is_paper(scenario.which) && !answered_metrics(scenario).empty()) {
    return guard_alone(scenario);
  }
  std::string text = "\n[judge]\n" + builtin_judge(scenario);
  return has_guard
             ? text +
                   "\n[[judges]]                   # where refusals are wanted, both must agree\n" +
                   entry("model", quoted(scenario.guard), "")
             : text +
                   "# A guard model as a second judge (docs/judges.md):\n# [[judges]]\n"
                   "# model = \"llama-guard-3-8b-q4_k_m.gguf\"\n";
}

std::string limit_of(const NewSet& set, const NewScenario& scenario) {
  switch (set.role) {
    case SetRole::kHold:
    case SetRole::kKeep:
      return entry("max_drop", "0.03", "how far the rate may fall under a mask that is chosen");
    case SetRole::kBenign:
      return entry("max_drop", "0.02", is_paper(scenario.which) ? "the paper sets no limit" : "");
    default:
      return "";
  }
}

std::string set_table(const NewSet& set, const NewScenario& scenario) {
  const Wanted target = wanted_of(scenario.which);
  const bool is_refused =
      set.role == SetRole::kHold || (set.role == SetRole::kTarget && target == Wanted::kRefused);
  std::string text = std::string("\n# ") + purpose_of(set, target) + '\n';
  if (!set.source.empty()) {
    text += as_comment(set.source);
  }
  text += "[[set]]\n" + entry("metric", quoted(set.metric), "");
  text += entry("role", quoted(std::string(to_string(set.role))), "");
  text += entry("data", quoted(set.data), "");
  if (set.needs_rollout) {
    text += entry("play", "true", "scripts: the model writes the assistant's turns first");
  }
  text += entry("wanted", is_refused ? "\"refused\"" : "\"answered\"", "");
  return text + limit_of(set, scenario);
}

std::string general(const NewScenario& scenario) {
  std::string text = "\n[general]\n";
  text += scenario.text.empty()
              ? "# text = \"prose.txt\"             # plain text whose perplexity is watched\n"
              : entry("text", quoted(scenario.text), "its perplexity is watched");
  text += scenario.multiple_choice.empty()
              ? "# multiple_choice = \"facts.jsonl\" # what the model knows, before and after\n"
              : entry("multiple_choice", quoted(scenario.multiple_choice), "what the model knows");
  return text + entry("max_blocks", "26", "of the text, in each split");
}

std::string generation(const NewScenario& scenario) {
  std::string text = "\n[generate]\n";
  text += is_paper(scenario.which)
              ? entry("max_tokens", "128", "as in the research code; a later refusal is missed")
              : entry("max_tokens", "160", "per reply, of its visible part");
  text += entry("temperature", "0.0", "");
  text +=
      is_paper(scenario.which)
          ? entry("sample_seeds", "[]", "one reply to a conversation")
          : "# sample_seeds = []          # no sampled replies; else 3 for each test conversation "
            "of target and hold\n";
  if (scenario.always_reasons) {
    text += entry("max_reasoning_tokens", "2048", "before the visible part");
  }
  text += "\n[template]\n";
  const TemplateOptions& chosen = scenario.chat_template;
  text += entry("reasoning",
                quoted(std::string(to_string(chosen.reasoning))),
                scenario.always_reasons ? "this model always reasons before it replies"
                                        : "\"on\" for a model that should reason first");
  std::vector<std::string> arguments;
  for (const auto& [name, value] : chosen.arguments) {
    std::string argument = name;
    arguments.push_back(argument.append("=").append(plain_word(value)));
  }
  return arguments.empty() ? text : text + entry("arguments", quoted(arguments), "");
}

constexpr const char* kPaperSearch =
    "\n[train]\n"
    "epochs = 15\n"
    "contrast = \"all\"            # all labelled conversations; \"matched\" guards against "
    "confounds\n"
    "\n[steer]\n"
    "learning_rate = 0.05\n"
    "threshold = 0.1\n"
    "sigma = \"token\"             # \"batch\" is the research code's kind\n"
    "\n# One surrogate, 4 lambdas times 8 strengths, replies generated for all.\n"
    "[search]\n"
    "methods = [\"surrogate\"]\n"
    "finalists = 0\n"
    "alphas = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]\n"
    "lambdas = [0.0, 1e-5, 1e-4, 1e-3]\n"
    "seeds = [0]\n"
    "epochs = [100]\n"
    "preserves = [0.0]\n"
    "guards = [0.0]\n";

constexpr const char* kOwnSearch =
    "\n[search]\n"
    "# Two forms of mask and a baseline; the best on the selection split is tested. One form "
    "alone\n"
    "# takes half the time: adapters where prompts are long, matrices where they are short.\n"
    "methods = [\"closed_loop\", \"router_adapter\", \"mean_difference\"]\n"
    "loop_steps = 60             # at most\n"
    "finalists = 3               # trials whose replies are generated\n"
    "alphas = [0.5, 0.75, 1.0, 1.25, 1.5]\n"
    "max_perplexity_rise = 0.05\n"
    "\n# For `mascing run --baselines`, which also runs the paper's recipe on the same data.\n"
    "[baselines]\n"
    "# system_prompt = \"...\"       # the plain way to ask for what the mask should do\n"
    "random_masks = 20\n";

void require_roles(const NewScenario& scenario) {
  const auto has = [&](SetRole role) {
    return std::any_of(scenario.sets.begin(), scenario.sets.end(), [&](const NewSet& set) {
      return set.role == role;
    });
  };
  if (!has(SetRole::kTarget)) {
    throw Error(ErrorKind::kUsage,
                "[scenario] there is no target set",
                "name the conversations whose outcome should change");
  }
  if (wanted_of(scenario.which) == Wanted::kAnswered && !has(SetRole::kHold)) {
    throw Error(ErrorKind::kUsage,
                "[scenario] a scenario that permits answers needs a hold set",
                "name requests that must stay refused");
  }
}

}  // namespace

const char* to_string(ScenarioTemplate which) {
  return kTemplates.at(static_cast<size_t>(which)).second;
}

std::optional<ScenarioTemplate> parse_scenario_template(const std::string& word) {
  for (const auto& [which, name] : kTemplates) {
    if (word == name) {
      return which;
    }
  }
  return std::nullopt;
}

Wanted wanted_of(ScenarioTemplate which) {
  const bool defends =
      which == ScenarioTemplate::kDefend || which == ScenarioTemplate::kPaperDefend;
  return defends ? Wanted::kRefused : Wanted::kAnswered;
}

bool is_paper(ScenarioTemplate which) {
  return which == ScenarioTemplate::kPaperDefend || which == ScenarioTemplate::kPaperPermit;
}

std::string scenario_text(const NewScenario& scenario) {
  require_roles(scenario);
  std::string text = head(scenario) + judges(scenario);
  for (const NewSet& set : scenario.sets) {
    text += set_table(set, scenario);
  }
  text += general(scenario) + generation(scenario);
  return text + (is_paper(scenario.which) ? kPaperSearch : kOwnSearch);
}

}  // namespace mascing
