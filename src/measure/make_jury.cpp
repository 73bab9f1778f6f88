// One branch per kind of judge.
#include "measure/make_jury.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/files.h"
#include "base/sha256.h"
#include "base/text.h"
#include "judge/answer_key.h"
#include "judge/command_judge.h"
#include "judge/endpoint_judge.h"
#include "judge/guard_judge.h"
#include "judge/judge_text.h"
#include "judge/phrase_judge.h"
#include "judge/refusal_judge.h"
#include "mascing/error.h"
#include "mascing/version.h"
#include "measure/cached_judge.h"

namespace mascing {
namespace {

std::unique_ptr<Judge> make_builtin(const JudgeOptions& options) {
  if (options.builtin == BuiltinJudge::kPhrases) {
    return std::make_unique<PhraseJudge>(options);
  }
  return std::make_unique<RefusalJudge>(options);
}

/// With the prefixes of the scenario.
std::unique_ptr<Judge> make_builtin_of(JudgeKind kind, JudgeOptions options) {
  options.builtin = kind == JudgeKind::kPhrases ? BuiltinJudge::kPhrases : BuiltinJudge::kPrefixes;
  return make_builtin(options);
}

std::unique_ptr<Judge> open_guard(const JudgeSpec& spec, const JudgeTools& tools) {
  if (!tools.open_model) {
    throw Error(ErrorKind::kUsage,
                "[judge] '" + spec.name + "' is a model, which cannot be opened here",
                "use another kind of judge");
  }
  std::string hash = sampled_hash(spec.model);
  return std::make_unique<GuardJudge>(spec, tools.open_model(spec.model), std::move(hash));
}

/// While a judge waits, its caller hears again of the last progress, and may stop it.
struct Watched {
  Progress progress = {};  // notes what it passes on
  JudgeWatch watch = {};
};

Watched watched(const JudgeSpec& spec, const Progress& progress) {
  if (!progress) {
    return {};
  }
  const auto last = std::make_shared<ProgressEvent>(
      ProgressEvent{"judging: " + spec.name, 0, 1, "self-tests", ""});
  return {[progress, last](const ProgressEvent& event) {
            *last = event;
            return progress(event);
          },
          [progress, last] { report(progress, *last); }};
}

std::unique_ptr<Judge> make_one(const JudgeSpec& spec,
                                const JudgeOptions& options,
                                const JudgeTools& tools,
                                const JudgeWatch& watch) {
  switch (spec.kind) {
    case JudgeKind::kModel:
      return open_guard(spec, tools);
    case JudgeKind::kEndpoint:
      return std::make_unique<EndpointJudge>(spec, watch);
    case JudgeKind::kCommand:
      return std::make_unique<CommandJudge>(spec, watch);
    case JudgeKind::kPhrases:
    case JudgeKind::kPrefixes:
      return make_builtin_of(spec.kind, options);
    case JudgeKind::kAnswerKey:
      break;
  }
  return std::make_unique<AnswerKeyJudge>(spec);
}

std::vector<std::string> sets_of(const JudgeSpec& spec, const std::vector<ScenarioSet>& sets) {
  if (!spec.sets.empty() || spec.kind != JudgeKind::kModel || !spec.question.prompt.empty()) {
    return spec.sets;
  }
  std::vector<std::string> metrics;
  for (const ScenarioSet& set : sets) {
    if (set.wanted == Wanted::kRefused) {
      metrics.push_back(set.metric);
    }
  }
  return metrics;
}

std::string spec_key(const JudgeSpec& spec) {
  std::string key = std::to_string(static_cast<int>(spec.kind)) + '\n' + spec.name + '\n' +
                    question_key(spec.question) + '\n' + spec.url + '\n' + spec.served_model;
  for (const std::string& set : spec.sets) {
    key += '\n' + set;
  }
  for (const std::string* path : {&spec.answer_key, &spec.known}) {
    key += '\n' + (path->empty() ? "" : sha256_file(*path));
  }
  if (!spec.model.empty()) {
    key += '\n' + sampled_hash(spec.model);
  }
  if (!spec.command.empty()) {
    key += '\n' + CommandJudge(spec).key();
  }
  return key;
}

/// A name not used by another judge.
std::string free_name(const std::string& wanted, const JudgeOptions& options) {
  const auto is_taken = [&](const std::string& name) {
    return std::any_of(options.also.begin(), options.also.end(), [&](const JudgeSpec& spec) {
      return spec.name == name;
    });
  };
  std::string name = wanted;
  for (int i = 2; is_taken(name); ++i) {
    name = wanted + std::to_string(i);
  }
  return name;
}

void require_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw Error(ErrorKind::kUsage,
                "[judge] " + printable(path) + ": no such file",
                "check the path of the judge's file");
  }
}

