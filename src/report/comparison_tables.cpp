// Columns of metrics are the union over the runs, in the report's order.
#include "report/comparison_tables.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"
#include "report/numbers.h"
#include "report/verdict_block.h"

namespace mascing {
namespace {

constexpr int kCsvDecimals = 6;

std::vector<std::string> metric_ids(const std::vector<ComparedRun>& runs) {
  std::vector<std::string> ids;
  std::set<std::string> seen;
  for (const ComparedRun& run : runs) {
    for (const NamedMetric& named : ordered_metrics(run.results)) {
      if (seen.insert(named.id).second) {
        ids.push_back(named.id);
      }
    }
  }
  return ids;
}

std::string model_of(const Results& results) {
  return results.model_name.empty() ? results.architecture : results.model_name;
}

/// "54.0 % -> 97.0 % [94.4, 98.4]", and how many of the conversations the mask was made with.
std::string rates_cell(const Results& results, const std::string& id) {
  const auto found = results.metrics.find(id);
  if (found == results.metrics.end()) {
    return "-";
  }
  const MetricResult& metric = found->second;
  return rate_text(metric.base.rate) +
         (metric.steered
              ? " -> " + rate_text(metric.steered->rate) + " " + interval_text(*metric.steered)
              : "") +
         (metric.n_seen > 0 ? " (" + std::to_string(metric.n_seen) + " seen)" : "");
}

void add_column(PlainTable& table, const std::string& head, bool is_number) {
  table.heads.push_back(head);
  table.is_number.push_back(is_number);
}

std::vector<std::string> rate_cells(const Rate& rate) {
  return {format_number(rate.rate, kCsvDecimals),
          format_number(rate.low, kCsvDecimals),
          format_number(rate.high, kCsvDecimals)};
}

/// Six digits, however small.
std::string csv_p_value(double p_value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, p_value, std::chars_format::general, 6);
  return {text, end.ptr};
}

std::vector<std::string> topic_cells(const std::optional<TopicResult>& topics) {
  if (!topics) {
    return std::vector<std::string>(6);
  }
  std::vector<std::string> cells = rate_cells(topics->change);
  cells.insert(cells.begin(), std::to_string(topics->n_topic));
  cells.push_back(csv_p_value(topics->p_value));
  cells.push_back(topics->p_holm ? csv_p_value(*topics->p_holm) : "");
  return cells;
}

}  // namespace

PlainTable runs_table(const std::vector<ComparedRun>& runs) {
  PlainTable table{
      "Runs: rates of the wanted outcome without and with the mask, 95 % intervals", {}, {}, {}};
  for (const char* head : {"run", "model", "scenario", "method"}) {
    add_column(table, head, false);
  }
  add_column(table, "alpha", true);
  add_column(table, "seed", true);
  add_column(table, "verdict", false);
  const std::vector<std::string> ids = metric_ids(runs);
  for (const std::string& id : ids) {
    add_column(table, display_name(id), true);
  }
  add_column(table, "KL", true);
  add_column(table, "perplexity", true);
  for (const ComparedRun& run : runs) {
    const Results& results = run.results;
    const DamageResult& damage = results.damage;
    std::vector<std::string> row = {run.name,
                                    model_of(results),
                                    results.scenario_name,
                                    display_name(results.mask_method),
                                    short_text(results.mask_alpha),
                                    std::to_string(results.seed),
                                    verdict_words(results, results.verdict.word)};
    for (const std::string& id : ids) {
      row.push_back(rates_cell(results, id));
    }
    row.push_back(damage.n_kl_token > 0 ? format_number(damage.kl_benign, 4) : "-");
    row.push_back(damage.n_text_token > 0 && has_tested_mask(results)
                      ? relative_change_text(damage.perplexity_base, damage.perplexity_steered)
                      : "-");
    table.rows.push_back(row);
  }
  return table;
}

/// "30", or "6 of 30" where the run tested more conversations than the first one did.
std::string paired_count(const ComparedRun& run, const PairedDifference& difference) {
  const auto metric = run.results.metrics.find(difference.metric);
  const std::string n = std::to_string(difference.n);
  return metric == run.results.metrics.end() || metric->second.n <= difference.n
             ? n
             : n + " of " + std::to_string(metric->second.n);
}

PlainTable differences_table(const std::vector<ComparedRun>& runs) {
  PlainTable table{
      "Masks against that of the first run, on the same conversations; gained: as wanted under "
      "this run's mask only, lost: under the first one's only",
      {"run", "metric", "n", "gained", "lost", "p", "p, Holm", "topics", "p over topics, Holm"},
      {false, false, true, true, true, true, true, true, true},
      {}};
  for (const PairedDifference& difference : paired_differences(runs)) {
    const std::optional<TopicResult>& topics = difference.topics;
    table.rows.push_back({runs[difference.i_run].name,
                          display_name(difference.metric),
                          paired_count(runs[difference.i_run], difference),
                          std::to_string(difference.gained),
                          std::to_string(difference.lost),
                          p_text(difference.p_value),
                          p_text(difference.p_holm.value()),
                          topics ? std::to_string(topics->n_topic) : "-",
                          topics ? p_text(topics->p_holm.value()) : "-"});
  }
  return table;
}

PlainTable long_table(const std::vector<ComparedRun>& runs) {
  PlainTable table;
  table.heads = {"run",          "model",         "scenario",   "method",      "alpha",
                 "seed",         "verdict",       "metric",     "role",        "n",
                 "base",         "base_low",      "base_high",  "steered",     "steered_low",
                 "steered_high", "fixed",         "broken",     "p_value",     "p_holm",
                 "topics",       "topics_change", "topics_low", "topics_high", "topics_p_value",
                 "topics_p_holm"};
  table.is_number.assign(table.heads.size(), true);
  std::fill_n(table.is_number.begin(), 4, false);
  std::fill_n(table.is_number.begin() + 6, 3, false);
  for (const ComparedRun& run : runs) {
    const Results& results = run.results;
    for (const NamedMetric& named : ordered_metrics(results)) {
      const MetricResult& metric = *named.result;
      std::vector<std::string> row = {run.name,
                                      model_of(results),
                                      results.scenario_name,
                                      results.mask_method,
                                      format_number(results.mask_alpha, kCsvDecimals),
                                      std::to_string(results.seed),
                                      results.verdict.word,
                                      named.id,
                                      metric.role,
                                      std::to_string(metric.n)};
      const auto add = [&row](const std::vector<std::string>& cells) {
        row.insert(row.end(), cells.begin(), cells.end());
      };
      add(rate_cells(metric.base));
      add(metric.steered ? rate_cells(*metric.steered) : std::vector<std::string>(3));
      row.push_back(std::to_string(metric.fixed));
      row.push_back(std::to_string(metric.broken));
      row.push_back(csv_p_value(metric.p_value));
      row.push_back(metric.p_holm ? csv_p_value(*metric.p_holm) : "");
      add(topic_cells(metric.topics));
      table.rows.push_back(row);
    }
  }
  return table;
}

}  // namespace mascing
