// JSON lines into conversations and questions, with file and line in every message.
#include "mascing/conversation_file.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/mapped_file.h"
#include "base/text.h"
#include "format/import/formats.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing {

namespace {

using nlohmann::json;

constexpr size_t kMaxLineBytes = size_t{8} << 20;  // as in `mascing import`
constexpr size_t kLongestKey = 20;                 // that could be one of ours misspelt
constexpr const char* kConversationForm =
    R"(a line looks like {"id": "a1", "messages": [{"role": "user", "content": "..."}]})";
constexpr const char* kChoiceForm =
    R"(a line looks like {"question": "...", "choices": ["...", "..."], "answer": 0})";

// One line of a file, with all that a message needs.
struct Line {
  std::string file;
  int64_t number = 0;
  std::string_view text;
  const char* hint = "";
  bool is_first = true;  // that is not blank

  [[nodiscard]] std::string where() const {
    return "[data] " + file + ":" + std::to_string(number);
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kBadInput, where() + ": " + what, hint);
  }
};

// Calls `use` for every line that is not blank; returns how many there were.
int64_t for_each_line(const std::string& path,
                      const char* hint,
                      const std::function<void(const Line&)>& use) {
  const MappedFile content(path);
  std::string_view rest = content.bytes();
  if (rest.substr(0, 3) == "\xEF\xBB\xBF") {
    rest.remove_prefix(3);
  }
  Line line{.file = file_name(path), .number = 0, .text = {}, .hint = hint};
  int64_t n_used = 0;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    line.text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++line.number;
    if (line.text.size() > kMaxLineBytes) {
      throw Error(ErrorKind::kBadInput,
                  line.where() + ": has " + std::to_string(line.text.size()) +
                      " bytes, expected at most " + std::to_string(kMaxLineBytes),
                  "no model reads that much; remove the line, or have `mascing import` skip it");
    }
    if (line.text.find_first_not_of(" \t\r") != std::string_view::npos) {
      use(line);
      line.is_first = false;
      ++n_used;
    }
  }
  return n_used;
}

/// What helps where a line is no object: a file that does not begin with one is of another format.
const char* hint_of(const Line& line) {
  const bool is_other = line.is_first && line.hint == kConversationForm &&
                        line.text[line.text.find_first_not_of(" \t\r")] != '{';
  return is_other ? "expected JSON, one object a line; `mascing import` converts CSV and other "
                    "formats into such a file"
                  : line.hint;
}

json parse_object(const Line& line) {
  json value = parse_json(line.text, line.where(), hint_of(line));
  if (!value.is_object()) {
    throw Error(ErrorKind::kBadInput,
                line.where() + ": expected a JSON object, got " + value.type_name(),
                hint_of(line));
  }
  return value;
}

// Null counts as absent.
const json* find(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string get_text(const Line& line, const json& object, const char* key) {
  const json* value = find(object, key);
  if (value == nullptr) {
    return {};
  }
  if (!value->is_string()) {
    line.fail(std::string("\"") + key + "\" is a " + value->type_name() + ", expected a text");
  }
  return value->get<std::string>();
}

const json& get_array(const Line& line, const json& object, const char* key) {
  const json* value = find(object, key);
  if (value == nullptr) {
    line.fail(std::string("\"") + key + "\" is missing");
  }
  if (!value->is_array() || value->empty()) {
    line.fail(std::string("\"") + key + "\" must be a list with at least one element");
  }
  return *value;
}

// A number is taken as its digits.
std::string get_id(const Line& line, const json& object, const std::string& path) {
  const json* value = find(object, "id");
  if (value == nullptr) {
    return file_stem(path) + ":" + std::to_string(line.number);
  }
  if (value->is_number_integer()) {
    return value->dump();
  }
  std::string id = get_text(line, object, "id");
  if (id.empty()) {
    line.fail("\"id\" is empty");
  }
  return id;
}

Message get_message(const Line& line, const json& value) {
  if (!value.is_object()) {
    line.fail("a message must be an object with \"role\" and \"content\"");
  }
  Message message{.role = get_text(line, value, "role"), .content = {}};
  if (message.role != "system" && message.role != "user" && message.role != "assistant") {
    line.fail("role \"" + printable(message.role) + "\", expected system, user or assistant");
  }
  if (find(value, "content") == nullptr) {
    line.fail("a message has no \"content\"");
  }
  message.content = get_text(line, value, "content");
  return message;
}

std::optional<int> get_label(const Line& line, const json& object) {
  const json* value = find(object, "label");
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_number_integer() || (*value != 0 && *value != 1)) {
    line.fail("\"label\" is " + printable(value->dump()) + ", expected 0 or 1");
  }
  return value->get<int>();
}

