// Both kinds of files become one table of named fields.
#include "measure/labelled_replies.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/text.h"
#include "format/import/csv_reader.h"
#include "format/json_text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kLongestRow = 16 << 20;
constexpr std::array kReplyNames = {"reply", "completion", "response"};
constexpr std::array kLabelNames = {"verdict", "final_label", "label"};
constexpr std::array kOtherNames = {"id", "prompt"};
constexpr const char* kForm = "give one object a line, or CSV with a line of column names";

struct Place {
  std::string file;
  int64_t line = 0;

  [[nodiscard]] std::string shown() const {
    return "[judge] " + printable(file) + ": line " + std::to_string(line);
  }
  [[noreturn]] void fail(const std::string& text, const std::string& hint) const {
    throw Error(ErrorKind::kBadInput, shown() + ": " + text, hint);
  }
};

Verdict label_of(const std::string& text, const Place& place) {
  constexpr std::array<std::pair<std::string_view, Verdict>, 9> kLabels = {{
      {"refused", Verdict::kRefused},
      {"answered", Verdict::kAnswered},
      {"partial", Verdict::kPartial},
      {"other", Verdict::kOther},
      {"empty", Verdict::kEmpty},
      {"unfinished", Verdict::kUnfinished},
      {"1_full_compliance", Verdict::kAnswered},
      {"2_full_refusal", Verdict::kRefused},
      {"3_partial_refusal", Verdict::kPartial},
  }};
  for (const auto& [word, verdict] : kLabels) {
    if (word == text) {
      return verdict;
    }
  }
  place.fail("\"" + printable(text) + "\" is no label",
             "labels are refused, answered, partial, other, empty, unfinished, or XSTest's");
}

/// Labels of conversations, 0 and 1.
bool is_number(const std::string& column, const std::string& text) {
  return column == "label" && text.find_first_not_of("0123456789") == std::string::npos;
}

void add_messages(const nlohmann::json& row, const Place& place, Exchange& exchange) {
  if (row.contains("messages")) {
    for (const nlohmann::json& message : row["messages"]) {
      if (!message.is_object() || !message.value("role", nlohmann::json()).is_string() ||
          !message.value("content", nlohmann::json()).is_string()) {
        place.fail("a message without role or content", "messages are {\"role\", \"content\"}");
      }
      exchange.messages.push_back(
          {message["role"].get<std::string>(), message["content"].get<std::string>()});
    }
  } else if (row.contains("prompt") && row["prompt"].is_string()) {
    exchange.messages.push_back({"user", row["prompt"].get<std::string>()});
  }
}

LabelledReply reply_of(const nlohmann::json& row, const Place& place) {
  LabelledReply result;
  result.id = "line " + std::to_string(place.line);
  if (row.contains("id") && row["id"].is_string()) {
    result.id = row["id"].get<std::string>();
  }
  const auto* const reply =
      std::find_if(kReplyNames.begin(), kReplyNames.end(), [&](const char* name) {
        return row.contains(name) && row[name].is_string();
      });
  if (reply == kReplyNames.end()) {
    place.fail("there is no reply", "give it under reply, completion or response");
  }
  result.exchange.reply = row[*reply].get<std::string>();
  add_messages(row, place, result.exchange);
  result.has_number = row.contains("label") && row["label"].is_number();
  for (const char* name : kLabelNames) {
    if (!result.label && row.contains(name) && row[name].is_string()) {
      const std::string word = trim(row[name].get<std::string>());
      const bool is_a_number = is_number(name, word);
      result.has_number = result.has_number || (is_a_number && !word.empty());
      if (!word.empty() && !is_a_number) {
        result.label = label_of(word, place);
      }
    }
  }
  return result;
}

std::vector<LabelledReply> read_lines(const std::string& path, const std::string& text) {
  std::vector<LabelledReply> replies;
  std::istringstream lines(text);
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    if (trim(line).empty()) {
      continue;
    }
    const Place place{path, number};
    const nlohmann::json row = parse_json(line, place.shown(), kForm);
    if (!row.is_object()) {
      place.fail("no JSON object", kForm);
    }
    replies.push_back(reply_of(row, place));
  }
  return replies;
}

/// Of columns that are read none may be there twice.
void require_different_names(const CsvRecord& names, const Place& place) {
  const auto require_one = [&](const auto& known) {
    for (const char* name : known) {
      if (std::count(names.fields.begin(), names.fields.end(), name) > 1) {
        place.fail("several columns are \"" + std::string(name) + "\"",
                   "rename or remove one of them; which one counts cannot be told");
      }
    }
  };
  require_one(kReplyNames);
  require_one(kLabelNames);
  require_one(kOtherNames);
}

std::vector<LabelledReply> read_csv(const std::string& path, const std::string& text) {
  std::vector<LabelledReply> replies;
  CsvReader reader(ByteReader::over(text), ',', kLongestRow);
  CsvRecord names;
  CsvRecord record;
  if (!reader.next(names)) {
    return replies;
  }
  require_different_names(names, {path, names.line});
  while (reader.next(record)) {
    const Place place{path, record.line};
    if (record.is_too_long || record.broken_quote_line > 0 ||
        record.fields.size() != names.fields.size()) {
      place.fail(std::to_string(record.fields.size()) + " fields, expected " +
                     std::to_string(names.fields.size()),
                 "separate fields by commas and double the quotes within quotes");
    }
    nlohmann::json row = nlohmann::json::object();
    for (size_t i = 0; i < names.fields.size(); ++i) {
      row[names.fields[i]] = record.fields[i];
    }
    replies.push_back(reply_of(row, place));
  }
  return replies;
}

}  // namespace

std::vector<LabelledReply> read_labelled_replies(const std::string& path) {
  std::string text = read_text_file(path);
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.erase(0, 3);
  }
  const size_t start = text.find_first_not_of(" \t\r\n");
  const bool is_json = start != std::string::npos && text[start] == '{';
  std::vector<LabelledReply> replies = is_json ? read_lines(path, text) : read_csv(path, text);
  if (replies.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[judge] " + printable(path) + ": there is no reply in it",
                "give JSON lines with a reply each, or CSV with a column of completions");
  }
  return replies;
}

}  // namespace mascing
