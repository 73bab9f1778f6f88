// Formats whose rows are conversations. Roles and contents go by several names; scripts without
// assistant turns stay as they are.
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/text.h"
#include "format/import/formats.h"

namespace mascing {

namespace {

using nlohmann::json;

const json* first_of(const json& object, const std::array<const char*, 4>& names) {
  for (const char* name : names) {
    const auto found = object.find(name);
    if (found != object.end() && !found->is_null()) {
      return &*found;
    }
  }
  return nullptr;
}

/// "system", "user", "assistant", or empty for what is none of them.
std::string role_of(const std::string& word) {
  static const std::array<std::pair<const char*, const char*>, 13> roles = {{
      {"user", "user"},
      {"human", "user"},
      {"prompter", "user"},
      {"attacker", "user"},
      {"assistant", "assistant"},
      {"gpt", "assistant"},
      {"chatgpt", "assistant"},
      {"model", "assistant"},
      {"bot", "assistant"},
      {"bing", "assistant"},
      {"bard", "assistant"},
      {"target", "assistant"},
      {"system", "system"},
  }};
  const std::string lower = to_lower_ascii(trim(word));
  for (const auto& [from, role] : roles) {
    if (lower == from) {
      return role;
    }
  }
  return {};
}

/// A text, or the texts of a list of parts such as {"type": "text", "text": "..."}.
std::string content_of(ImportRow& row, const json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  std::string text;
  if (value.is_array()) {
    for (const json& part : value) {
      const auto found = part.is_object() ? part.find("text") : part.end();
      if (!part.is_object() || found == part.end() || !found->is_string()) {
        row.refuse("wrong_type", "a message has a part that is not text");
        return {};
      }
      text += found->get_ref<const std::string&>();
    }
    return text;
  }
  row.refuse("wrong_type", std::string("a message is a ") + value.type_name());
  return {};
}

void add_turn(ImportRow& row, const json& turn, Conversation& conversation) {
  if (!turn.is_object()) {
    row.refuse("wrong_type", std::string("a message is a ") + turn.type_name() + ", not an object");
    return;
  }
  const json* role = first_of(turn, {"role", "from", "author", "speaker"});
  const json* content = first_of(turn, {"content", "value", "body", "text"});
  if (role == nullptr || !role->is_string() || content == nullptr) {
    row.refuse("missing_field", "a message has no role or no content");
    return;
  }
  const std::string& word = role->get_ref<const std::string&>();
  Message message{role_of(word), content_of(row, *content)};
  if (message.role.empty()) {
    row.refuse("unknown_role", "a message has the role \"" + printable(word) + "\"");
    return;
  }
  conversation.messages.push_back(std::move(message));
}

std::optional<int> label_of(ImportRow& row) {
  const json* value = row.find("label");
  const std::optional<int> label = row.zero_or_one("label");
  if (value != nullptr && !label) {
    row.refuse("wrong_type", "\"label\" is " + printable(value->dump()) + ", expected 0 or 1");
  }
  return label;
}

/// A counter that `mascing collect` writes; files from elsewhere may use its key for anything.
int64_t count_of(const ImportRow& row, const char* name) {
  const json* value = row.find(name);
  return value != nullptr && value->is_number_unsigned() ? value->get<int64_t>() : 0;
}

std::string split_of(ImportRow& row) {
  std::string split = row.text("split");
  const bool is_known =
      split.empty() || split == "discovery" || split == "selection" || split == "test";
  if (!is_known) {
    row.refuse("unknown_split",
               "\"split\" is \"" + printable(split) + "\", expected discovery, selection or test");
  }
  return split;
}

void add_list(ImportRow& row, const char* name, Conversation& conversation) {
  const json* list = row.find(name);
  if (list == nullptr) {
    row.refuse("missing_field", std::string("\"") + name + "\" is missing");
    return;
  }
  if (list->is_string()) {  // a list that a CSV cell holds as text
    const json parsed = row.parse(list->get_ref<const std::string&>(), name);
    add_turns(row, parsed, conversation);
    return;
  }
  add_turns(row, *list, conversation);
}

}  // namespace

void add_turns(ImportRow& row, const json& turns, Conversation& conversation) {
  if (!turns.is_array()) {
    row.refuse("wrong_type", std::string("the messages are a ") + turns.type_name());
    return;
  }
  for (const json& turn : turns) {
    add_turn(row, turn, conversation);
  }
}

void convert_own(ImportRow& row, Conversation& conversation) {
  conversation.id = row.text("id");
  add_list(row, "messages", conversation);
  conversation.label = label_of(row);
  conversation.topic = row.text("topic");
  conversation.category = row.text("category");
  conversation.tactic = row.text("tactic");
  conversation.split = split_of(row);
  conversation.reference = row.text("reference");
  conversation.reply = row.text("reply");
  conversation.turn = count_of(row, "turn");
  conversation.attempt = count_of(row, "attempt");
  conversation.n_cut_turn = count_of(row, "cut_turns");
  const auto script = row.values.find("script");
  if (script != row.values.end() && script->is_string() &&
      is_conversation_hash(script->get<std::string>())) {
    conversation.script = row.text("script");
  }
}

/// Cells behind an empty one: without the turn between them they are another conversation.
void refuse_gap(ImportRow& row, int64_t n_message) {
  const std::string prefix = "message_";
  for (const auto& [name, value] : row.values.items()) {
    int64_t i = -1;
    const char* const end = name.data() + name.size();
    const bool is_turn =
        name.starts_with(prefix) && std::from_chars(name.data() + prefix.size(), end, i).ptr == end;
    if (is_turn && i > n_message && !row.text(name.c_str()).empty() && !row.is_refused()) {
      const std::string gap = prefix + std::to_string(n_message);
      row.refuse("missing_turn", gap + " is empty, and " + std::string(name) + " is not");
    }
  }
}

// Turns of the user alone; a cell is {"body", "role"}, or a bare text where someone unpacked it.
// Several attempts at one question share its id, and with it the topic.
void convert_mhj(ImportRow& row, Conversation& conversation) {
  for (int64_t i = 0;; ++i) {
    const std::string name = "message_" + std::to_string(i);
    const std::string cell = row.text(name.c_str());
    if (cell.empty() || row.is_refused()) {
      break;
    }
    if (cell.front() == '{') {
      add_turn(row, row.parse(cell, name), conversation);
    } else {
      conversation.messages.push_back({"user", cell});
    }
  }
  refuse_gap(row, std::ssize(conversation.messages));
  conversation.topic = row.text("question_id");
  conversation.category = row.text("source");
  conversation.tactic = row.text("tactic");
}

// `jailbreak_response`: the behaviour was seen in the reply to the last message.
void convert_research(ImportRow& row, Conversation& conversation) {
  add_list(row, "conversation_history", conversation);
  const std::string broken = row.text("jailbreak_response");
  conversation.reply = broken.empty() ? row.text("model_response") : broken;
  if (!broken.empty()) {
    conversation.label = 1;
  }
  conversation.topic = row.text("question_id");
  conversation.tactic = row.text("tactic");
}

// Mutations of one question share its id.
void convert_sorrybench(ImportRow& row, Conversation& conversation) {
  const json* turns = row.find("turns");
  if (turns == nullptr || !turns->is_array()) {
    row.refuse("wrong_type", "\"turns\" is not a list");
    return;
  }
  for (const json& turn : *turns) {
    if (!turn.is_string()) {
      row.refuse("wrong_type", std::string("a turn is a ") + turn.type_name());
      return;
    }
    conversation.messages.push_back({"user", turn.get<std::string>()});
  }
  conversation.topic = row.text("question_id");
  conversation.category = row.text("category");
  conversation.tactic = row.text("prompt_style");
}

void convert_sharegpt(ImportRow& row, Conversation& conversation) {
  add_list(row, "conversations", conversation);
}

}  // namespace mascing
