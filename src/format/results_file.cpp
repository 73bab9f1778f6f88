// results.json: a writer and a reader that walk the same descriptions (results_schema.h), so what
// is written can be read.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "base/numeric.h"
#include "format/json_text.h"
#include "format/results_schema.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr int64_t kSchema = 2;

// Six significant digits: bytes that do not change with the last bit of a sum. JSON knows no NaN:
// null.
json rounded(double value) {
  if (!std::isfinite(value)) {
    return nullptr;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.5e", value);
  const double shorter = std::strtod(text, nullptr);
  return shorter == 0.0 ? 0.0 : shorter;  // no "-0.0"
}

// ---------------------------------------------------------------- writing

class Writer {
 public:
  template <typename T>
  void field(const char* key, T& value) {
    object_[key] = to_value(value);
  }
  template <typename T>
  void later(const char* key, T& value) {
    field(key, value);
  }
  template <typename T>
  void earlier(const char* key, std::optional<T>& value) {
    if (value) {
      field(key, value);
    }
  }

  template <typename Body>
  void section(const char* key, Body body) {
    Writer part;
    body(part);
    object_[key] = std::move(part.object_);
  }

  void matrix(const char* key, const std::vector<float>& values, int64_t n_row, int64_t n_column) {
    json rows = json::array();
    if (!values.empty() && std::ssize(values) != n_row * n_column) {
      throw Error(ErrorKind::kMismatch,
                  "[results] the steering matrix has " + std::to_string(values.size()) +
                      " entries, expected " + std::to_string(n_row) + " layers x " +
                      std::to_string(n_column) + " experts");
    }
    for (int64_t i_row = 0; !values.empty() && i_row < n_row; ++i_row) {
      json row = json::array();
      for (int64_t i_column = 0; i_column < n_column; ++i_column) {
        row.push_back(rounded(values[i_row * n_column + i_column]));
      }
      rows.push_back(std::move(row));
    }
    object_[key] = std::move(rows);
  }

  json object_ = json::object();

 private:
  template <typename T>
  static json to_value(T& value) {
    if constexpr (std::is_same_v<T, double>) {
      return rounded(value);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return value;
    } else {
      Writer part;
      describe(part, value);
      return std::move(part.object_);
    }
  }

  template <typename T>
  static json to_value(std::optional<T>& value) {
    return value ? to_value(*value) : json(nullptr);
  }

  template <typename T>
  static json to_value(std::vector<T>& values) {
    json list = json::array();
    for (T& value : values) {
      list.push_back(to_value(value));
    }
    return list;
  }

  template <typename T>
  static json to_value(std::map<std::string, T>& values) {
    json object = json::object();
    for (auto& [key, value] : values) {
      object[key] = to_value(value);
    }
    return object;
  }
};

// ---------------------------------------------------------------- reading

class Reader {
 public:
  Reader(const json& object, std::string file, std::string path)
      : object_(object), file_(std::move(file)), path_(std::move(path)) {
    expect(object.is_object(), "an object", object);
  }

  template <typename T>
  void field(const char* key, T& value) const {
    child(key).read(value);
  }
  // A key that earlier versions did not write: its absence leaves the value as it is.
  template <typename T>
  void later(const char* key, T& value) const {
    if (object_.contains(key)) {
      field(key, value);
    }
  }
  // A key that only earlier versions wrote: written again where it was read, and nowhere else.
  template <typename T>
  void earlier(const char* key, std::optional<T>& value) const {
    later(key, value);
  }

  template <typename Body>
  void section(const char* key, Body body) const {
    Reader part(member(key), file_, inside(key));
    body(part);
  }

  void matrix(const char* key, std::vector<float>& values, int64_t n_row, int64_t n_column) const {
    std::vector<std::vector<double>> rows;
    field(key, rows);
    const Value whole = child(key);
    whole.expect(
        rows.empty() || std::ssize(rows) == n_row,
        "one row for each of the " + std::to_string(n_row) + " layers of model.n_layer_moe");
    values.clear();
    for (const std::vector<double>& row : rows) {
      whole.expect(std::ssize(row) == n_column,
                   "rows of model.n_expert = " + std::to_string(n_column) + " numbers");
      for (const double entry : row) {
        values.push_back(to_float(entry));
      }
    }
  }

 private:
  // One value of the file with its path, for messages.
  struct Value {
    const json& node;
    const std::string& file;
    std::string path;

    void expect(bool is_right, const std::string& expected) const {
      if (!is_right) {
        throw Error(ErrorKind::kBadInput,
                    "[results] " + file + ": " + path + " is " + node.type_name() + ", expected " +
                        expected,
                    "write it again with `mascing run`, or see docs/results.md");
      }
    }

    void read(std::string& value) const {
      expect(node.is_string(), "a string");
      value = node.get<std::string>();
    }
    void read(bool& value) const {
      expect(node.is_boolean(), "true or false");
      value = node.get<bool>();
    }
    void read(double& value) const {
      expect(node.is_number() || node.is_null(), "a number or null");
      value = node.is_null() ? std::numeric_limits<double>::quiet_NaN() : node.get<double>();
    }
    void read(uint64_t& value) const {
      expect(node.is_number_unsigned(), "a whole number >= 0");
      value = node.get<uint64_t>();
    }
    void read(int64_t& value) const {
      const bool fits = !node.is_number_unsigned() || node.get<uint64_t>() <= INT64_MAX;
      expect(node.is_number_integer() && fits, "a whole number of at most 63 bits");
      value = node.get<int64_t>();
    }
    template <typename T>
    void read(std::optional<T>& value) const {
      value.reset();
      if (!node.is_null()) {
        read(value.emplace());
      }
    }
    template <typename T>
    void read(std::vector<T>& values) const {
      expect(node.is_array(), "a list");
      values.clear();
      for (size_t i = 0; i < node.size(); ++i) {
        Value{node[i], file, path + "[" + std::to_string(i) + "]"}.read(values.emplace_back());
      }
    }
    template <typename T>
    void read(std::map<std::string, T>& values) const {
      expect(node.is_object(), "an object");
      values.clear();
      for (const auto& [key, part] : node.items()) {
        Value{part, file, path + "." + key}.read(values[key]);
      }
    }
    template <typename T>
    void read(T& value) const {
      Reader part(node, file, path);
      describe(part, value);
    }
  };

  void expect(bool is_right, const char* expected, const json& node) const {
    Value{node, file_, path_.empty() ? "the document" : path_}.expect(is_right, expected);
  }

  [[nodiscard]] std::string inside(const char* key) const {
    return path_.empty() ? key : path_ + "." + key;
  }

  [[nodiscard]] const json& member(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      throw Error(ErrorKind::kBadInput,
                  "[results] " + file_ + ": the key " + inside(key) + " is missing",
                  "write it again with `mascing run`, or see docs/results.md");
    }
    return *found;
  }

  [[nodiscard]] Value child(const char* key) const { return {member(key), file_, inside(key)}; }

  const json& object_;
  std::string file_;
  std::string path_;
};

}  // namespace

std::string to_json(const Results& results, JsonForm form) {
  Results copy = results;  // the descriptions are shared with the reader, which writes into them
  Writer writer;
  int64_t schema = kSchema;
  writer.field("schema", schema);
  describe(writer, copy);
  return writer.object_.dump(
             form == JsonForm::kIndented ? 2 : -1, ' ', false, json::error_handler_t::replace) +
         "\n";
}

Results results_from_json(const std::string& text, const std::string& name) {
  const json document = parse_json_or_discard(text);
  if (document.is_discarded()) {
    throw Error(ErrorKind::kBadInput,
                "[results] " + name + " is not valid JSON",
                "the file is truncated or of another type; write it again with `mascing run`");
  }
  Reader reader(document, name, "");
  int64_t schema = 0;
  reader.field("schema", schema);
  if (schema != kSchema) {
    throw Error(ErrorKind::kBadInput,
                "[results] " + name + ": schema is " + std::to_string(schema) + ", expected " +
                    std::to_string(kSchema),
                "use the version of mascing that wrote the results");
  }
  Results results;
  describe(reader, results);
  return results;
}

}  // namespace mascing
