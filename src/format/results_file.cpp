// results.json. Each struct is described once, as a list of (key, field); a writer and a reader
// walk the same descriptions, so what is written can be read. docs/results.md explains every key.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "mascing/error.h"
#include "mascing/results.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr int64_t kSchema = 1;

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

// ---------------------------------------------------------------- descriptions

template <typename Io>
void describe(Io& io, Rate& rate) {
  io.field("rate", rate.rate);
  io.field("low", rate.low);
  io.field("high", rate.high);
}

template <typename Io>
void describe(Io& io, MetricResult& metric) {
  io.field("split", metric.split);
  io.field("wanted", metric.wanted);
  io.field("n", metric.n);
  io.field("base", metric.base);
  io.field("steered", metric.steered);
  io.field("fixed", metric.fixed);
  io.field("broken", metric.broken);
  io.field("p_value", metric.p_value);
}

template <typename Io>
void describe(Io& io, DamageResult& damage) {
  io.field("kl_benign", damage.kl_benign);
  io.field("perplexity_base", damage.perplexity_base);
  io.field("perplexity_steered", damage.perplexity_steered);
  io.field("n_kl_token", damage.n_kl_token);
  io.field("n_text_token", damage.n_text_token);
}

template <typename Io>
void describe(Io& io, CandidateResult& candidate) {
  io.later("role", candidate.role);
  io.field("method", candidate.method);
  io.field("lambda", candidate.lambda);
  io.field("epochs", candidate.epochs);
  io.field("preserve", candidate.preserve);
  io.field("guard", candidate.guard);
  io.field("seed", candidate.seed);
  io.field("alpha", candidate.alpha);
  io.field("n_active", candidate.n_active);
  io.field("feasible", candidate.feasible);
  io.field("why_not", candidate.why_not);
  io.field("perplexity", candidate.perplexity);
  io.field("kl_benign", candidate.kl_benign);
  io.field("rates", candidate.rates);
  io.field("estimates", candidate.estimates);
  io.later("setting", candidate.setting);
  io.later("metrics", candidate.metrics);
  io.later("damage", candidate.damage);
  io.later("p_versus_chosen", candidate.p_versus_chosen);
  io.later("p_versus_chosen_holm", candidate.p_versus_chosen_holm);
}

template <typename Io>
void describe(Io& io, LoopStepResult& step) {
  io.field("norm", step.norm);
  io.field("values", step.values);
}

template <typename Io>
void describe(Io& io, LoopResult& loop) {
  io.field("steps", loop.steps);
  io.field("limits", loop.limits);
  io.field("best_step", loop.i_best);
  io.field("stretch", loop.n_stretch);
  io.field("prefills", loop.n_question);
}

template <typename Io>
void describe(Io& io, OutcomeResult& outcome) {
  io.field("n", outcome.n);
  io.field("auc", outcome.auc);
  io.field("rank_correlation", outcome.rank_correlation);
}

template <typename Io>
void describe(Io& io, RandomMasks& random) {
  io.field("n_mask", random.n_mask);
  io.field("n", random.n);
  io.field("norm", random.norm);
  io.field("alpha", random.alpha);
  io.field("mean", random.mean);
  io.field("sd", random.sd);
  io.field("least", random.least);
  io.field("quartile_1", random.quartile_1);
  io.field("median", random.median);
  io.field("quartile_3", random.quartile_3);
  io.field("most", random.most);
  io.field("p_value", random.p_value);
  io.field("rates", random.rates);
}

template <typename Io>
void describe(Io& io, SurrogateResult& surrogate) {
  io.field("seed", surrogate.seed);
  io.field("n_train", surrogate.n_train);
  io.field("n_validation", surrogate.n_validation);
  io.field("validation_accuracy", surrogate.validation_accuracy);
  io.field("validation_auc", surrogate.validation_auc);
  io.field("majority_accuracy", surrogate.majority_accuracy);
  io.field("length_auc", surrogate.length_auc);
  io.field("best_epoch", surrogate.best_epoch);
}

template <typename Io>
void describe(Io& io, Skipped& skipped) {
  io.field("id", skipped.id);
  io.field("reason", skipped.reason);
}

template <typename Io>
void describe(Io& io, Warning& warning) {
  io.field("id", warning.id);
  io.field("text", warning.text);
  io.field("advice", warning.advice);
}

