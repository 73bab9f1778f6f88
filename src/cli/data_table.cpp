// One line per set.
#include "cli/data_table.h"

#include <algorithm>
#include <iostream>
#include <ostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/forecast_table.h"
#include "mascing/error.h"
#include "report/columns.h"

namespace mascing::cli {
namespace {

constexpr size_t kTextIndent = 8;  // of "target: "

std::string limit_words(const SetSummary& set) {
  if (set.unseen_drop == 0.0) {
    return "";
  }
  std::string words = "; may drop by " + format_points(set.max_drop);
  if (set.allowed_drop > set.max_drop) {
    words += ", on so few by " + format_points(set.allowed_drop) + " (one conversation)";
  }
  return words + "; a drop of " + format_points(set.unseen_drop) + " may go unseen";
}

nlohmann::json to_value(const SetSummary& set) {
  return {{"metric", set.metric},
          {"role", set.role},
          {"splits", set.counts.n},
          {"labels", set.counts.n_label},
          {"max_drop", set.max_drop},
          {"allowed_drop", set.allowed_drop},
          {"unseen_drop", set.unseen_drop}};
}

void print_data_json(const DataSummary& summary, const Forecast* forecast, std::ostream& out) {
  nlohmann::json sets = nlohmann::json::array();
  for (const SetSummary& set : summary.sets) {
    sets.push_back(to_value(set));
  }
  nlohmann::json warnings = nlohmann::json::array();
  for (const Warning& warning : summary.warnings) {
    warnings.push_back({{"id", warning.id}, {"text", warning.text}, {"advice", warning.advice}});
  }
  nlohmann::json value = {{"sets", std::move(sets)},
                          {"power",
                           {{"n_test", summary.power.n_test},
                            {"n_least_fixed", summary.power.n_least_fixed},
                            {"least_rise", summary.power.least_rise},
                            {"sure_rise", summary.power.sure_rise}}},
                          {"warnings", std::move(warnings)}};
  if (forecast != nullptr) {
    value["forecast"] = forecast_value(*forecast);
  }
  out << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_data_text(const DataSummary& summary, std::ostream& out) {
  size_t width = 0;
  for (const SetSummary& set : summary.sets) {
    width = std::max(width, set.metric.size() + set.role.size() + 5);
  }
  for (const SetSummary& set : summary.sets) {
    out << wrapped(padded(printable(set.metric) + " (" + set.role + ")", width, true),
                   split_words(set.counts) + limit_words(set),
                   width);
  }
  out << wrapped("target: ", power_words(summary.power), kTextIndent) << std::flush;
  for (const Warning& warning : summary.warnings) {
    std::cerr << "warning [" << printable(warning.id) << "] " << printable(warning.text, 400)
              << "\n  -> " << printable(warning.advice, 400) << '\n';
  }
}

bool is_too_little(const DataSummary& summary) {
  return summary.power.n_test < summary.power.n_least_fixed;
}

}  // namespace

std::string split_words(const SplitCounts& counts) {
  std::string words;
  for (const char* split : {"discovery", "selection", "test"}) {
    const auto n = counts.n.find(split);
    words += words.empty() ? "" : ", ";
    words += std::to_string(n == counts.n.end() ? 0 : n->second) + " " + split;
    std::string labels;
    for (const char* label : {"0", "1"}) {
      const auto found = counts.n_label.find(std::string(split) + ".label_" + label);
      if (found != counts.n_label.end()) {
        labels += labels.empty() ? "" : ", ";
        labels += std::to_string(found->second) + " with label " + label;
      }
    }
    words += labels.empty() ? "" : " (" + labels + ")";
  }
  return words;
}

void show_data(const DataSummary& summary) {
  print_data_text(summary, std::cout);
  if (is_too_little(summary)) {
    std::cerr << "warning [too_few_to_test] " << power_words(summary.power)
              << "\n  -> add conversations to the target set\n";
  }
}

void print_data(const DataSummary& summary, const Forecast* forecast, bool as_json) {
  std::ostream& out = is_too_little(summary) ? std::cerr : std::cout;
  if (as_json) {
    print_data_json(summary, forecast, out);
  } else {
    print_data_text(summary, out);
    if (forecast != nullptr) {
      out << '\n';
      write_forecast(*forecast, out);
    }
  }
  if (is_too_little(summary)) {
    throw Error(ErrorKind::kInsufficient,
                "[run] " + power_words(summary.power),
                "add conversations to the target set's test split");
  }
}

}  // namespace mascing::cli
