// Tables with one candidate, one surrogate or one split per row.
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
#include "report/trade_off.h"
#include "report/trade_plot.h"

namespace mascing {
namespace {

constexpr size_t kManyRows = 24;  // longer tables are collapsed
constexpr size_t kMaxSkippedRow = 200;
constexpr double kConfoundAuc = 0.7;  // above it, length alone separates the classes

std::vector<std::string> rate_ids(const Results& results) {
  std::set<std::string> present;
  for (const CandidateResult& candidate : results.candidates) {
    for (const auto& [id, rate] : candidate.rates) {
      present.insert(id);
    }
    for (const auto& [id, share] : candidate.estimates) {
      present.insert(id);
    }
  }
  std::vector<std::string> ids;
  for (const NamedMetric& metric : ordered_metrics(results)) {
    if (present.erase(metric.id) != 0) {
      ids.push_back(metric.id);
    }
  }
  ids.insert(ids.end(), present.begin(), present.end());
  return ids;
}

std::string outcome_of(const CandidateResult& candidate, bool is_chosen) {
  if (is_chosen || candidate.feasible) {
    return is_chosen ? "chosen" : "within limits";
  }
  return candidate.rejection_reason.empty() ? "not within limits"
                                            : escape_html(candidate.rejection_reason);
}

/// The generated rate, or else the estimate from one prefill per conversation.
std::string candidate_cell(const CandidateResult& candidate, const std::string& id) {
  const auto rate = candidate.rates.find(id);
  if (rate != candidate.rates.end()) {
    return rate_text(rate->second.rate);
  }
  const auto estimate = candidate.estimates.find(id);
  return estimate == candidate.estimates.end()
             ? "&ndash;"
             : std::string("~").append(rate_text(estimate->second));
}

bool is_optimised(const CandidateResult& candidate) {
  return candidate.method.rfind("surrogate", 0) == 0;
}

/// Columns of the candidate table.
struct CandidateColumns {
  std::vector<std::string> ids;
  bool has_settings = false;  ///< settings of masks optimised through a surrogate
};

CandidateColumns columns_for(const Results& results) {
  return {rate_ids(results),
          std::any_of(results.candidates.begin(), results.candidates.end(), is_optimised)};
}

std::vector<std::string> setting_cells(const CandidateResult& candidate) {
  if (!is_optimised(candidate)) {
    return std::vector<std::string>(4, "&ndash;");
  }
  return {short_text(candidate.lambda),
          std::to_string(candidate.epochs),
          short_text(candidate.preserve),
          std::to_string(candidate.seed)};
}

std::string positive_text(double value, int decimals) {
  return std::isfinite(value) && value > 0.0 ? format_number(value, decimals) : "&ndash;";
}

/// "mean difference+guard", where it may be broken.
std::string method_cell(const std::string& method) {
  std::string name = escape_html(display_name(method));
  const size_t i_plus = name.find('+');
  return i_plus == std::string::npos ? name : name.insert(i_plus + 1, "<wbr>");
}

std::vector<std::string> candidate_cells(const CandidateResult& candidate,
                                         const CandidateColumns& columns,
                                         bool is_chosen) {
  std::vector<std::string> cells = {method_cell(candidate.method), short_text(candidate.alpha)};
  for (const std::string& id : columns.ids) {
    cells.push_back(candidate_cell(candidate, id));
  }
  // Until whole replies are compared, a candidate has the divergence of the first tokens as both.
  const bool is_whole = candidate.kl_first <= 0.0 || candidate.kl_benign != candidate.kl_first;
  cells.push_back(positive_text(candidate.kl_first, 4));
  cells.push_back(positive_text(is_whole ? candidate.kl_benign : 0.0, 4));
  cells.push_back(positive_text(candidate.perplexity, 1));
  cells.push_back(outcome_of(candidate, is_chosen));
  if (columns.has_settings) {
    const std::vector<std::string> settings = setting_cells(candidate);
    cells.insert(cells.end(), settings.begin(), settings.end());
  }
  cells.push_back(std::to_string(candidate.n_active));
  return cells;
}

/// The selection split without a mask, beside which the candidates are read.
void add_base(HtmlTable& table, const SearchResult& search, const CandidateColumns& columns) {
  if (search.base_rates.empty()) {
    return;
  }
  std::vector<std::string> cells = {"without a mask", "&ndash;"};
  for (const std::string& id : columns.ids) {
    const auto rate = search.base_rates.find(id);
    cells.push_back(rate == search.base_rates.end() ? "&ndash;" : rate_text(rate->second));
  }
  cells.insert(cells.end(), {"&ndash;", "&ndash;", positive_text(search.base_perplexity, 1), ""});
  cells.resize(cells.size() + (columns.has_settings ? 4 : 0), "&ndash;");
  cells.emplace_back("&ndash;");
  table.add_row(cells);
}

std::string folded(const std::string& summary, size_t n_row, const std::string& body) {
  return n_row <= kManyRows
             ? body
             : "<details><summary>" + escape_html(summary) + "</summary>" + body + "</details>\n";
}

HtmlTable candidate_table(const std::string& caption, const CandidateColumns& wanted) {
  std::vector<HtmlColumn> columns = {{"method"}, {"alpha", true}};
  for (const std::string& id : wanted.ids) {
    columns.push_back({display_name(id), true});
  }
  columns.insert(columns.end(),
                 {{"KL of first tokens", true},
                  {"KL of whole replies", true},
                  {"perplexity", true},
                  {"outcome"}});
  if (wanted.has_settings) {
    columns.insert(columns.end(),
                   {{"lambda", true}, {"epochs", true}, {"preserve", true}, {"seed", true}});
  }
  columns.push_back({"active", true});
  return {caption, columns};
}

void add_candidate(HtmlTable& table,
                   const CandidateResult& candidate,
                   const CandidateColumns& columns,
                   bool is_chosen) {
  table.add_row(candidate_cells(candidate, columns, is_chosen),
                is_chosen            ? "chosen"
                : candidate.feasible ? ""
                                     : "infeasible");
}

std::string estimate_text(const Results& results) {
  const bool has_estimate = std::any_of(
      results.candidates.begin(), results.candidates.end(), [](const CandidateResult& candidate) {
        return !candidate.estimates.empty();
      });
  return has_estimate ? " Rates marked ~ are estimated from one prefill per conversation; "
                        "replies were generated only for the finalists."
                      : "";
}

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
      " must be fixed for a significant effect, a rise of " + format_percent(power.least_rise) +
      "; a true rise of " + format_percent(power.sure_rise) +
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
  const std::string count = count_text(std::ssize(results.skipped));
  const std::string rest = n_row < results.skipped.size()
                               ? html_paragraph("Showing the first " + std::to_string(n_row) +
                                                "; results.json lists all.")
                               : "";
  return "<details><summary>" + count + " skipped conversations</summary>" + table.html() + rest +
         "</details>\n";
}

std::string trade_off(const Results& results) {
  const std::string cost = search_cost_words(results);
  const std::string words = trade_words(results);
  return trade_plot(results) + (words.empty() ? "" : html_paragraph(words)) +
         (cost.empty() ? "" : html_paragraph("Selection cost: " + cost + "."));
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

std::string candidates_section(const Results& results) {
  const CandidateColumns columns = columns_for(results);
  const int64_t i_chosen = chosen_candidate(results);
  const CandidateResult* const chosen = i_chosen < 0 ? nullptr : &results.candidates[i_chosen];
  HtmlTable shortlist =
      candidate_table("Candidates within all limits, on the selection split", columns);
  HtmlTable all = candidate_table("All candidates, on the selection split", columns);
  add_base(shortlist, results.search, columns);
  add_base(all, results.search, columns);
  size_t n_feasible = 0;
  size_t n_all = 0;
  for (const CandidateResult& candidate : results.candidates) {
    if (candidate.role == "baseline") {
      continue;
    }
    ++n_all;
    add_candidate(all, candidate, columns, &candidate == chosen);
    if (candidate.feasible) {
      add_candidate(shortlist, candidate, columns, &candidate == chosen);
      ++n_feasible;
    }
  }
  if (n_all == 0) {
    return "";
  }
  const std::string text = std::to_string(n_feasible) + " of " + std::to_string(n_all) +
                           " masks kept every other set and the perplexity of general text "
                           "within the limits of the scenario. All "
                           "values are from the selection split; the test split was used "
                           "only for the chosen mask.";
  std::string body = html_paragraph(text + estimate_text(results)) +
                     outcome_paragraph(results.outcome) + trade_off(results);
  if (n_all > kManyRows && n_feasible > 0) {
    body += folded("Candidates within all limits", n_feasible, shortlist.html());
  }
  return html_section(
      "candidates",
      "Mask selection",
      body + folded("All " + std::to_string(n_all) + " candidates", n_all, all.html()));
}

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
                   rate_text(surrogate.validation_auc),
                   rate_text(surrogate.length_auc),
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
