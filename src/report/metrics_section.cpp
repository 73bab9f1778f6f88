// Where no mask was tested, nothing stands for one: no tiles, and no columns "with the mask".
#include "report/metrics_section.h"

#include <cmath>
#include <vector>

#include "base/text.h"
#include "report/html.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace mascing {
namespace {

constexpr const char* kRateArrow = " \u2192 ";

// ---------------------------------------------------------------- tiles

std::string tile(const std::string& name, const std::string& value, const std::string& note) {
  return "<div><dt>" + escape_html(name) + "</dt><dd>" + escape_html(value) + " <small>" +
         with_narrow_gaps(escape_html(note)) + "</small></dd></div>\n";
}

double drop_of(const MetricResult& metric) {
  return metric.base.rate - metric.steered->rate;
}

/// Of the sets that must stay refused, or of those that must stay answered, the one that lost most.
std::string worst_tile(const std::vector<NamedMetric>& metrics, bool is_hold) {
  const NamedMetric* worst = nullptr;
  for (const NamedMetric& named : metrics) {
    const MetricResult& metric = *named.result;
    if (metric.steered && has_limit(metric) && (metric.role == "hold") == is_hold &&
        (worst == nullptr || drop_of(metric) > drop_of(*worst->result))) {
      worst = &named;
    }
  }
  if (worst == nullptr) {
    return "";
  }
  const MetricResult& metric = *worst->result;
  return tile("Worst " + std::string(is_hold ? "hold" : "benign or keep") +
                  " set: " + display_name(worst->id),
              percent_number(metric.base.rate) + kRateArrow + percent_number(metric.steered->rate) +
                  "\u00a0%",
              "95 % interval " + interval_text(*metric.steered) + ", n = " + count_text(metric.n) +
                  ", may drop by " + format_points(metric.max_drop));
}

// ---------------------------------------------------------------- rates

std::string change_cell(const MetricResult& metric) {
  const double change = metric.steered->rate - metric.base.rate;
  std::string number = bare_change_text(change);
  if (!is_significant(metric) || !std::isfinite(change)) {
    return number;
  }
  return change > 0.0 ? "<span class=\"better\">&#9650; " + number + "</span>"
                      : "<span class=\"worse\">&#9660; " + number + "</span>";
}

std::string role_cell(const MetricResult& metric) {
  if (metric.role.empty()) {
    return "&ndash;";
  }
  return escape_html(metric.role) +
         (has_limit(metric) ? " <small>may drop by " + format_points(metric.max_drop) + "</small>"
                            : "");
}

/// Of all conversations, or over topics.
template <typename Result>
std::string p_values_cell(const Result& result) {
  return escape_html(p_text(result.p_value)) +
         (result.p_holm ? " <small>Holm " + escape_html(p_text(*result.p_holm)) + "</small>" : "");
}

std::string metrics_table(const std::vector<NamedMetric>& metrics, bool is_masked) {
  std::vector<HtmlColumn> columns = {
      {"metric"}, {"role, limit"}, {"wanted"}, {"n", true}, {"without the mask", true}};
  if (is_masked) {
    columns.insert(columns.end(),
                   {{"with the mask", true},
                    {"change, points", true},
                    {"fixed", true},
                    {"broken", true},
                    {"p", true}});
  } else {
    columns.back().heading = "without a mask";
  }
  HtmlTable table(std::string("Rates of the wanted outcome with 95 % Wilson intervals") +
                      (is_masked ? "; p from McNemar's exact test" : ""),
                  columns);
  for (const NamedMetric& named : metrics) {
    const MetricResult& metric = *named.result;
    const bool is_first = &named == &metrics.front();  // spelled out in the headline
    std::vector<std::string> cells = {
        escape_html(is_first ? display_name(named.id) : full_name(named.id)),
        role_cell(metric),
        escape_html(metric.wanted),
        count_text(metric.n),
        rate_html(metric.base)};
    if (metric.steered) {
      cells.insert(cells.end(),
                   {rate_html(*metric.steered),
                    change_cell(metric),
                    count_text(metric.fixed),
                    count_text(metric.broken),
                    p_values_cell(metric)});
    }
    cells.resize(columns.size(), "&ndash;");
    table.add_row(cells);
  }
  return table.html();
}

/// The changes with topics as the cases, of sets that have any.
std::string topics_table(const std::vector<NamedMetric>& metrics) {
  HtmlTable table("Changes over topics, with 95 % intervals (Student's t); p exact",
                  {{"metric"},
                   {"conversations", true},
                   {"topics", true},
                   {"change, points", true},
                   {"p", true}});
  bool is_any = false;
  for (const NamedMetric& named : metrics) {
    if (named.result->topics) {
      const TopicResult& topics = *named.result->topics;
      table.add_row({escape_html(display_name(named.id)),
                     count_text(named.result->n),
                     count_text(topics.n_topic),
                     escape_html(change_interval_text(topics.change)),
                     p_values_cell(topics)});
      is_any = true;
    }
  }
  return is_any ? html_paragraph(
                      "Conversations of one topic resemble each other, so they are fewer cases "
                      "than they seem. Here a topic is one case. p is how often the topics' "
                      "changes would add up to at least as much, up or down, if each were as "
                      "likely to be its opposite.") +
                      table.html()
                : "";
}

// ---------------------------------------------------------------- side effects

void add_perplexity(const std::string& text,
                    double base,
                    double steered,
                    int64_t n_token,
                    bool is_masked,
                    HtmlTable& table) {
  if (n_token == 0) {
    return;
  }
  std::vector<std::string> cells = {
      "perplexity of " + text, count_text(n_token), format_number(base, 2)};
  if (is_masked) {
    cells.insert(cells.end(), {format_number(steered, 2), relative_change_text(base, steered)});
  }
  table.add_row(cells);
}

}  // namespace

