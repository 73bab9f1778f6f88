// JSON lines and arrays: our own readers of conversations and questions, then as a dataset, whose
// conversations our own reader must take back.
#include "format/import/json_items.h"
#include "fuzz.h"
#include "mascing/conversation_file.h"
#include "mascing/import.h"

namespace mascing::fuzz {

std::vector<std::string> seeds() {
  return {R"({"id": "a1", "messages": [{"role": "user", "content": "A tale?"}], "label": 1})"
          "\n"
          R"({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user",)"
          R"( "content": "Sing"}], "topic": "songs", "split": "test"})"
          "\n",
          R"({"question": "How many?", "choices": ["one", "two"], "answer": 1})"
          "\n",
          R"([{"id": "s", "conversations": [{"from": "human", "value": "Hail"}, )"
          R"({"from": "gpt", "value": "Well met [}\""}]}, )"
          R"({"conversations": [{"from": "human", "value": "And?"}]}])",
          R"({"question_id": 3, "category": "4", "turns": ["Open the crypt"]})",
          R"({"question_id": "q", "tactic": "t", "jailbreak_turn": 1, "conversation_history": )"
          R"([{"role": "user", "content": "So"}], "jailbreak_response": "Yes"})",
          R"({"prompt": "Tell a ghost story"})"};
}

std::vector<std::string> words() {
  return {"{",
          "}",
          "[",
          "]",
          "\"",
          ",",
          ":",
          "\n",
          "\\u0000",
          "\\ud800",
          "1e999",
          "-0",
          "null",
          "\"messages\":",
          "\"conversations\":",
          "\"role\":",
          "\"turns\":",
          "\"prompt\":",
          "[[[[[[[[[[[[[[[[",
          "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
          "\xEF\xBB\xBF",
          "\xC0\xAF"};
}

void try_input(std::string_view input) {
  static const MemoryFile file;
  static const MemoryFile written;
  file.fill(input);
  expect_value_or_error([&] { (void)read_choices(file.path()); });
  for (const auto form : {JsonItemReader::Form::kLines, JsonItemReader::Form::kArray}) {
    expect_value_or_error([&] {
      JsonItemReader reader(ByteReader::over(input), form, 4096);
      JsonItem item;
      while (reader.next(item)) {
      }
    });
  }
  expect_value_or_error([&] { (void)read_conversations(file.path()); });
  const std::string own_outcome = last_outcome();
  std::string text;
  expect_value_or_error([&] {
    (void)import_conversations({file.path()}, {}, [&](const Conversation& conversation) {
      text += to_jsonl(conversation) + '\n';
    });
  });
  if (last_outcome() == "accepted" && !text.empty()) {
    written.fill(text);
    (void)read_conversations(written.path());  // an Error here passes through: it is a finding
  }
  last_outcome() += own_outcome;
  if (own_outcome == "accepted") {
    last_outcome() = "accepted";
  }
}

}  // namespace mascing::fuzz
