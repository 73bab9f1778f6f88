// Tables with one surrogate or one split per row.
#include "report/search_sections.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "base/text.h"
#include "report/html.h"
#include "report/loop_sections.h"
#include "report/numbers.h"

namespace mascing {
namespace {

constexpr size_t kMaxSkippedRow = 200;
constexpr double kConfoundAuc = 0.7;  // above it, length alone separates the classes

std::string confound_text(const Results& results) {
  double strongest = 0.5;
  for (const SurrogateResult& surrogate : results.surrogates) {
    if (std::isfinite(surrogate.length_auc)) {
      strongest = std::max({strongest, surrogate.length_auc, 1.0 - surrogate.length_auc});
    }
  }
  const std::string auc = format_number(strongest, 2);
  return strongest > kConfoundAuc
             ? "Confound check: the number of tokens alone separates the classes with an AUC "
               "of " +
                   auc +
                   " (0.5 = chance). The surrogate may have learned length rather than behaviour. "
                   "Match the classes in "
                   "length and number of turns."
             : "Confound check: the number of tokens alone separates the classes with an AUC "
               "of " +
                   auc + " (0.5 = chance). The surrogate shows no sign of relying on length.";
}

/// "dsr.label_0" -> "DSR, as wanted".
std::string label_heading(const std::string& name) {
  const size_t dot = name.find('.');
  const std::string kind = dot == std::string::npos ? name : name.substr(dot + 1);
  const std::string words = kind == "label_0"   ? "as wanted"
                            : kind == "label_1" ? "not as wanted"
                                                : display_name(kind);
  return dot == std::string::npos ? words : display_name(name.substr(0, dot)) + ", " + words;
}

std::string labels_table(const Results& results) {
  std::map<std::string, std::map<std::string, int64_t>> rows;
  std::set<std::string> names;
  for (const auto& [key, count] : results.labels) {
    const size_t dot = key.find('.');
    const std::string name = dot == std::string::npos ? "conversations" : key.substr(dot + 1);
    rows[key.substr(0, dot)][name] = count;
    names.insert(name);
  }
  std::vector<HtmlColumn> columns = {{"part"}};
  for (const std::string& name : names) {
    columns.push_back({label_heading(name), true});
  }
  HtmlTable table("Conversations per split", columns);
  for (const auto& [part, counts] : rows) {
    std::vector<std::string> cells = {escape_html(display_name(part))};
    for (const std::string& name : names) {
      const auto found = counts.find(name);
      cells.push_back(found == counts.end() ? "&ndash;" : count_text(found->second));
    }
    table.add_row(cells);
  }
  return rows.empty() ? "" : table.html();
}

std::string confounds_paragraph(const ConfoundResult& confounds) {
  if (confounds.n == 0) {
    return "";
  }
  return html_paragraph(
      "Without the model, the labels of the target's " + count_text(confounds.n) +
      " conversations can be predicted from the topic with an AUC of " +
      format_number(confounds.topic_auc, 2) + ", from the length of the final message with " +
      format_number(confounds.length_auc, 2) + ", and from the number of turns with " +
      format_number(confounds.turn_auc, 2) +
      " (0.5 = chance). If one is close to 1, a mask may follow it instead of the behaviour.");
}

std::string power_paragraph(const PowerResult& power) {
  if (power.n_test == 0) {
    return "";
  }
  return html_paragraph(
      "Without a mask, " + count_text(power.n_base_wanted) + " of " + count_text(power.n_base) +
      " discovery conversations of the target have the wanted outcome, so about " +
      format_number(power.n_to_fix, 0) + " of the " + count_text(power.n_test) +
      " test conversations are left to fix. At least " + count_text(power.n_least_fixed) +
      " must be fixed for a significant effect, a rise of " + format_points(power.least_rise) +
      "; a true rise of " + format_points(power.sure_rise) +
      " comes out significant in four of five test splits.");
}

std::string skipped_table(const Results& results) {
  if (results.skipped.empty()) {
    return "";
  }
  const size_t n_row = std::min(results.skipped.size(), kMaxSkippedRow);
  HtmlTable table("Skipped conversations", {{"id"}, {"reason"}});
  for (size_t i = 0; i < n_row; ++i) {
    table.add_row({escape_html(results.skipped[i].id), escape_html(results.skipped[i].reason)});
  }
  const std::string count =
      counted(std::ssize(results.skipped), "skipped conversation", "skipped conversations");
  const std::string rest = n_row < results.skipped.size()
                               ? html_paragraph("Showing the first " + std::to_string(n_row) +
                                                "; results.json lists all.")
                               : "";
  return "<details><summary>" + count + "</summary>" + table.html() + rest + "</details>\n";
}

std::string cross_auc_text(const CrossValidationResult& validation) {
  if (validation.n_fold == 0) {
    return "-";
  }
  return format_number(validation.auc, 2) + " [" + format_number(validation.low, 2) + ", " +
         format_number(validation.high, 2) + "], topic alone " +
         format_number(validation.topic_auc, 2);
}

}  // namespace

std::string surrogates_section(const Results& results) {
  if (results.surrogates.empty()) {
    return "";
  }
  HtmlTable table("Surrogates on held-out topics",
                  {{"seed"},
                   {"trained on", true},
                   {"validated on", true},
                   {"accuracy", true},
                   {"majority", true},
                   {"AUC", true},
                   {"AUC of length alone", true},
                   {"best epoch", true},
                   {"cross-validated AUC", true},
                   {"calibration error", true}});
  for (const SurrogateResult& surrogate : results.surrogates) {
    table.add_row({std::to_string(surrogate.seed),
                   count_text(surrogate.n_train),
                   count_text(surrogate.n_validation),
                   rate_text(surrogate.validation_accuracy),
                   rate_text(surrogate.majority_accuracy),
                   fraction_text(surrogate.validation_auc),
                   fraction_text(surrogate.length_auc),
                   std::to_string(surrogate.best_epoch),
                   cross_auc_text(surrogate.cross_validation),
                   surrogate.cross_validation.n_fold > 0
                       ? format_number(surrogate.cross_validation.calibration_error, 3)
                       : "-"});
  }
  return html_section(
      "surrogates",
      "Surrogate validation",
      html_paragraph(
          "The surrogate is a small network that predicts the behaviour from router logits. "
          "Masks are optimised through it. \"Majority\" is the accuracy of always predicting "
          "the more frequent class. For cross-validation, each conversation is scored by a "
          "surrogate that has not seen its topic; the interval is from resampled topics.") +
          table.html() + html_paragraph(confound_text(results)));
}

std::string data_section(const Results& results) {
  const std::string body = labels_table(results) + power_paragraph(results.power) +
                           held_out_table(results.outcome) +
                           confounds_paragraph(results.confounds) + skipped_table(results);
  return html_section("data", "Data splits", body);
}

}  // namespace mascing