std::string tiles(const Results& results) {
  if (!has_tested_mask(results)) {
    return "";
  }
  const DamageResult& damage = results.damage;
  const std::vector<NamedMetric> metrics = ordered_metrics(results);
  std::string body = worst_tile(metrics, true) + worst_tile(metrics, false);
  if (damage.n_kl_token > 0) {
    body += tile("KL on benign replies", short_text(damage.kl_benign), "nats per token");
  }
  if (damage.n_text_token > 0) {
    body += tile("Perplexity of general text",
                 format_number(damage.perplexity_base, 1) + kRateArrow +
                     format_number(damage.perplexity_steered, 1),
                 relative_change_text(damage.perplexity_base, damage.perplexity_steered));
  }
  return body.empty() ? "" : "<dl class=\"tiles\">\n" + body + "</dl>\n";
}

std::string metrics_section(const Results& results) {
  const std::vector<NamedMetric> metrics = ordered_metrics(results);
  if (metrics.empty()) {
    return "";
  }
  const bool is_masked = has_tested_mask(results);
  const std::string words =
      is_masked ? html_paragraph(
                      "\"Fixed\" conversations have the wanted outcome only with the "
                      "mask, \"broken\" ones only without it. Triangles mark changes "
                      "that are significant at the 5 % level, tested per metric. Beside "
                      "p stands its correction for testing all metrics (Holm).")
                : "";
  return html_section(
      "metrics",
      "Results",
      words + interval_plot(metrics) + metrics_table(metrics, is_masked) + topics_table(metrics));
}

std::string damage_section(const Results& results) {
  const DamageResult& damage = results.damage;
  const bool is_masked = has_tested_mask(results);
  std::vector<HtmlColumn> columns = {
      {"measure"}, {"tokens", true}, {is_masked ? "without the mask" : "without a mask", true}};
  if (is_masked) {
    columns.insert(columns.end(), {{"with the mask", true}, {"change", true}});
  }
  HtmlTable table(
      is_masked ? "Side effects; a KL above 0.5 usually changes replies noticeably" : "Perplexity",
      columns);
  if (damage.n_kl_token > 0 && is_masked) {
    table.add_row({"KL(base || steered), nats per token of benign replies",
                   count_text(damage.n_kl_token),
                   "&ndash;",
                   format_number(damage.kl_benign, 4),
                   "&ndash;"});
  }
  add_perplexity("general text",
                 damage.perplexity_base,
                 damage.perplexity_steered,
                 damage.n_text_token,
                 is_masked,
                 table);
  add_perplexity("general text as the assistant's reply",
                 damage.chat_perplexity_base,
                 damage.chat_perplexity_steered,
                 damage.n_chat_text_token,
                 is_masked,
                 table);
  const bool is_measured = damage.n_kl_token > 0 || damage.n_text_token > 0;
  return is_measured
             ? html_section("damage", is_masked ? "Side effects" : "General text", table.html())
             : "";
}

}  // namespace mascing
