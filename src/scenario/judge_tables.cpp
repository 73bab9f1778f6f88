// Each [[judges]] table is one of five kinds; keys of other kinds are errors.
#include "scenario/judge_tables.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/similar_text.h"

namespace mascing {
namespace {

constexpr Range kSeconds{0.0, 86400.0, true};
constexpr Range kFailedShare{0.0, 1.0};

struct KindWord {
  const char* key;
  const char* name;  // default name of the judge
  JudgeKind kind;
  std::vector<std::string> further_keys;
};

const std::array<KindWord, 5>& kind_words() {
  static const std::array<KindWord, 5> words = {{
      {"model",
       "guard",
       JudgeKind::kModel,
       {"prompt", "line", "refused_words", "answered_words", "max_tokens"}},
      {"url",
       "endpoint",
       JudgeKind::kEndpoint,
       {"prompt",
        "line",
        "refused_words",
        "answered_words",
        "max_tokens",
        "served_model",
        "key_env",
        "parallel",
        "retries",
        "timeout",
        "patience"}},
      {"command", "command", JudgeKind::kCommand, {"timeout"}},
      {"answers", "answer_key", JudgeKind::kAnswerKey, {}},
      {"builtin", "", JudgeKind::kPhrases, {}},
  }};
  return words;
}

const KindWord& kind_of(const TomlTable& table) {
  const KindWord* found = nullptr;
  for (const KindWord& word : kind_words()) {
    if (table.has(word.key) && found != nullptr) {
      table.fail(word.key,
                 std::string("cannot be combined with ") + found->key,
                 "use a separate [[judges]] table for each judge");
    }
    found = table.has(word.key) ? &word : found;
  }
  if (found == nullptr) {
    table.fail("",
               "a judge needs one of the keys model, url, command, answers, builtin",
               "see docs/judges.md for their meaning");
  }
  return *found;
}

void read_question(const TomlTable& table, JudgeQuestion& question) {
  table.get("prompt", question.prompt);
  table.get("line", question.line);
  table.get("refused_words", question.refused_words);
  table.get("answered_words", question.answered_words);
  table.get("max_tokens", question.n_max_token, {1.0, 1e6});
  const bool shows_reply = question.prompt.find("{conversation}") != std::string::npos ||
                           question.prompt.find("{reply}") != std::string::npos;
  if (!question.prompt.empty() && !shows_reply) {
    table.fail("prompt",
               "contains neither {conversation} nor {reply}",
               "add a placeholder so that the judge sees the text to judge");
  }
}

void read_what_it_is(const TomlTable& table, const std::filesystem::path& folder, JudgeSpec& spec) {
  std::string file;
  switch (spec.kind) {
    case JudgeKind::kModel:
      table.get("model", file);
      spec.model = table.existing_file("model", file, folder);
      break;
    case JudgeKind::kEndpoint:
      table.get("url", spec.url);
      table.get("served_model", spec.served_model);
      table.get("key_env", spec.key_variable);
      table.get("parallel", spec.n_parallel, {1.0, 256.0});
      table.get("retries", spec.n_retry, {0.0, 100.0});
      table.get("patience", spec.patience_s, kSeconds);
      break;
    case JudgeKind::kCommand:
      table.get("command", spec.command);
      // A word that names a file next to the scenario means that file, whatever the current folder.
      for (std::string& word : spec.command) {
        const std::filesystem::path path = folder / word;
        std::error_code error;
        if (std::filesystem::is_regular_file(path, error)) {
          word = path.lexically_normal().string();
        }
      }
      break;
    case JudgeKind::kPhrases:
    case JudgeKind::kPrefixes:
      break;  // read with its name
    case JudgeKind::kAnswerKey:
      table.get("answers", file);
      spec.answer_key = table.existing_file("answers", file, folder);
      break;
  }
}

/// `sets`: metrics that a judge is asked about.
std::vector<std::string> read_metrics(const TomlTable& table,
                                      const std::vector<ScenarioSet>& sets) {
  std::vector<std::string> metrics;
  table.get("sets", metrics);
  for (const std::string& metric : metrics) {
    const bool is_there = std::any_of(
        sets.begin(), sets.end(), [&](const ScenarioSet& set) { return set.metric == metric; });
    if (!is_there) {
      table.fail("sets",
                 "names \"" + metric + "\", which is not the metric of a [[set]]",
                 "use the `metric` values of the [[set]] tables");
    }
  }
  return metrics;
}

/// A built-in judge that is asked about some of the sets; it goes by its own name.
void read_builtin_member(const TomlTable& table, JudgeSpec& spec) {
  table.expect_keys({"builtin", "sets"});
  const bool has_phrases = table.get_word("builtin", {"phrases", "prefixes"}) == 0;
  spec.kind = has_phrases ? JudgeKind::kPhrases : JudgeKind::kPrefixes;
  spec.name = has_phrases ? "phrases" : "refusal";
}

JudgeSpec read_one(const TomlTable& table,
                   const std::filesystem::path& folder,
                   const std::vector<ScenarioSet>& sets) {
  const KindWord& word = kind_of(table);
  std::vector<std::string> known = {word.key, "name", "sets", "known", "builtin_known"};
  known.insert(known.end(), word.further_keys.begin(), word.further_keys.end());
  table.expect_keys(known);
  JudgeSpec spec;
  spec.kind = word.kind;
  spec.name = word.name;
  if (spec.kind == JudgeKind::kPhrases) {
    read_builtin_member(table, spec);
    spec.sets = read_metrics(table, sets);
    return spec;
  }
  table.get("name", spec.name);
  if (spec.name.empty() || spec.name == "refusal" || spec.name == "phrases") {
    table.fail("name", "is empty or reserved for a built-in judge", "choose another name");
  }
  spec.sets = read_metrics(table, sets);
  if (table.has("known")) {
    table.get("known", spec.known);
    spec.known = table.existing_file("known", spec.known, folder);
  }
  table.get("builtin_known", spec.uses_builtin_known);
  table.get("timeout", spec.timeout_s, kSeconds);
  read_question(table, spec.question);
  read_what_it_is(table, folder, spec);
  return spec;
}

BuiltinJudge read_builtin(const TomlTable& table) {
  std::string word = "prefixes";
  table.get("builtin", word);
  if (word != "prefixes" && word != "phrases") {
    table.fail("builtin",
               "is \"" + word + "\"",
               "expected phrases (the grammar of refusing) or prefixes (how a reply begins)");
  }
  return word == "phrases" ? BuiltinJudge::kPhrases : BuiltinJudge::kPrefixes;
}

/// A model without a prompt of its own says safe or unsafe, which is no verdict on an answer.
bool judges_set(const JudgeSpec& spec, const ScenarioSet& set) {
  const bool says_safe = spec.kind == JudgeKind::kModel && spec.question.prompt.empty();
  return spec.sets.empty()
             ? !says_safe || set.wanted == Wanted::kRefused
             : std::find(spec.sets.begin(), spec.sets.end(), set.metric) != spec.sets.end();
}

/// A built-in judge has one name, so it can stand in one place only.
void require_own_name(const TomlTable& table, const JudgeOptions& options, const JudgeSpec& spec) {
  const bool is_builtin = table.has("builtin");
  const JudgeKind of_all =
      options.builtin == BuiltinJudge::kPhrases ? JudgeKind::kPhrases : JudgeKind::kPrefixes;
  if (is_builtin && options.uses_prefixes && spec.kind == of_all) {
    table.fail("builtin",
               "names the judge that [judge] asks about all sets",
               "set prefixes = false under [judge], or omit this table");
  }
  const bool is_taken =
      std::any_of(options.also.begin(), options.also.end(), [&](const JudgeSpec& other) {
        return other.name == spec.name;
      });
  if (is_taken) {
    table.fail(is_builtin ? "builtin" : "name",
               "\"" + spec.name + "\" is already the name of another judge",
               is_builtin ? "list all its `sets` in one table" : "give each judge a unique `name`");
  }
}

}  // namespace

std::string Scenario::set_without_judge() const {
  for (const ScenarioSet& set : sets) {
    const bool is_judged =
        judge.uses_prefixes || !judge.own.empty() ||
        std::any_of(judge.also.begin(), judge.also.end(), [&](const JudgeSpec& spec) {
          return judges_set(spec, set);
        });
    if (!is_judged) {
      return set.metric;
    }
  }
  return "";
}

void require_judges(const TomlTable& root, const Scenario& scenario) {
  if (const std::string metric = scenario.set_without_judge(); !metric.empty()) {
    root.fail("judges",
              "leave the set \"" + metric + "\" without a judge",
              "keep `prefixes` on under [judge], or add the set to the `sets` of a judge");
  }
}

void require_letters(const TomlTable& table,
                     const std::string& key,
                     const std::vector<std::string>& prefixes) {
  for (int64_t i = 0; i < std::ssize(prefixes); ++i) {
    if (normalise_text(prefixes[i]).empty()) {
      table.fail(key,
                 "has \"" + prefixes[i] + "\", a prefix without letters or digits",
                 "remove it; once marks are taken off it would match every reply",
                 i);
    }
  }
}

JudgeOptions read_judges(const TomlTable& root,
                         const std::filesystem::path& folder,
                         const std::vector<ScenarioSet>& sets) {
  const TomlTable table = root.table("judge");
  table.expect_keys({"builtin", "prefixes", "default_prefixes", "refusal_prefixes", "max_failed"});
  JudgeOptions options;
  options.builtin = read_builtin(table);
  table.get("prefixes", options.uses_prefixes);
  table.get("default_prefixes", options.default_prefixes);
  table.get("refusal_prefixes", options.refusal_prefixes);
  require_letters(table, "refusal_prefixes", options.refusal_prefixes);
  table.get("max_failed", options.max_failed, kFailedShare);
  const bool has_phrases = options.builtin == BuiltinJudge::kPhrases;
  if (has_phrases && table.has("default_prefixes")) {
    table.fail("default_prefixes",
               "has no effect with builtin = \"phrases\"",
               "omit it, or set builtin = \"prefixes\"");
  }
  if (options.uses_prefixes && !has_phrases && !options.default_prefixes &&
      options.refusal_prefixes.empty()) {
    table.fail("default_prefixes",
               "is false and there are no refusal_prefixes, so nothing would count as refused",
               "add refusal_prefixes, or omit default_prefixes");
  }
  for (const TomlTable& judge : root.tables("judges")) {
    const JudgeSpec spec = read_one(judge, folder, sets);
    require_own_name(judge, options, spec);
    options.also.push_back(spec);
  }
  return options;
}

}  // namespace mascing