/// Counters that `mascing collect` writes; files from elsewhere may use these keys for anything.
int64_t get_count(const json& object, const char* key) {
  const json* value = find(object, key);
  return value != nullptr && value->is_number_unsigned() ? value->get<int64_t>() : 0;
}

/// As with the counters, another value is not ours.
std::string get_script(const json& object) {
  const json* value = find(object, "script");
  std::string text = value != nullptr && value->is_string() ? value->get<std::string>() : "";
  return is_conversation_hash(text) ? text : "";
}

/// Keys that no command reads and that are nearly one of ours.
class MisspeltKeys {
 public:
  void add(const json& row) {
    for (const auto& item : row.items()) {
      const std::string& meant = meant_by(item.key());
      if (!meant.empty() && !row.contains(meant) && ++n_row_[item.key()] == 1) {
        met_.push_back(item.key());
      }
    }
  }
  void warn(const std::string& path, std::vector<Warning>& warnings) const {
    for (const std::string& key : met_) {
      warnings.push_back({"misspelt_keys",
                          std::to_string(n_row_.at(key)) + " rows of '" +
                              printable(file_name(path)) + "' have the key \"" + printable(key) +
                              "\", which nothing reads",
                          "did you mean \"" + meant_.at(key) + "\"?"});
    }
  }

 private:
  /// Empty for our own keys and for those that are like none.
  const std::string& meant_by(const std::string& key) {
    static const std::vector<std::string> written = {// by hand
                                                     "id",
                                                     "label",
                                                     "topic",
                                                     "category",
                                                     "tactic",
                                                     "split",
                                                     "reference",
                                                     "reply"};
    static const ImportFormat& read = *find_format("mascing");
    const auto [at, is_new] = meant_.try_emplace(key);
    if (is_new && key.size() <= kLongestKey && !has_use_for(read, key)) {
      at->second = closest_match(key, written);
    }
    return at->second;
  }

  std::map<std::string, std::string> meant_;
  std::map<std::string, int64_t> n_row_;
  std::vector<std::string> met_;  // in the order of the file
};

Conversation get_conversation(const Line& line, const std::string& path, const json& object) {
  Conversation conversation;
  conversation.id = get_id(line, object, path);
  for (const json& message : get_array(line, object, "messages")) {
    conversation.messages.push_back(get_message(line, message));
  }
  conversation.label = get_label(line, object);
  conversation.topic = get_text(line, object, "topic");
  conversation.category = get_text(line, object, "category");
  conversation.tactic = get_text(line, object, "tactic");
  conversation.split = get_text(line, object, "split");
  conversation.reference = get_text(line, object, "reference");
  conversation.reply = get_text(line, object, "reply");
  conversation.turn = get_count(object, "turn");
  conversation.attempt = get_count(object, "attempt");
  conversation.n_cut_turn = get_count(object, "cut_turns");
  conversation.script = get_script(object);
  return conversation;
}