template <typename Io>
void describe_origin(Io& io, Results& results) {
  io.section("tool", [&](Io& tool) {
    tool.field("version", results.tool_version);
    tool.field("seed", results.seed);
    tool.field("threads", results.n_thread);
    tool.field("command", results.command);
  });
  io.section("scenario", [&](Io& scenario) {
    scenario.field("name", results.scenario_name);
    scenario.field("direction", results.direction);
    scenario.field("target_metric", results.target_metric);
  });
  io.section("model", [&](Io& model) {
    model.field("name", results.model_name);
    model.field("description", results.model_description);
    model.field("fingerprint", results.fingerprint);
    model.field("architecture", results.architecture);
    model.field("n_layer_moe", results.n_layer);
    model.field("n_expert", results.n_expert);
    model.field("n_expert_used", results.n_expert_used);
  });
}

template <typename Io>
void describe(Io& io, Results& results) {
  describe_origin(io, results);
  io.field("metrics", results.metrics);
  io.field("damage", results.damage);
  io.section("mask", [&](Io& mask) {
    mask.field("file", results.mask_file);
    mask.field("method", results.mask_method);
    mask.field("alpha", results.mask_alpha);
    mask.field("lambda", results.mask_lambda);
    mask.field("n_active", results.mask_n_active);
    mask.matrix("steer", results.mask_steer, results.n_layer, results.n_expert);
  });
  io.section("cost", [&](Io& cost) {
    cost.field("seconds", results.seconds);
    cost.field("prefill_tokens", results.n_prefill_token);
    cost.field("generated_tokens", results.n_generated_token);
    cost.later("baseline_prefill_tokens", results.n_baseline_prefill_token);
    cost.later("baseline_generated_tokens", results.n_baseline_generated_token);
    cost.section("tokens_per_second", [&](Io& speed) {
      speed.field("base", results.tokens_per_second_base);
      speed.field("steered", results.tokens_per_second_steered);
    });
  });
  io.section("effects", [&](Io& effects) {
    effects.field("n_pair", results.effects.n_pair);
    effects.field("r2", results.effects.r2);
    effects.field("reliability", results.effects.reliability);
    effects.field("n_significant", results.effects.n_significant);
    effects.matrix("effect", results.effects.effect, results.n_layer, results.n_expert);
    effects.matrix(
        "standard_error", results.effects.standard_error, results.n_layer, results.n_expert);
    effects.matrix("q_value", results.effects.q_value, results.n_layer, results.n_expert);
  });
  io.field("loop", results.loop);
  io.field("outcome", results.outcome);
  io.section("surrogate", [&](Io& surrogate) { surrogate.field("runs", results.surrogates); });
  io.field("labels", results.labels);
  io.field("candidates", results.candidates);
  io.later("random_masks", results.random_masks);
  io.field("skipped", results.skipped);
  io.field("warnings", results.warnings);
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

  template <typename Body>
  void section(const char* key, Body body) {
    Writer part;
    body(part);
    object_[key] = std::move(part.object_);
  }

  void matrix(const char* key, const std::vector<float>& values, int64_t n_row, int64_t n_column) {
    json rows = json::array();
    if (!values.empty() && static_cast<int64_t>(values.size()) != n_row * n_column) {
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
        rows.empty() || static_cast<int64_t>(rows.size()) == n_row,
        "one row for each of the " + std::to_string(n_row) + " layers of model.n_layer_moe");
    values.clear();
    for (const std::vector<double>& row : rows) {
      whole.expect(static_cast<int64_t>(row.size()) == n_column,
                   "rows of model.n_expert = " + std::to_string(n_column) + " numbers");
      for (const double entry : row) {
        values.push_back(static_cast<float>(entry));
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
                    "write it anew with `mascing run`, or see docs/results.md");
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
                  "write it anew with `mascing run`, or see docs/results.md");
    }
    return *found;
  }

  [[nodiscard]] Value child(const char* key) const { return {member(key), file_, inside(key)}; }

  const json& object_;
  std::string file_;
  std::string path_;
};

}  // namespace

std::string to_json(const Results& results) {
  Results copy = results;  // the descriptions are shared with the reader, which writes into them
  Writer writer;
  int64_t schema = kSchema;
  writer.field("schema", schema);
  describe(writer, copy);
  return writer.object_.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Results results_from_json(const std::string& text, const std::string& name) {
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) {
    throw Error(ErrorKind::kBadInput,
                "[results] " + name + " is not valid JSON",
                "the file is cut off or of another kind: write it anew with `mascing run`");
  }
  Reader reader(document, name, "");
  int64_t schema = 0;
  reader.field("schema", schema);
  if (schema != kSchema) {
    throw Error(ErrorKind::kBadInput,
                "[results] " + name + ": schema is " + std::to_string(schema) + ", expected " +
                    std::to_string(kSchema),
                "this version of mascing reads results of its own schema only");
  }
  Results results;
  describe(reader, results);
  return results;
}

}  // namespace mascing
