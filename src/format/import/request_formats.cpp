// Benchmarks whose rows are single requests. What a row asks for is its topic where the set has a
// name for it, so that variants of one request stay in one split.
#include "base/text.h"
#include "format/import/formats.h"

namespace mascing {

namespace {

void add_request(ImportRow& row, const std::string& text, Conversation& conversation) {
  if (text.empty()) {
    row.refuse("empty_request", "the request is empty");
    return;
  }
  conversation.messages.push_back({"user", text});
}

}  // namespace

void convert_prompt(ImportRow& row, Conversation& conversation) {
  const nlohmann::json* prompt = row.find("prompt");
  if (prompt != nullptr && prompt->is_array()) {
    add_turns(row, *prompt, conversation);
  } else {
    add_request(row, row.text("prompt"), conversation);
  }
  conversation.category = row.text("category");
  conversation.topic = row.text("topic");
  conversation.tactic = row.text("tactic");
  conversation.reply = row.text("reply");
  conversation.label = row.zero_or_one("label");
}

// What an attack made of a goal, and what came of it.
void convert_artifact(ImportRow& row, Conversation& conversation) {
  add_request(row, row.text("prompt"), conversation);
  conversation.reply = row.text("response");
  const std::string jailbroken = to_lower_ascii(row.text("jailbroken"));
  const bool is_word = jailbroken == "true" || jailbroken == "false";
  conversation.label = is_word ? int{jailbroken == "true"} : row.zero_or_one("jailbroken");
  conversation.topic = row.text("behavior");
  conversation.category = row.text("category");
  if (conversation.topic.empty()) {
    conversation.topic = row.text("goal");
  }
}

// Contextual behaviours come with a text that the request refers to.
void convert_harmbench(ImportRow& row, Conversation& conversation) {
  const std::string context = row.text("contextstring");
  const std::string behaviour = row.text("behavior");
  add_request(row,
              context.empty() || behaviour.empty() ? behaviour : context + "\n\n" + behaviour,
              conversation);
  conversation.topic = row.text("behaviorid");
  conversation.category = row.text("semanticcategory");
  conversation.tactic = row.text("functionalcategory");
}

void convert_advbench(ImportRow& row, Conversation& conversation) {
  add_request(row, row.text("goal"), conversation);
}

void convert_jailbreakbench(ImportRow& row, Conversation& conversation) {
  add_request(row, row.text("goal"), conversation);
  conversation.topic = row.text("behavior");
  conversation.category = row.text("category");
}

void convert_strongreject(ImportRow& row, Conversation& conversation) {
  add_request(row, row.text("forbidden_prompt"), conversation);
  conversation.category = row.text("category");
}

// The input, if there is one, is what the instruction is about.
void convert_alpaca(ImportRow& row, Conversation& conversation) {
  const std::string instruction = row.text("instruction");
  const std::string input = row.text("input");
  add_request(row,
              input.empty() || instruction.empty() ? instruction : instruction + "\n\n" + input,
              conversation);
  conversation.reference = row.text("output");
}

// Safe and unsafe requests about one word share the topic; which is which is the category.
void convert_xstest(ImportRow& row, Conversation& conversation) {
  add_request(row, row.text("prompt"), conversation);
  conversation.topic = row.text("focus");
  conversation.category = row.text("label");
  conversation.tactic = row.text("type");
}

}  // namespace mascing
