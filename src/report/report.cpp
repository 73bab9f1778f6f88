// The page from top to bottom: headline, warnings, metrics, damage, mask, effects, closed loop,
// search, data, cost, provenance.
#include "mascing/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/text.h"
#include "report/app_parts.h"
#include "report/attribution_section.h"
#include "report/baseline_sections.h"
#include "report/candidates_section.h"
#include "report/export_sections.h"
#include "report/html.h"
#include "report/interventional_section.h"
#include "report/judge_sections.h"
#include "report/loop_sections.h"
#include "report/metrics_section.h"
#include "report/numbers.h"
#include "report/protocol_sections.h"
#include "report/reply_sections.h"
#include "report/routing_section.h"
#include "report/search_sections.h"
#include "report/svg.h"
#include "report/use_section.h"
#include "report/verdict_block.h"

namespace mascing {
namespace {

constexpr size_t kStrongest = 12;
constexpr const char* kArrow = "\u2192";

// ---------------------------------------------------------------- top of the page

std::string page_header(const Results& results) {
  const std::string model = results.model_name.empty() ? results.architecture : results.model_name;
  return "<header>\n<p class=\"kicker\">mascing report</p>\n<h1>" +
         with_narrow_gaps(escape_html(headline(results, kArrow))) +
         ".</h1>\n<p class=\"lead\">Scenario <strong>" + escape_html(results.scenario_name) +
         "</strong> (" + escape_html(results.direction) + ") on <strong>" + escape_html(model) +
         "</strong>. Rates are the share of conversations with the wanted "
         "outcome.</p>\n</header>\n";
}

std::string model_note(const Results& results) {
  return results.model_description.empty() ? ""
                                           : "<p class=\"model-note\">Model description: " +
                                                 escape_html(results.model_description) + "</p>\n";
}

std::string warnings_box(const Results& results) {
  if (results.warnings.empty()) {
    return "";
  }
  std::string items;
  for (const Warning& warning : results.warnings) {
    items += "<li><strong>" + escape_html(warning.text) + "</strong><span>" +
             escape_html(warning.advice) + "</span><code>" + escape_html(warning.id) +
             "</code></li>\n";
  }
  const std::string heading = counted(std::ssize(results.warnings), "warning", "warnings");
  return "<section class=\"warnings\" aria-labelledby=\"warnings\"><h2 id=\"warnings\">" + heading +
         "</h2>\n<ul>\n" + items + "</ul></section>\n";
}

// ---------------------------------------------------------------- mask

std::string strongest_table(const Results& results) {
  std::vector<int64_t> order(results.mask_steer.size());
  std::iota(order.begin(), order.end(), 0);
  const auto size_of = [&results](int64_t i_entry) {
    const float value = results.mask_steer[i_entry];
    return std::isfinite(value) ? std::abs(value) : 0.0F;
  };
  std::stable_sort(
      order.begin(), order.end(), [&](int64_t a, int64_t b) { return size_of(a) > size_of(b); });
  HtmlTable table("Strongest entries",
                  {{"layer", true}, {"expert", true}, {"entry", true}, {"expert is selected"}});
  for (size_t i = 0; i < std::min(order.size(), kStrongest); ++i) {
    const float value = results.mask_steer[order[i]];
    if (size_of(order[i]) == 0.0F) {
      break;
    }
    const int64_t i_entry = order[i];
    table.add_row({std::to_string(i_entry / results.n_expert),
                   std::to_string(i_entry % results.n_expert),
                   signed_text(value, 3),
                   is_adapter(results) ? "by token"
                   : value > 0.0F      ? "more often"
                                       : "less often"});
  }
  return "<details><summary>Strongest entries as a table</summary>" + table.html() + "</details>\n";
}

/// What a map of an adapter shows.
std::string adapter_text(const Results& results) {
  return is_adapter(results)
             ? " A router adapter pushes each token by what the router reads there. The map shows "
               "how far it pushes an expert, as a root mean square in sigmas without a sign; which "
               "experts gain and lose by it shows \"difference by the mask\"."
             : "";
}

std::string mask_section(const Results& results) {
  const std::string map = steering_heatmap(results.mask_steer, results.n_layer, results.n_expert);
  if (map.empty()) {
    return "";
  }
  const int64_t n_entry = results.n_layer * results.n_expert;
  const std::string text =
      count_text(results.mask_n_active) + " of " + count_text(n_entry) +
      " entries are active. Rows are MoE layers, columns are experts. The router selects " +
      std::to_string(results.n_expert_used) + " experts per token. Method " +
      display_name(results.mask_method) + ", strength alpha " + short_text(results.mask_alpha) +
      ", lambda " + short_text(results.mask_lambda) + "." + adapter_text(results);
  return html_section("mask",
                      "The mask",
                      html_paragraph(text) + (app_draws_maps(n_entry) ? "" : map) +
                          strongest_table(results) + routing_part(results));
}

// ---------------------------------------------------------------- end of the page

/// As a run goes through them; others come last.
std::vector<std::pair<std::string, double>> stages_in_order(const Results& results) {
  constexpr std::array kOrder = {"label",
                                 "trace",
                                 "train_and_steer",
                                 "closed_loop",
                                 "interventional_surrogate",
                                 "select",
                                 "test",
                                 "baselines"};
  std::vector<std::pair<std::string, double>> stages(results.seconds.begin(),
                                                     results.seconds.end());
  std::stable_sort(stages.begin(), stages.end(), [&](const auto& a, const auto& b) {
    return std::find(kOrder.begin(), kOrder.end(), a.first) <
           std::find(kOrder.begin(), kOrder.end(), b.first);
  });
  return stages;
}

std::string cost_section(const Results& results) {
  if (results.seconds.empty()) {
    return "";
  }
  const bool has_tokens = !results.stage_tokens.empty();
  HtmlTable table("Wall time",
                  has_tokens ? std::vector<HtmlColumn>{{"stage"},
                                                       {"time", true},
                                                       {"tokens read", true},
                                                       {"written", true}}
                             : std::vector<HtmlColumn>{{"stage"}, {"time", true}});
  double total = 0.0;
  for (const auto& [stage, seconds] : stages_in_order(results)) {
    std::vector<std::string> row = {
        escape_html(display_name(stage)),
        "<data value=\"" + format_number(seconds, 1) + "\">" + time_text(seconds) + "</data>"};
    if (has_tokens) {
      const auto tokens = results.stage_tokens.find(stage);
      const bool is_known = tokens != results.stage_tokens.end();
      row.push_back(is_known ? count_text(tokens->second.n_prefill) : "");
      row.push_back(is_known ? count_text(tokens->second.n_generated) : "");
    }
    table.add_row(row);
    total += seconds;
  }
  const std::string text = time_text(total) + " in total, " + count_text(results.n_prefill_token) +
                           " prefill tokens, " + count_text(results.n_generated_token) +
                           " generated tokens.";
  return html_section("cost", "Time and tokens", html_paragraph(text) + table.html());
}

std::string provenance_section(const Results& results) {
  std::string list;
  const auto add = [&list](
                       const std::string& name, const std::string& value, bool is_code = false) {
    if (!value.empty()) {
      const std::string text = escape_html(value);
      list += "<dt>" + escape_html(name) + "</dt><dd>" +
              (is_code ? "<code>" + text + "</code>" : text) + "</dd>\n";
    }
  };
  add("Model", results.model_name);
  add("Architecture",
      results.architecture + ", " + std::to_string(results.n_layer) + " MoE layers, " +
          std::to_string(results.n_expert) + " experts, " + std::to_string(results.n_expert_used) +
          " per token");
  add("Model fingerprint", results.fingerprint, true);
  add("Mask file", results.mask_file, true);
  add("Scenario, SHA-256", results.protocol.scenario_hash, true);
  add("Data, hash", results.protocol.data_hash, true);
  add("Seed", std::to_string(results.seed));
  add("Threads", std::to_string(results.n_thread));
  add("Version", "mascing " + results.tool_version);
  add("Finished", results.finished_at);
  const std::string command =
      results.command.empty() ? ""
                              : html_paragraph("The command, with every option that was given:") +
                                    html_command(results.command);
  return html_section(
      "provenance", "Reproduction", command + "<dl class=\"facts\">\n" + list + "</dl>\n");
}

}  // namespace

std::string render_report(const Results& results, const std::vector<Transcript>& transcripts) {
  std::string page = page_begin(results.scenario_name + " - mascing report");
  page += page_header(results);
  page += "<main>\n";
  page += verdict_section(results);
  page += tiles(results);
  page += use_section(results);
  page += model_note(results);
  page += warnings_box(results);
  page += metrics_section(results);
  page += replies_section(results);
  page += damage_section(results);
  page += conversations_section(std::ssize(transcripts));
  page += judges_section(results);
  page += categories_section(results);
  page += mask_section(results);
  page += baselines_section(results);
  page += effects_section(results);
  page += loop_section(results);
  page += attribution_section(results);
  page += interventional_section(results.interventional);
  page += candidates_section(results);
  page += exports_section(results);
  page += surrogates_section(results);
  page += data_section(results);
  page += protocol_section(results);
  page += cost_section(results);
  page += provenance_section(results);
  page +=
      "</main>\n<footer>All numbers are in results.json next to this "
      "page.</footer>\n";
  page += app_end(results, transcripts.empty() ? "" : fit_on_page(transcripts).json);
  return page + "</body>\n</html>\n";
}

}  // namespace mascing
