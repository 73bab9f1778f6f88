// The only file that includes toml++. A table holds the parsed document, shared by all views of it,
// and a pointer to the viewed part.
#include "scenario/toml_reader.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "base/numeric.h"
#include "base/text.h"
#include "mascing/error.h"

// Hostile input can violate the assertions of toml++, which would be undefined behaviour with
// NDEBUG and abort the program without it. Here an assertion throws an exception.
namespace mascing {
namespace {

constexpr void require_of_toml_parser(bool holds) {
  if (!holds) {
    throw std::logic_error("toml++ assertion failed");
  }
}

}  // namespace
}  // namespace mascing

#define TOML_ASSERT(expr) ::mascing::require_of_toml_parser(static_cast<bool>(expr))  // NOLINT
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace mascing {

struct TomlTable::Node {
  std::shared_ptr<const toml::table> document;
  const toml::table* table = nullptr;
  std::string file;
};

namespace {

constexpr const char* kTomlHint =
    "write strings in quotes, lists in [brackets] and tables under [name]; see https://toml.io";

std::string at_line(const std::string& file, toml::source_index line) {
  return file + ":" + std::to_string(std::max<toml::source_index>(line, 1)) + ": ";
}

// Describes a value, such as "a string (\"all\")" or "an integer (3)".
std::string describe(const toml::node& node) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  switch (node.type()) {
    case toml::node_type::string:
      return "a string (\"" + node.ref<std::string>() + "\")";
    case toml::node_type::integer:
      text << "an integer (" << node.ref<int64_t>() << ")";
      return text.str();
    case toml::node_type::floating_point:
      text << "a number with a decimal point (" << node.ref<double>() << ")";
      return text.str();
    case toml::node_type::boolean:
      return node.ref<bool>() ? "a boolean (true)" : "a boolean (false)";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

std::string in_words(const Range& range) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  if (std::isinf(range.high)) {
    text << (range.is_open ? "more than " : "at least ") << range.low;
  } else {
    text << (range.is_open ? "between (and not at) " : "from ") << range.low
         << (range.is_open ? " and " : " to ") << range.high;
  }
  return text.str();
}

bool is_inside(double value, const Range& range) {
  return range.is_open ? value > range.low && value < range.high
                       : value >= range.low && value <= range.high;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

template <typename T>
struct Kind;
template <>
struct Kind<std::string> {
  static constexpr const char* kOne = "a string";
  static constexpr const char* kMany = "a list of strings";
};
template <>
struct Kind<bool> {
  static constexpr const char* kOne = "true or false";
};
template <>
struct Kind<int64_t> {
  static constexpr const char* kOne = "a whole number";
  static constexpr const char* kMany = "a list of whole numbers";
};
template <>
struct Kind<double> {
  static constexpr const char* kOne = "a number";
  static constexpr const char* kMany = "a list of numbers";
};

// Only lossless conversions are allowed. An integer is also a number; no other conversion is
// made.
template <typename T>
std::optional<T> exactly(const toml::node& node) {
  if (node.is<T>()) {
    return node.ref<T>();
  }
  if constexpr (std::is_same_v<T, double>) {
    if (node.is_integer()) {
      return to_double(node.ref<int64_t>());
    }
  }
  return std::nullopt;
}

struct TomlPlace {
  const TomlTable& table;
  const std::string& key;
  int64_t i_element;  // -1: the value itself
};

/// Hint for a value of the wrong type.
template <typename T>
const char* hint_of_type(const toml::node& node) {
  if (std::is_same_v<T, std::string>) {
    return "put it in quotes";
  }
  const bool is_whole_wanted = std::is_same_v<T, int64_t>;
  return is_whole_wanted && node.is_floating_point()
             ? "write it without a decimal point or an exponent"
             : "write it without quotes";
}

template <typename T>
T read_one(const TomlPlace& place, const toml::node& node, const Range* range) {
  const std::optional<T> value = exactly<T>(node);
  if (!value) {
    place.table.fail(place.key,
                     "is " + describe(node) + ", expected " + Kind<T>::kOne,
                     hint_of_type<T>(node),
                     place.i_element);
  }
  if constexpr (std::is_arithmetic_v<T>) {
    if (range != nullptr && !is_inside(static_cast<double>(*value), *range)) {
      place.table.fail(place.key,
                       "is out of range: " + describe(node) + ", expected " + in_words(*range),
                       "see docs/scenario.md for its meaning and default",
                       place.i_element);
    }
  }
  return *value;
}

template <typename T>
void read_list(const TomlPlace& place,
               const toml::node* node,
               std::vector<T>& values,
               const Range* range) {
  if (node == nullptr) {
    return;
  }
  const toml::array* const list = node->as_array();
  if (list == nullptr) {
    place.table.fail(place.key,
                     "is " + describe(*node) + ", expected " + Kind<T>::kMany,
                     "put it in square brackets: " + place.key + " = [...]");
  }
  if (list->empty()) {
    place.table.fail(place.key, "is an empty list", "omit the key to use the default");
  }
  values.clear();
  for (int64_t i = 0; i < std::ssize(*list); ++i) {
    const TomlPlace element{place.table, place.key, i};
    values.push_back(read_one<T>(element, (*list)[i], range));
  }
}

}  // namespace

TomlTable::TomlTable(std::shared_ptr<const Node> node, std::string name)
    : node_(std::move(node)), name_(std::move(name)) {}

TomlTable TomlTable::parse(const std::string& text, const std::string& file) {
  if (!is_valid_utf8(text)) {
    throw Error(ErrorKind::kUsage, file + ":1: the file is not UTF-8 text", "save it as UTF-8");
  }
  try {
    auto document = std::make_shared<const toml::table>(toml::parse(text, file));
    const toml::table* const root = document.get();
    return {std::make_shared<const Node>(Node{std::move(document), root, file}), "the scenario"};
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kUsage,
                at_line(file, error.source().begin.line) +
                    "not valid TOML: " + std::string(error.description()),
                kTomlHint);
  } catch (const std::logic_error&) {
    throw Error(
        ErrorKind::kUsage, at_line(file, 1) + "not valid TOML: the parser failed", kTomlHint);
  }
}

void TomlTable::expect_keys(const std::vector<std::string>& known) const {
  const toml::key* first = nullptr;
  for (const auto& [key, node] : *node_->table) {
    const bool is_known = std::find(known.begin(), known.end(), key.str()) != known.end();
    if (!is_known && (first == nullptr || key.source().begin.line < first->source().begin.line)) {
      first = &key;
    }
  }
  if (first == nullptr) {
    return;
  }
  const std::string word(first->str());
  const std::string nearest = closest_match(word, known);
  throw Error(
      ErrorKind::kUsage,
      at_line(node_->file, first->source().begin.line) + "unknown key \"" + word + "\" in " + name_,
      (nearest.empty() ? "" : "did you mean \"" + nearest + "\"? ") +
          "Known keys: " + joined(known));
}

void TomlTable::require(const std::string& key) const {
  if (!has(key)) {
    fail("", name_ + " lacks the key \"" + key + "\"", "add a line " + key + " = ...");
  }
}

bool TomlTable::has(const std::string& key) const {
  return node_->table->contains(key);
}

void TomlTable::get(const std::string& key, std::string& value) const {
  if (const toml::node* const node = node_->table->get(key)) {
    value = read_one<std::string>({*this, key, -1}, *node, nullptr);
  }
}

void TomlTable::get(const std::string& key, bool& value) const {
  if (const toml::node* const node = node_->table->get(key)) {
    value = read_one<bool>({*this, key, -1}, *node, nullptr);
  }
}

void TomlTable::get(const std::string& key, int64_t& value, Range range) const {
  if (const toml::node* const node = node_->table->get(key)) {
    value = read_one<int64_t>({*this, key, -1}, *node, &range);
  }
}

void TomlTable::get(const std::string& key, double& value, Range range) const {
  if (const toml::node* const node = node_->table->get(key)) {
    value = read_one<double>({*this, key, -1}, *node, &range);
  }
}

void TomlTable::get(const std::string& key, std::vector<std::string>& value) const {
  read_list<std::string>({*this, key, -1}, node_->table->get(key), value, nullptr);
}

void TomlTable::get(const std::string& key, std::vector<int64_t>& value, Range range) const {
  read_list<int64_t>({*this, key, -1}, node_->table->get(key), value, &range);
}

void TomlTable::get(const std::string& key, std::vector<double>& value, Range range) const {
  read_list<double>({*this, key, -1}, node_->table->get(key), value, &range);
}

size_t TomlTable::get_word(const std::string& key,
                           const std::vector<std::string>& words,
                           size_t otherwise) const {
  if (!has(key)) {
    return otherwise;
  }
  std::string word;
  get(key, word);
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) {
    const std::string nearest = closest_match(word, words);
    fail(key,
         "is \"" + word + "\", expected one of: " + joined(words),
         nearest.empty() ? "see docs/scenario.md for their meaning"
                         : "did you mean \"" + nearest + "\"?");
  }
  return found - words.begin();
}