ChoiceQuestion get_question(const Line& line, const json& object) {
  ChoiceQuestion question;
  question.question = get_text(line, object, "question");
  if (question.question.empty()) {
    line.fail("\"question\" is missing or empty");
  }
  for (const json& choice : get_array(line, object, "choices")) {
    if (!choice.is_string()) {
      line.fail(std::string("a choice is a ") + choice.type_name() + ", expected a text");
    }
    question.choices.push_back(choice.get<std::string>());
  }
  const int64_t n_choice = std::ssize(question.choices);
  const json* answer = find(object, "answer");
  if (n_choice < 2 || answer == nullptr || !answer->is_number_integer()) {
    line.fail("expected at least two choices and the index of the correct one as \"answer\"");
  }
  if (*answer < 0 || *answer >= n_choice) {
    line.fail("\"answer\" is " + answer->dump() + ", expected 0 to " +
              std::to_string(n_choice - 1));
  }
  question.answer = answer->get<int64_t>();
  return question;
}

// Remembers the line of every id and refuses a second use.
class IdRegister {
 public:
  void add(const Line& line, const std::string& id) {
    const auto [place, is_new] = lines_.emplace(id, line.number);
    if (!is_new) {
      line.fail("id \"" + printable(id) + "\" is already used in line " +
                std::to_string(place->second));
    }
  }

 private:
  std::map<std::string, int64_t> lines_;
};

void require_any(int64_t n, const std::string& path, const std::string& what, const char* hint) {
  if (n == 0) {
    throw Error(ErrorKind::kInsufficient,
                "[data] " + file_name(path) + ": the file contains no " + what,
                hint);
  }
}

}  // namespace

std::vector<Conversation> read_conversations(const std::string& path,
                                             std::vector<Warning>* warnings) {
  std::vector<Conversation> conversations;
  IdRegister ids;
  MisspeltKeys misspelt;
  const int64_t n = for_each_line(path, kConversationForm, [&](const Line& line) {
    const json object = parse_object(line);
    if (warnings != nullptr) {
      misspelt.add(object);
    }
    conversations.push_back(get_conversation(line, path, object));
    ids.add(line, conversations.back().id);
  });
  require_any(n, path, "conversation", kConversationForm);
  if (warnings != nullptr) {
    misspelt.warn(path, *warnings);
  }
  return conversations;
}

std::vector<ChoiceQuestion> read_choices(const std::string& path) {
  std::vector<ChoiceQuestion> questions;
  IdRegister ids;
  const int64_t n = for_each_line(path, kChoiceForm, [&](const Line& line) {
    const json object = parse_object(line);
    ids.add(line, get_id(line, object, path));
    questions.push_back(get_question(line, object));
  });
  require_any(n, path, "question", kChoiceForm);
  return questions;
}

bool has_reply(const Conversation& conversation) {
  return std::any_of(conversation.messages.begin(),
                     conversation.messages.end(),
                     [](const Message& message) { return message.role == "assistant"; });
}

bool is_script(const Conversation& conversation) {
  const auto n_user = std::count_if(conversation.messages.begin(),
                                    conversation.messages.end(),
                                    [](const Message& message) { return message.role == "user"; });
  return n_user > 1 && !has_reply(conversation);
}

std::string to_jsonl(const Conversation& conversation) {
  json object = json::object();
  object["messages"] = json::array();
  for (const Message& message : conversation.messages) {
    object["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  if (conversation.label) {
    object["label"] = *conversation.label;
  }
  for (const auto& [key, count] : {std::pair<const char*, int64_t>{"turn", conversation.turn},
                                   {"attempt", conversation.attempt},
                                   {"cut_turns", conversation.n_cut_turn}}) {
    if (count > 0) {
      object[key] = count;
    }
  }
  const std::pair<const char*, const std::string*> texts[] = {
      {"id", &conversation.id},
      {"topic", &conversation.topic},
      {"category", &conversation.category},
      {"tactic", &conversation.tactic},
      {"split", &conversation.split},
      {"reference", &conversation.reference},
      {"reply", &conversation.reply},
      {"script", &conversation.script}};
  for (const auto& [key, text] : texts) {
    if (!text->empty()) {
      object[key] = *text;
    }
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace mascing