void add_builtin(BuiltinJudge builtin, JudgeOptions& options) {
  if (options.uses_prefixes && options.builtin != builtin) {
    throw Error(ErrorKind::kUsage,
                "[judge] phrases and refusal are both built in, and only one of them judges",
                "name the one that you want, and other judges beside it");
  }
  options.uses_prefixes = true;
  options.builtin = builtin;
}

}  // namespace

std::unique_ptr<Jury> make_jury(const JudgeOptions& options,
                                const std::vector<ScenarioSet>& sets,
                                const JudgeTools& tools) {
  std::vector<JuryMember> members;
  if (options.uses_prefixes) {
    members.push_back({make_builtin(options), {}});
  }
  for (const JudgeSpec& spec : options.also) {
    const Watched waiting = watched(spec, tools.progress);
    std::unique_ptr<Judge> judge = make_one(spec, options, tools, waiting.watch);
    const Progress progress = judge->is_costly() ? waiting.progress : Progress{};
    const bool is_saved = judge->is_costly() && !tools.cache_folder.empty();
    if (is_saved) {
      judge = std::make_unique<CachedJudge>(std::move(judge), Cache(tools.cache_folder, version()));
    }
    members.push_back({std::move(judge), sets_of(spec, sets), progress, is_saved});
  }
  for (const std::shared_ptr<Judge>& judge : options.own) {
    members.push_back({judge, {}});
  }
  return std::make_unique<Jury>(std::move(members), options.max_failed);
}

std::unique_ptr<Judge> make_judge(const JudgeOptions& options, const JudgeTools& tools) {
  return make_jury(options, {}, tools);
}

std::string judges_key(const JudgeOptions& options) {
  const bool has_phrases = options.uses_prefixes && options.builtin == BuiltinJudge::kPhrases;
  if (options.also.empty() && options.own.empty() && options.uses_prefixes && !has_phrases) {
    return "";
  }
  std::string key = has_phrases             ? PhraseJudge(options).key()
                    : options.uses_prefixes ? "prefixes"
                                            : "no prefixes";
  for (const JudgeSpec& spec : options.also) {
    key += '\x1e' + spec_key(spec);
  }
  for (const std::shared_ptr<Judge>& judge : options.own) {
    key += "\x1eown\n" + judge->name() + '\n' + judge->key();
  }
  return sha256_hex(key);
}

void add_judge(const std::string& word, JudgeOptions& options) {
  constexpr std::string_view kCommand = "command:";
  constexpr std::string_view kAnswers = "answers:";
  JudgeSpec spec;
  if (word == "refusal" || word == "phrases") {
    add_builtin(word == "phrases" ? BuiltinJudge::kPhrases : BuiltinJudge::kPrefixes, options);
    return;
  }
  if (word.starts_with(kCommand) && word.size() > kCommand.size()) {
    spec.kind = JudgeKind::kCommand;
    spec.name = free_name("command", options);
    spec.command = {"/bin/sh", "-c", word.substr(kCommand.size())};
  } else if (word.starts_with(kAnswers)) {
    spec.kind = JudgeKind::kAnswerKey;
    spec.name = free_name("answer_key", options);
    spec.answer_key = word.substr(kAnswers.size());
    require_file(spec.answer_key);
  } else if (word.starts_with("http://") || word.starts_with("https://")) {
    spec.kind = JudgeKind::kEndpoint;
    spec.name = free_name("endpoint", options);
    spec.url = word;
  } else if (word.ends_with(".gguf")) {
    spec.kind = JudgeKind::kModel;
    spec.name = free_name("guard", options);
    spec.model = word;
    require_file(spec.model);
  } else {
    throw Error(ErrorKind::kUsage,
                "[judge] \"" + printable(word) +
                    "\" is not a judge, expected phrases, refusal, a .gguf file, an http(s) URL, "
                    "command:... or answers:FILE",
                "see docs/judges.md; to use several judges, repeat --judge");
  }
  options.also.push_back(std::move(spec));
}

}  // namespace mascing
