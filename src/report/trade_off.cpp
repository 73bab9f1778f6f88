// Finds the Pareto set by a sweep in order of increasing damage.
#include "report/trade_off.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/text.h"
#include "report/columns.h"
#include "report/numbers.h"

namespace mascing {
namespace {

constexpr size_t kMaxReason = 44;

// The mask file stores its numbers as float.
bool is_same(double a, double b) {
  return std::abs(a - b) <= 1e-5 * std::max({1e-9, std::abs(a), std::abs(b)});
}

/// Results of earlier versions do not say which trial was chosen; several may look like it.
bool is_like_mask(const CandidateResult& trial, const Results& results) {
  return trial.role != "baseline" && trial.method == results.mask_method &&
         trial.n_active == results.mask_n_active && is_same(trial.alpha, results.mask_alpha) &&
         is_same(trial.lambda, results.mask_lambda);
}

double damage_of(const CandidateResult& trial) {
  return trial.kl_first > 0.0 ? trial.kl_first : trial.kl_benign;
}

void mark_front(std::vector<TradePoint>& points, double base_rate) {
  std::vector<TradePoint*> order;
  for (TradePoint& point : points) {
    if (point.is_allowed && point.rate > base_rate) {
      order.push_back(&point);
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const TradePoint* a, const TradePoint* b) {
    return a->damage != b->damage ? a->damage < b->damage : a->rate > b->rate;
  });
  double best = base_rate;
  for (TradePoint* point : order) {
    point->is_front = point->rate > best;
    best = std::max(best, point->rate);
  }
}

/// The generated rate in percent, or else "~" and the estimate; "-" if there is neither.
std::string trial_cell(const CandidateResult& trial, const std::string& metric) {
  const auto rate = trial.rates.find(metric);
  if (rate != trial.rates.end()) {
    return bare_rate_text(rate->second.rate);
  }
  const auto estimate = trial.estimates.find(metric);
  return estimate == trial.estimates.end()
             ? "-"
             : std::string("~").append(bare_rate_text(estimate->second));
}

std::string number_or_dash(double value, int decimals) {
  return value > 0.0 ? format_number(value, decimals) : "-";
}

std::string standing_of(const CandidateResult& trial) {
  if (trial.feasible) {
    return "within all limits";
  }
  return trial.rejection_reason.empty() ? "pending"
                                        : shortened(printable(trial.rejection_reason), kMaxReason);
}

bool has_first(const std::vector<CandidateResult>& trials) {
  return std::any_of(trials.begin(), trials.end(), [](const CandidateResult& trial) {
    return trial.kl_first > 0.0;
  });
}

/// With `has_first`, that of whole replies is marked where it stands in.
std::vector<std::string> cells_of(const CandidateResult& trial,
                                  const std::string& target,
                                  bool has_first) {
  const bool is_other = has_first && trial.kl_first <= 0.0 && trial.kl_benign > 0.0;
  return {printable(display_name(trial.method)),
          format_number(trial.alpha, 2),
          trial_cell(trial, target),
          number_or_dash(damage_of(trial), 4) + (is_other ? " (reply)" : ""),
          number_or_dash(trial.perplexity, 1),
          standing_of(trial)};
}

/// The divergence of first tokens where it was estimated; else that of whole replies.
std::vector<std::string> heading(const std::string& target, bool has_first) {
  return {"method",
          "alpha",
          display_name(target) + ", %",
          has_first ? "KL first" : "KL reply",
          "perpl.",
          "status"};
}

/// "closed loop at alpha 0.75, +31.2 points at 0.021 nats".
std::string bargain(const Results& results, const TradePoint& point) {
  const CandidateResult& trial = results.candidates[point.i_candidate];
  return display_name(trial.method) + " at alpha " + short_text(trial.alpha) + ", " +
         (point.is_estimate ? "about " : "") +
         change_text(point.rate - results.search.base_rate(results.target_metric)) + " at " +
         short_text(point.damage) + " nats";
}

}  // namespace

std::vector<TradePoint> trade_points(const Results& results) {
  std::vector<TradePoint> points;
  for (int64_t i = 0; i < std::ssize(results.candidates); ++i) {
    const CandidateResult& trial = results.candidates[i];
    const auto rate = trial.rates.find(results.target_metric);
    const auto estimate = trial.estimates.find(results.target_metric);
    const bool is_generated = rate != trial.rates.end();
    const bool is_measured = is_generated || estimate != trial.estimates.end();
    if (trial.role == "baseline" || !is_measured || damage_of(trial) <= 0.0) {
      continue;
    }
    TradePoint point;
    point.i_candidate = i;
    point.rate = is_generated ? rate->second.rate : estimate->second;
    point.damage = damage_of(trial);
    point.is_estimate = !is_generated;
    point.is_allowed = !trial.breaks_limit;
    points.push_back(point);
  }
  mark_front(points, results.search.base_rate(results.target_metric));
  return points;
}

std::vector<TradePoint> pareto_set(const Results& results) {
  std::vector<TradePoint> points = trade_points(results);
  std::erase_if(points, [](const TradePoint& point) { return !point.is_front; });
  std::stable_sort(points.begin(), points.end(), [](const TradePoint& a, const TradePoint& b) {
    return a.damage < b.damage;
  });
  return points;
}

int64_t chosen_candidate(const Results& results) {
  int64_t i_like = -1;
  for (int64_t i = 0; i < std::ssize(results.candidates); ++i) {
    const CandidateResult& candidate = results.candidates[i];
    if (candidate.is_chosen) {
      return i;
    }
    const bool is_better =
        i_like < 0 || (candidate.feasible && !results.candidates[i_like].feasible);
    i_like = is_better && is_like_mask(candidate, results) ? i : i_like;
  }
  return i_like;
}

std::string pareto_table(const Results& results) {
  const std::vector<TradePoint> set = pareto_set(results);
  const std::string target = full_name(results.target_metric);
  if (set.empty()) {
    return "No mask improves " + target +
           " within the limits measured so far. Without a mask it is " +
           rate_text(results.search.base_rate(results.target_metric)) + ".\n";
  }
  const bool is_first = has_first(results.candidates);
  std::vector<std::vector<std::string>> rows = {heading(results.target_metric, is_first)};
  rows.front().insert(rows.front().begin(), "#");
  for (size_t i = 0; i < set.size(); ++i) {
    rows.push_back(
        cells_of(results.candidates[set[i].i_candidate], results.target_metric, is_first));
    rows.back().insert(rows.back().begin(), std::to_string(i + 1));
  }
  return wrapped("",
                 "Pareto set on the selection split, " + target + " vs. damage (" +
                     rate_text(results.search.base_rate(results.target_metric)) +
                     " without a mask; ~ = estimated)",
                 0) +
         aligned(rows, {false, true, false, false, false, false, true});
}

std::string trials_table(const std::vector<CandidateResult>& trials,
                         const std::string& target,
                         size_t n_most) {
  const bool is_first = has_first(trials);
  std::vector<std::vector<std::string>> rows = {heading(target, is_first)};
  const size_t n_first = trials.size() - std::min(trials.size(), n_most);
  for (size_t i = n_first; i < trials.size(); ++i) {
    rows.push_back(cells_of(trials[i], target, is_first));
  }
  const std::string before =
      n_first > 0 ? "(" + std::to_string(n_first) + " earlier trials not shown)\n" : "";
  return before + aligned(rows, {true, false, false, false, false, true});
}

std::string trial_line(const CandidateResult& trial, const std::string& target) {
  const std::string rate = trial_cell(trial, target);
  return "trial: " + printable(display_name(trial.method)) + " alpha " +
         format_number(trial.alpha, 2) + ", " + display_name(target) + " " + rate +
         (rate == "-" ? "" : " %") + ", KL " + number_or_dash(damage_of(trial), 4) +
         ", perplexity " + number_or_dash(trial.perplexity, 1) + ", " + standing_of(trial);
}

std::string trade_words(const Results& results) {
  const std::vector<TradePoint> set = pareto_set(results);
  if (set.empty()) {
    return "";
  }
  const int64_t i_chosen = chosen_candidate(results);
  std::string words =
      results.mask_method.empty() && !results.metrics.empty() ? "No mask was chosen. " : "";
  for (const TradePoint& point : trade_points(results)) {
    if (point.i_candidate == i_chosen) {
      const bool is_first = results.candidates[point.i_candidate].kl_first > 0.0;
      words = "Chosen" + std::string(results.search.chosen_by == "user" ? " by the user" : "") +
              ": " + bargain(results, point) + " per token, over " +
              (is_first ? "the first tokens of benign replies. " : "whole benign replies. ");
    }
  }
  return words + (set.size() == 1
                      ? "The Pareto set has one trial: " + bargain(results, set.front()) + "."
                      : "Weakest of the Pareto set: " + bargain(results, set.front()) +
                            ". Strongest: " + bargain(results, set.back()) + ".");
}

std::string search_cost_words(const Results& results) {
  const SearchResult& search = results.search;
  if (search.n_paper_token <= 0) {
    return "";
  }
  const double share = ratio(search.n_generated_token, search.n_paper_token);
  return count_text(search.n_generated_token) + " tokens generated for selection, " +
         format_number(share, 3) + " times the paper's sweep (32 masks on the selection split, " +
         count_text(search.n_paper_token) + " tokens)";
}

}  // namespace mascing
