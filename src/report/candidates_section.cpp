// Tables with one candidate per row, and the trade-off between gain and damage.
#include "report/candidates_section.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <vector>

#include "base/text.h"
#include "report/html.h"
#include "report/loop_sections.h"
#include "report/numbers.h"
#include "report/trade_off.h"
#include "report/trade_plot.h"

namespace mascing {
namespace {

constexpr int64_t kManyRows = 24;  // longer tables are collapsed

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

/// "n = 150" in small print: the conversations behind a rate. Empty where results of earlier
/// versions do not have it.
std::string n_behind(const Rate& rate) {
  return rate.n > 0 ? " <small>n = " + count_text(rate.n) + "</small>" : "";
}

std::string counted_rate(const Rate& rate) {
  return rate_html(rate) + n_behind(rate);
}

/// The generated rate, or else the estimate from one prefill per conversation.
std::string candidate_cell(const CandidateResult& candidate, const std::string& id) {
  const auto rate = candidate.rates.find(id);
  if (rate != candidate.rates.end()) {
    return counted_rate(rate->second);
  }
  const auto estimate = candidate.estimates.find(id);
  return estimate == candidate.estimates.end()
             ? "&ndash;"
             : std::string("~").append(rate_text(estimate->second));
}

bool is_optimised(const CandidateResult& candidate) {
  return candidate.method.rfind("surrogate", 0) == 0;
}

/// All that is known of its rates comes from prefills.
bool is_estimated(const CandidateResult& candidate) {
  return candidate.rates.empty() && !candidate.estimates.empty();
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
  if (search.base.empty()) {  // results of an earlier version, or of no search
    return;
  }
  std::vector<std::string> cells = {"without a mask", "&ndash;"};
  for (const std::string& id : columns.ids) {
    const auto rate = search.base.find(id);
    cells.push_back(rate == search.base.end() ? "&ndash;" : counted_rate(rate->second));
  }
  cells.insert(cells.end(), {"&ndash;", "&ndash;", positive_text(search.base_perplexity, 1), ""});
  cells.resize(cells.size() + (columns.has_settings ? 4 : 0), "&ndash;");
  cells.emplace_back("&ndash;");
  table.add_row(cells, "fixed");
}

std::string folded(const std::string& summary, int64_t n_row, const std::string& body) {
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
  return has_estimate
             ? " Rates marked ~ are estimated from one prefill per conversation, or of every "
               "fourth one only where the outcome is a quarter estimate or the spent budget; "
               "replies were generated only for the finalists."
             : "";
}

/// What the limits made of the trials, which are masks at one strength each.
struct Standing {
  std::set<std::tuple<std::string, double, int64_t, double, double, uint64_t, int64_t>> masks;
  int64_t n_trial = 0;
  int64_t n_within = 0;
  int64_t n_broken = 0;
  int64_t n_ruled_out = 0;  ///< by an estimate alone that a limit would be broken

  void add(const CandidateResult& trial) {
    masks.insert({trial.method,
                  trial.lambda,
                  trial.epochs,
                  trial.preserve,
                  trial.guard,
                  trial.seed,
                  trial.n_active});
    ++n_trial;
    n_within += trial.feasible ? 1 : 0;
    if (!trial.feasible && trial.breaks_limit) {
      ++(is_estimated(trial) ? n_ruled_out : n_broken);
    }
  }

  [[nodiscard]] std::string words() const {
    return counted(n_trial, "trial", "trials") + " of " +
           counted(std::ssize(masks), "mask", "masks") + ": " + count_text(n_within) +
           " within all limits of the scenario, " + count_text(n_broken) + " broke one, " +
           (n_ruled_out > 0 ? count_text(n_ruled_out) + " would by an estimate, " : "") +
           count_text(n_trial - n_within - n_broken - n_ruled_out) +
           " not checked against all of them.";
  }
};

/// Which conversations the values are from, and what the others were kept for.
std::string split_text(const Results& results) {
  const bool has_baselines = std::any_of(
      results.candidates.begin(), results.candidates.end(), [](const CandidateResult& candidate) {
        return candidate.role == "baseline" && candidate.damage;
      });
  const std::string tested =
      !has_tested_mask(results) ? "the model without a mask" : "the chosen mask";
  return " All values are from the selection split; on the test split only " + tested +
         (has_baselines ? " and the baselines were measured." : " was measured.");
}

std::string trade_off(const Results& results) {
  const std::string cost = search_cost_words(results);
  const std::string words = trade_words(results);
  return trade_plot(results) + (words.empty() ? "" : html_paragraph(words)) +
         (cost.empty() ? "" : html_paragraph("Selection cost: " + cost + "."));
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
  Standing sum;
  for (const CandidateResult& candidate : results.candidates) {
    if (candidate.role == "baseline") {
      continue;
    }
    sum.add(candidate);
    add_candidate(all, candidate, columns, &candidate == chosen);
    if (candidate.feasible) {
      add_candidate(shortlist, candidate, columns, &candidate == chosen);
    }
  }
  if (sum.n_trial == 0) {
    return "";
  }
  std::string body = html_paragraph(sum.words() + split_text(results) + estimate_text(results)) +
                     outcome_paragraph(results.outcome) + trade_off(results);
  if (sum.n_trial > kManyRows && sum.n_within > 0) {
    body += folded("Candidates within all limits", sum.n_within, shortlist.html());
  }
  const std::string title = "All " + counted(sum.n_trial, "candidate", "candidates");
  return html_section(
      "candidates", "Mask selection", body + folded(title, sum.n_trial, all.html()));
}

}  // namespace mascing
