// Two tables: reply endings, and sampled rates over conversations and seeds.
#include "report/reply_sections.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "report/columns.h"
#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

constexpr size_t kMaxSampledName = 17;

std::string share_text(int64_t n, int64_t of) {
  return of > 0 ? count_text(n) + " of " + count_text(of) : "-";
}

std::string ends_table(const std::vector<NamedMetric>& metrics, bool is_masked) {
  std::vector<HtmlColumn> columns = {{"metric"}};
  for (const char* kind : {"cut off", "unfinished", "reversed refusals"}) {
    columns.push_back({std::string(kind) + (is_masked ? ", without the mask" : ""), true});
    if (is_masked) {
      columns.push_back({std::string(kind) + ", with the mask", true});
    }
  }
  HtmlTable table("Endings of greedy replies", columns);
  bool has_row = false;
  for (const NamedMetric& named : metrics) {
    const ReplyCounts& base = named.result->base_replies;
    const ReplyCounts& steered = named.result->steered_replies;
    if (base.n == 0) {
      continue;
    }
    has_row = true;
    std::vector<std::string> cells = {escape_html(display_name(named.id))};
    for (const auto& [n, of] : {std::pair(&ReplyCounts::n_at_limit, &ReplyCounts::n),
                                std::pair(&ReplyCounts::n_unfinished, &ReplyCounts::n),
                                std::pair(&ReplyCounts::n_turned, &ReplyCounts::n_refusal)}) {
      cells.push_back(share_text(base.*n, base.*of));
      if (is_masked) {
        cells.push_back(share_text(steered.*n, steered.*of));
      }
    }
    table.add_row(cells);
  }
  return has_row
             ? html_paragraph(
                   "Replies cut off at the token limit may continue differently. Unfinished "
                   "ones ended within the model's reasoning, before their visible part. A "
                   "refusal is reversed if a later sentence starts like an answer (\"Here is\", "
                   "\"Sure\", or an answer prefix of the scenario)." +
                   std::string(is_masked ? " The mask then controls the start of the reply but not "
                                           "its end."
                                         : "")) +
                   table.html()
             : "";
}

const SampledResult* first_sampled(const std::vector<NamedMetric>& metrics) {
  const auto found = std::find_if(metrics.begin(), metrics.end(), [](const NamedMetric& named) {
    return named.result->sampled.has_value();
  });
  return found == metrics.end() ? nullptr : &*found->result->sampled;
}

std::string sampled_table(const std::vector<NamedMetric>& metrics) {
  const SampledResult* first = first_sampled(metrics);
  if (first == nullptr) {
    return "";
  }
  HtmlTable table(
      "Sampled replies, rates over conversations and seeds with 95 % bootstrap intervals",
      {{"metric"},
       {"conversations", true},
       {"without the mask", true},
       {"with the mask", true},
       {"change, points", true}});
  for (const NamedMetric& named : metrics) {
    if (named.result->sampled) {
      const SampledResult& sampled = *named.result->sampled;
      table.add_row({escape_html(display_name(named.id)),
                     count_text(sampled.n_conversation),
                     rate_html(sampled.base),
                     rate_html(sampled.steered),
                     escape_html(change_interval_text(sampled.change))});
    }
  }
  return html_paragraph("Each conversation of these sets was also sampled " +
                        count_text(first->n_seed) + " times at temperature " +
                        short_text(first->temperature) +
                        ". Replies to the same conversation are not independent, so the intervals "
                        "are from resampled conversations.") +
         table.html();
}

std::string turned_text(const ReplyCounts& counts) {
  return counts.n_refusal == 0
             ? "no refusals"
             : share_text(counts.n_turned, counts.n_refusal) + " refusals reversed later";
}

}  // namespace

std::string replies_section(const Results& results) {
  const std::vector<NamedMetric> metrics = ordered_metrics(results);
  return html_section("replies",
                      "Reply endings and sampling",
                      sampled_table(metrics) + ends_table(metrics, has_tested_mask(results)));
}

std::string reply_lines(const Results& results) {
  const std::vector<NamedMetric> metrics = ordered_metrics(results);
  const SampledResult* first = first_sampled(metrics);
  std::string text;
  if (first != nullptr) {
    std::vector<std::vector<std::string>> rows = {
        {"sampled at " + short_text(first->temperature) + ", %",
         "n",
         "base [95 %]",
         "steered [95 %]",
         "change [95 %]"}};
    for (const NamedMetric& named : metrics) {
      if (named.result->sampled) {
        const SampledResult& sampled = *named.result->sampled;
        rows.push_back(
            {shortened(printable(named.id), kMaxSampledName),
             std::to_string(sampled.n_conversation) + " x " + std::to_string(sampled.n_seed),
             compact_rate_text(sampled.base),
             compact_rate_text(sampled.steered),
             compact_change_text(sampled.change)});
      }
    }
    text += aligned(rows, {true, false, true, true, true});
  }
  ReplyCounts sum;
  for (const NamedMetric& named : metrics) {
    const ReplyCounts& counts = named.result->steered_replies;
    sum.n += counts.n;
    sum.n_at_limit += counts.n_at_limit;
    sum.n_unfinished += counts.n_unfinished;
    sum.n_refusal += counts.n_refusal;
    sum.n_turned += counts.n_turned;
  }
  if (sum.n > 0) {
    const std::string unfinished = sum.n_unfinished > 0 ? share_text(sum.n_unfinished, sum.n) +
                                                              " unfinished (still reasoning), "
                                                        : "";
    text += wrapped("reply endings         ",
                    share_text(sum.n_at_limit, sum.n) + " cut off at the token limit, " +
                        unfinished + turned_text(sum),
                    22);
  }
  return text;
}

}  // namespace mascing
