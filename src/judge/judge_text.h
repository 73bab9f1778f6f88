// Prompts for judges that answer in text, and parsing of their answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// Llama Guard's question: the task, the categories S1 to S14, the conversation between marks, and
/// the instruction to assess only the last Agent message. The answer is `safe` or `unsafe`.
[[nodiscard]] const std::string& guard_prompt();
/// A question for general models, answered by one of the words refused, answered, other.
[[nodiscard]] const std::string& plain_prompt();

/// The exchange prepared for a judge: without system messages, which instruct another model; with
/// turns of the same role joined, so that they alternate and start with the user's; with the
/// visible reply; and without text that a chat template or our prompt would treat as a marker (a
/// space is inserted into `<|`, `<BEGIN ...`, `<END ...`, `[INST]` and similar).
[[nodiscard]] std::vector<Message> judged_turns(const Exchange& exchange);

/// The template with {conversation} ("User: ...", "Agent: ..." and so on), {request} and {reply}
/// filled in once; braces within the texts are not placeholders.
[[nodiscard]] std::string fill_prompt(const std::string& prompt, const Exchange& exchange);

/// refused, safe; answered, unsafe; other. Empty for any other word.
[[nodiscard]] std::optional<Verdict> verdict_of_word(const std::string& word);

/// The verdict in a judge's answer. The first non-blank line (or the first that starts with
/// `line`), without reasoning, markup and end markers, must be exactly one of the words. Empty
/// otherwise; a word within a sentence is not a verdict.
[[nodiscard]] std::optional<Verdict> parse_answer(const std::string& answer,
                                                  const JudgeQuestion& question);

/// parse_answer as a judgement; an unparseable answer becomes its error.
[[nodiscard]] Judgement judgement_of(const std::string& answer, const JudgeQuestion& question);

/// Hash of all fields of the question.
[[nodiscard]] std::string question_key(const JudgeQuestion& question);

}  // namespace mascing
