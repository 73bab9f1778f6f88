// Common parts of the public formats. A row is an object with named values, from CSV or JSON; a
// format is a list of required names and a converter to a
// conversation.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "mascing/conversation.h"

namespace mascing {

/// Why a row is skipped; empty if it is used.
struct Skip {
  std::string reason;
  std::string detail;
};

/// One row; names are lower case. Asking for a value that it lacks refuses the row; the first
/// reason is kept.
class ImportRow {
 public:
  int64_t line = 0;
  nlohmann::json values = nlohmann::json::object();
  std::set<std::string> names_twice = {};  ///< with another value the second time

  /// A text, or a number as it stands; empty if absent or null; refuses other types.
  [[nodiscard]] std::string text(const char* name);
  /// From a number or its text, such as 1.0 or "1"; none for anything else, which is noted as
  /// unread unless there is nothing.
  [[nodiscard]] std::optional<int> zero_or_one(const char* name);
  /// Null if absent or null.
  [[nodiscard]] const nlohmann::json* find(const char* name) const;
  /// Parses a JSON text that stands within the row; null after refusing it.
  [[nodiscard]] nlohmann::json parse(const std::string& text, const std::string& name);
  void refuse(const std::string& reason, const std::string& detail);
  [[nodiscard]] bool is_refused() const { return !skip_.reason.empty(); }
  [[nodiscard]] const Skip& skip() const { return skip_; }
  /// Names of values that nobody has asked for.
  [[nodiscard]] std::vector<std::string> unused() const;
  /// A label that is neither 0 nor 1, in words; empty if there is none.
  [[nodiscard]] const std::string& unread_label() const { return unread_label_; }

 private:
  std::string unread_label_;
  Skip skip_;
  mutable std::set<std::string> asked_;
};

struct ImportFormat {
  const char* name;
  const char* description;
  std::vector<std::string> needs;  ///< names a header or an object must have
  void (*convert)(ImportRow& row, Conversation& conversation);
  std::vector<std::string> takes = {};  ///< names that it also has a use for
  bool is_plain_text = false;           ///< a line is a row: its only value is "prompt"
};

/// In the order of the documentation.
[[nodiscard]] const std::vector<ImportFormat>& import_formats();
/// True if the format has a use for a column of this name.
[[nodiscard]] bool has_use_for(const ImportFormat& format, const std::string& name);
/// Null if there is none of this name.
[[nodiscard]] const ImportFormat* find_format(const std::string& name);
/// Of the formats whose needs are among `names` (lower case) the one with the most needs; null if
/// there is none.
[[nodiscard]] const ImportFormat* recognise_format(const std::vector<std::string>& names);

/// Appends {role, content} objects in any of the usual spellings; refuses the row otherwise.
void add_turns(ImportRow& row, const nlohmann::json& turns, Conversation& conversation);

// The converters, by family: single requests (request_formats.cpp), conversations
// (chat_formats.cpp).
void convert_prompt(ImportRow& row, Conversation& conversation);
void convert_harmbench(ImportRow& row, Conversation& conversation);
void convert_advbench(ImportRow& row, Conversation& conversation);
void convert_jailbreakbench(ImportRow& row, Conversation& conversation);
void convert_artifact(ImportRow& row, Conversation& conversation);
void convert_strongreject(ImportRow& row, Conversation& conversation);
void convert_xstest(ImportRow& row, Conversation& conversation);
void convert_alpaca(ImportRow& row, Conversation& conversation);
void convert_own(ImportRow& row, Conversation& conversation);
void convert_mhj(ImportRow& row, Conversation& conversation);
void convert_research(ImportRow& row, Conversation& conversation);
void convert_sorrybench(ImportRow& row, Conversation& conversation);
void convert_sharegpt(ImportRow& row, Conversation& conversation);

}  // namespace mascing
