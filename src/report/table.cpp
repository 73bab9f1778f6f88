// Pads cells first and colours them afterwards, so that escape codes do not affect the columns.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "base/text.h"
#include "mascing/report.h"
#include "report/ansi.h"
#include "report/baseline_sections.h"
#include "report/columns.h"
#include "report/numbers.h"
#include "report/reply_sections.h"
#include "report/trade_off.h"
#include "report/verdict_block.h"

namespace mascing {
namespace {

constexpr size_t kMaxName = 17;
constexpr size_t kLeastName = 10;
constexpr size_t kTableWidth = 80;
constexpr size_t kColumn = 7;
constexpr size_t kName = 22;  // of a line below the table

using Row = std::array<std::string, kColumn>;

std::string painted(const std::string& text, const char* colour, bool is_on) {
  return is_on && !text.empty() ? colour + text + ansi::kReset : text;
}

const char* colour_of(const MetricResult& metric) {
  if (!metric.steered || !is_significant(metric)) {
    return "";
  }
  return metric.steered->rate > metric.base.rate ? ansi::kGreen : ansi::kRed;
}

Row cells_of(const NamedMetric& named) {
  const MetricResult& metric = *named.result;
  Row row = {printable(named.id),
             std::to_string(metric.n),
             compact_rate_text(metric.base),
             "-",
             "",
             "",
             ""};
  if (metric.steered) {
    row[3] = compact_rate_text(*metric.steered);
    row[4] = std::to_string(metric.fixed);
    row[5] = std::to_string(metric.broken);
    row[6] = p_text(metric.p_value);
  }
  return row;
}

/// Between a column and the one before it.
const char* gap_before(size_t i) {
  return i == 0 ? "" : i == 2 || i == 3 ? "  " : " ";
}

std::string joined_row(const Row& row, const std::array<size_t, kColumn>& widths) {
  std::string line;
  for (size_t i = 0; i < kColumn; ++i) {
    const bool is_left = i == 0 || i == 2 || i == 3;
    const std::string cell = i == 0 ? shortened(row[i], widths[i]) : row[i];
    line += gap_before(i) + padded(cell, widths[i], is_left);
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

/// What the numbers of a row leave to its name.
size_t name_width(const std::array<size_t, kColumn>& widths) {
  size_t n_taken = 0;
  for (size_t i = 1; i < kColumn; ++i) {
    n_taken += std::string(gap_before(i)).size() + widths[i];
  }
  const size_t most = n_taken < kTableWidth ? kTableWidth - n_taken : 0;
  return std::min(widths[0], std::clamp(most, kLeastName, kMaxName));
}

std::string metric_lines(const Results& results, bool colour) {
  const std::vector<NamedMetric> metrics = ordered_metrics(results);
  const Row header = {"rates in %", "n", "base [95 %]", "steered [95 %]", "fixed", "broken", "p"};
  std::vector<Row> rows;
  std::array<size_t, kColumn> widths{};
  std::transform(header.begin(), header.end(), widths.begin(), width_of);
  for (const NamedMetric& metric : metrics) {
    rows.push_back(cells_of(metric));
    for (size_t i = 0; i < kColumn; ++i) {
      widths[i] = std::max(widths[i], width_of(rows.back()[i]));
    }
  }
  widths[0] = name_width(widths);
  std::string text = painted(joined_row(header, widths), ansi::kBold, colour) + "\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    const char* const tone = colour_of(*metrics[i].result);
    text += painted(joined_row(rows[i], widths), tone, colour && *tone != '\0') + "\n";
  }
  return text;
}

/// The change with topics as the cases.
std::string topic_lines(const Results& results) {
  const auto target = results.metrics.find(results.target_metric);
  if (target == results.metrics.end() || !target->second.topics) {
    return "";
  }
  const TopicResult& topics = *target->second.topics;
  const std::string name = "over " + counted(topics.n_topic, "topic", "topics");
  return padded(name, kName, true) + display_name(target->first) + " " +
         compact_change_text(topics.change) + " points, " + p_words(topics.p_value) + "\n";
}

/// One perplexity without the mask and, where there is one, with it.
std::string perplexity_line(
    const std::string& name, const std::string& of, double base, double steered, bool is_masked) {
  return padded(name, kName, true) + format_number(base, 2) +
         (is_masked ? " -> " + format_number(steered, 2) + " (" +
                          relative_change_text(base, steered) + ")"
                    : " without a mask") +
         " on " + of + "\n";
}

std::string damage_lines(const Results& results) {
  const DamageResult& damage = results.damage;
  const bool is_masked = has_tested_mask(results);
  std::string text;
  if (damage.n_kl_token > 0 && is_masked) {
    text += "KL(base || steered)   " + format_number(damage.kl_benign, 4) +
            " nats per token over " + count_text(damage.n_kl_token) + " tokens of benign replies\n";
  }
  if (damage.n_text_token > 0) {
    text += perplexity_line(
        "perplexity", "general text", damage.perplexity_base, damage.perplexity_steered, is_masked);
  }
  if (damage.n_chat_text_token > 0) {
    text += perplexity_line("perplexity as reply",
                            "general text as a reply",
                            damage.chat_perplexity_base,
                            damage.chat_perplexity_steered,
                            is_masked);
  }
  return text;
}

// The mask, its method, and the cost.
std::string origin_lines(const Results& results) {
  std::string text;
  if (!results.mask_method.empty()) {
    text += wrapped("mask                  ",
                    printable(display_name(results.mask_method)) + ", " +
                        count_text(results.mask_n_active) + " of " +
                        std::to_string(results.mask_steer.size()) + " entries, alpha " +
                        short_text(results.mask_alpha),
                    22);
  }
  if (results.protocol.attacks == "played") {
    text += wrapped("conversations         ",
                    "played: each side wrote the assistant's earlier turns itself",
                    22);
  }
  std::set<std::string> skipped;
  for (const Skipped& one : results.skipped) {
    skipped.insert(one.id);
  }
  if (!skipped.empty()) {
    text += wrapped("skipped               ",
                    count_text(std::ssize(skipped)) +
                        (skipped.size() == 1 ? " conversation" : " conversations") +
                        " by their ids, the first because " +
                        printable(results.skipped.front().reason, 200),
                    22);
  }
  if (results.outcome.n > 0) {
    text += "AUC of one prefill    " + fraction_text(results.outcome.auc) + " (" +
            count_text(results.outcome.n) + " generated replies)\n";
  }
  if (results.n_prefill_token + results.n_generated_token > 0) {
    text += "cost                  " + count_text(results.n_prefill_token) + " prefill tokens, " +
            count_text(results.n_generated_token) + " generated tokens\n";
  }
  const std::string search = search_cost_words(results);
  if (!search.empty()) {
    text += wrapped("search                ", search, 22);
  }
  return text;
}

std::string warning_lines(const Results& results, bool colour) {
  std::string text;
  for (const Warning& warning : results.warnings) {
    const std::string label = "warning [" + printable(warning.id) + "]";
    const std::string body = wrapped(label, printable(warning.text), 2);
    text += painted(label, ansi::kYellow, colour) + body.substr(label.size());
    if (!warning.advice.empty()) {
      text += wrapped("  -> ", printable(warning.advice), 5);
    }
  }
  return text;
}

}  // namespace

std::string render_table(const Results& results, bool colour) {
  std::string text = verdict_lines(results, colour);
  text += text.empty() ? "" : "\n";
  text += wrapped("", printable(headline(results, "->")) + ".", 0);
  if (!results.model_description.empty()) {
    text += wrapped("model:", printable(results.model_description), 2);
  }
  if (!results.metrics.empty()) {
    text.append("\n").append(metric_lines(results, colour));
  }
  for (const std::string& part :
       {reply_lines(results),
        topic_lines(results) + damage_lines(results) + origin_lines(results),
        baseline_lines(results),
        warning_lines(results, colour)}) {
    text.append(part.empty() ? "" : "\n").append(part);
  }
  return text;
}

}  // namespace mascing
