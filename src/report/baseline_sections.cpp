// One row for the chosen mask, one per baseline, then the results of random masks.
#include "report/baseline_sections.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "report/columns.h"
#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

constexpr size_t kMaxSetting = 17;  // gives rows of 80 columns
constexpr size_t kMaxMethod = 15;
constexpr size_t kMaxFall = 20;

/// One row: the chosen mask or a baseline, on the test split.
struct Entry {
  std::string method;
  std::string setting;
  const std::map<std::string, MetricResult>* metrics = nullptr;
  const DamageResult* damage = nullptr;
  const CandidateResult* baseline = nullptr;  ///< null for the chosen mask
};

std::vector<Entry> entries_of(const Results& results) {
  std::vector<Entry> entries;
  for (const CandidateResult& candidate : results.candidates) {
    if (candidate.role == "baseline" && candidate.damage) {
      entries.push_back({display_name(candidate.method),
                         candidate.setting,
                         &candidate.metrics,
                         &*candidate.damage,
                         &candidate});
    }
  }
  if (!entries.empty() && !results.mask_method.empty()) {
    const Entry chosen{"this mask: " + display_name(results.mask_method),
                       "alpha " + short_text(results.mask_alpha),
                       &results.metrics,
                       &results.damage,
                       nullptr};
    entries.insert(entries.begin(), chosen);
  }
  return entries;
}

std::string target_of(const Results& results) {
  const std::vector<NamedMetric> metrics = ordered_metrics(results);
  return metrics.empty() ? results.target_metric : metrics.front().id;
}

const MetricResult* metric_of(const Entry& entry, const std::string& id) {
  const auto found = entry.metrics->find(id);
  return found == entry.metrics->end() || !found->second.steered ? nullptr : &found->second;
}

std::string entry_cell(const Entry& entry, const std::string& id) {
  const MetricResult* const metric = metric_of(entry, id);
  return metric == nullptr ? "-" : rate_html(*metric->steered);
}

std::string rate_cell(const Entry& entry, const std::string& id) {
  const MetricResult* const metric = metric_of(entry, id);
  return metric == nullptr ? "-" : bare_rate_text(metric->steered->rate);
}

/// "-12.0 keep answered", in points: the set other than the target with the largest drop.
std::string largest_fall(const Entry& entry, const std::string& target) {
  std::string text = "none";
  double largest = -0.0005;
  for (const auto& [id, metric] : *entry.metrics) {
    if (id == target || !metric.steered) {
      continue;
    }
    const double change = metric.steered->rate - metric.base.rate;
    if (change < largest) {
      largest = change;
      text = bare_change_text(change) + " " + display_name(id);
    }
  }
  return text;
}

std::string perplexity_cell(const Entry& entry) {
  return entry.damage->n_text_token == 0 ? "-"
                                         : relative_change_text(entry.damage->perplexity_base,
                                                                entry.damage->perplexity_steered);
}

std::string p_cell(const Entry& entry) {
  return entry.baseline == nullptr || !entry.baseline->p_versus_chosen_holm
             ? "-"
             : p_text(*entry.baseline->p_versus_chosen_holm);
}

/// None for the chosen mask, and where topics are no other cases than conversations.
const TopicResult* topics_of(const Entry& entry) {
  return entry.baseline == nullptr || !entry.baseline->topics_versus_chosen
             ? nullptr
             : &*entry.baseline->topics_versus_chosen;
}

std::string random_text(const Results& results) {
  if (!results.random_masks) {
    return "";
  }
  const RandomMasks& random = *results.random_masks;
  return std::to_string(random.n_mask) + " random masks of the same norm (" +
         short_text(random.norm) + "): mean " + display_name(target_of(results)) + " " +
         rate_text(random.mean) + ", sd " + format_points(random.sd) + ", range " +
         rate_text(random.least) + " to " + rate_text(random.most) +
         ". Rank of the chosen mask among them: p = " + p_text(random.p_value) + " (one-sided).";
}

/// Baselines that were compared with the chosen mask; none without one.
int64_t n_comparison(const Results& results) {
  return std::count_if(
      results.candidates.begin(), results.candidates.end(), [](const CandidateResult& candidate) {
        return candidate.p_versus_chosen.has_value();
      });
}

std::string topics_p_cell(const Entry& entry) {
  const TopicResult* const topics = topics_of(entry);
  return topics == nullptr || !topics->p_holm ? "-" : p_text(*topics->p_holm);
}

