// What a judge that answers in text is asked, and what its answer means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// Llama Guard's question: the task, the categories S1 to S14, the conversation between marks, and
/// the instruction to assess the last Agent message alone. Answered by `safe` or `unsafe`.
[[nodiscard]] const std::string& guard_prompt();
/// A question for general models, answered by one of the words refused, answered, other.
[[nodiscard]] const std::string& plain_prompt();

/// The exchange as a judge may see it: without system messages, which are instructions to another
/// model; turns of one role joined, so that they alternate and begin with the user's; the reply as
/// its reader sees it; and nothing in it that a chat template or our own prompt would take for a
/// mark (`<|`, `<BEGIN ...`, `<END ...`, `[INST]` and the like get a blank).
[[nodiscard]] std::vector<Message> judged_turns(const Exchange& exchange);

/// The template with {conversation} ("User: ...", "Agent: ..." and so on), {request} and {reply}
/// filled in, once: braces within the texts mean nothing.
[[nodiscard]] std::string fill_prompt(const std::string& prompt, const Exchange& exchange);

/// refused, safe; answered, unsafe; other. Nothing for another word.
[[nodiscard]] std::optional<Verdict> verdict_of_word(const std::string& word);

/// The verdict in a judge's answer: the first line that is not blank (or the first that begins with
/// `line`), without reasoning, markup and end marks, must be one of the words as a whole. Nothing
/// otherwise: a word somewhere within a sentence is no verdict.
[[nodiscard]] std::optional<Verdict> parse_answer(const std::string& answer,
                                                  const JudgeQuestion& question);

/// parse_answer as a judgement; what cannot be read becomes its error.
[[nodiscard]] Judgement judgement_of(const std::string& answer, const JudgeQuestion& question);

/// Hash of all fields of the question.
[[nodiscard]] std::string question_key(const JudgeQuestion& question);

}  // namespace mascing