std::string TomlTable::existing_file(const std::string& key,
                                     const std::string& path,
                                     const std::filesystem::path& folder) const {
  const std::filesystem::path full = (folder / path).lexically_normal();
  std::error_code error;
  if (path.empty() || !std::filesystem::is_regular_file(full, error)) {
    fail(key,
         "names a file that does not exist: \"" + path + "\"",
         "paths are relative to the scenario's folder; this one resolves to " + full.string());
  }
  return full.string();
}

TomlTable TomlTable::table(const std::string& key) const {
  static const toml::table nothing;
  const toml::node* const node = node_->table->get(key);
  if (node != nullptr && !node->is_table()) {
    fail(key,
         "is " + describe(*node) + ", expected a table",
         "write [" + key + "] on a separate line");
  }
  const toml::table* const part = node == nullptr ? &nothing : node->as_table();
  return {std::make_shared<const Node>(Node{node_->document, part, node_->file}), "[" + key + "]"};
}

std::vector<TomlTable> TomlTable::tables(const std::string& key) const {
  std::vector<TomlTable> result;
  const toml::node* const node = node_->table->get(key);
  if (node == nullptr) {
    return result;
  }
  if (!node->is_array_of_tables()) {
    fail(key,
         "is " + describe(*node) + ", expected a list of tables",
         "write [[" + key + "]] above each table");
  }
  for (const toml::node& part : *node->as_array()) {
    result.push_back(
        TomlTable(std::make_shared<const Node>(Node{node_->document, part.as_table(), node_->file}),
                  "[[" + key + "]]"));
  }
  return result;
}

void TomlTable::fail(const std::string& key,
                     const std::string& message,
                     const std::string& hint,
                     int64_t i_element) const {
  const toml::node* node = key.empty() ? nullptr : node_->table->get(key);
  const std::string subject = node == nullptr ? "" : name_ + " " + key + " ";
  std::string element;
  if (node != nullptr && node->is_array() && i_element >= 0) {
    node = node->as_array()->get(i_element);
    element = "(element " + std::to_string(i_element + 1) + ") ";
  }
  const toml::source_index line = (node == nullptr ? *node_->table : *node).source().begin.line;
  throw Error(ErrorKind::kUsage, at_line(node_->file, line) + subject + element + message, hint);
}

}  // namespace mascing