/// "; with the 15 topics as the cases, p = 0.0312 at most (system prompt)": where differences may
/// be chance although the conversations show them.
std::string topics_note(const Results& results) {
  const CandidateResult* weakest = nullptr;
  for (const CandidateResult& candidate : results.candidates) {
    const auto p_of = [](const CandidateResult& of) { return *of.topics_versus_chosen->p_holm; };
    const bool has_p = candidate.topics_versus_chosen && candidate.topics_versus_chosen->p_holm;
    if (has_p && (weakest == nullptr || p_of(candidate) > p_of(*weakest))) {
      weakest = &candidate;
    }
  }
  if (weakest == nullptr) {
    return "";
  }
  const TopicResult& topics = *weakest->topics_versus_chosen;
  return "; with the " + counted(topics.n_topic, "topic", "topics") + " as the cases, " +
         p_words(*topics.p_holm) + " at most (" + display_name(weakest->method) + ")";
}

std::string note(const Results& results) {
  const std::string tuned =
      "Each baseline was tuned on the selection split within the same limits and evaluated once on "
      "the test split.";
  const int64_t n = n_comparison(results);
  return n == 0
             ? tuned
             : tuned + " p is from McNemar's exact test against the chosen mask on " +
                   display_name(target_of(results)) + ", corrected for " +
                   counted(n, "comparison", "comparisons") + " (Holm)" + topics_note(results) + ".";
}

}  // namespace

std::string baseline_lines(const Results& results) {
  const std::vector<Entry> entries = entries_of(results);
  if (entries.empty()) {
    return "";
  }
  const std::string target = target_of(results);
  std::vector<std::vector<std::string>> rows = {
      {"baselines, in %",
       "setting",
       shortened(printable(display_name(target)), kMaxMethod),
       "largest other drop",
       "perpl."}};
  for (const Entry& entry : entries) {
    rows.push_back(
        {shortened(printable(entry.baseline == nullptr ? "this mask" : entry.method), kMaxMethod),
         shortened(printable(entry.setting), kMaxSetting),
         rate_cell(entry, target),
         shortened(printable(largest_fall(entry, target)), kMaxFall),
         perplexity_cell(entry)});
  }
  std::vector<bool> is_left = {true, true, true, true, false};
  if (n_comparison(results) > 0) {
    is_left.push_back(false);
    rows.front().emplace_back("p");
    for (size_t i = 0; i < entries.size(); ++i) {
      rows[i + 1].push_back(p_cell(entries[i]));
    }
  }
  std::string text = aligned(rows, is_left);
  text += wrapped("", printable(note(results)), 0);
  const std::string random = random_text(results);
  return random.empty() ? text : text + wrapped("", printable(random), 0);
}

std::string baselines_section(const Results& results) {
  const std::vector<Entry> entries = entries_of(results);
  if (entries.empty()) {
    return "";
  }
  std::vector<HtmlColumn> columns = {{"method"}, {"setting"}};
  const std::vector<NamedMetric> metrics = ordered_metrics(results);
  for (const NamedMetric& metric : metrics) {
    columns.push_back({display_name(metric.id), true});
  }
  columns.insert(columns.end(), {{"KL, nats", true}, {"perplexity", true}, {"limits"}});
  const bool is_compared = n_comparison(results) > 0;
  if (is_compared) {
    columns.insert(columns.end(), {{"p", true}, {"p, Holm", true}, {"p over topics, Holm", true}});
  }
  HtmlTable table("Baselines on the test split, with 95 % Wilson intervals", columns);
  for (const Entry& entry : entries) {
    std::vector<std::string> cells = {escape_html(entry.method), escape_html(entry.setting)};
    for (const NamedMetric& metric : metrics) {
      cells.push_back(entry_cell(entry, metric.id));
    }
    const bool has_p = entry.baseline != nullptr && entry.baseline->p_versus_chosen;
    const bool is_kept = entry.baseline == nullptr || entry.baseline->feasible;
    cells.insert(cells.end(),
                 {entry.damage->n_kl_token == 0 ? "-" : format_number(entry.damage->kl_benign, 4),
                  perplexity_cell(entry),
                  entry.baseline == nullptr ? "-"
                  : is_kept                 ? "met on the selection split"
                                            : escape_html(entry.baseline->rejection_reason)});
    if (is_compared) {
      cells.insert(cells.end(),
                   {has_p ? escape_html(p_text(*entry.baseline->p_versus_chosen)) : "-",
                    escape_html(p_cell(entry)),
                    escape_html(topics_p_cell(entry))});
    }
    table.add_row(cells, entry.baseline == nullptr ? "chosen" : is_kept ? "" : "infeasible");
  }
  const std::string random = random_text(results);
  return html_section("baselines",
                      "Baselines",
                      html_paragraph(note(results)) + table.html() +
                          (random.empty() ? "" : html_paragraph(random)));
}

}  // namespace mascing
