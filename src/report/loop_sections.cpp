// A map and a table of effects; a plot and a table of steps. The texts explain how to read the
// numbers and their limits.
#include "report/loop_sections.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "base/numeric.h"
#include "base/text.h"
#include "report/app_parts.h"
#include "report/html.h"
#include "report/loop_plot.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace mascing {
namespace {

constexpr size_t kStrongestEffects = 10;
constexpr float kSignificant = 0.05F;  // q-value
constexpr double kWeakAuc = 0.8;       // below it, the margin predicts generated replies poorly

std::string percent_text(double share) {
  return std::isfinite(share) ? format_number(100.0 * share, 0) + " %" : "-";
}

// ---------------------------------------------------------------- effects

/// False if the matrices differ in size, which a results file does not rule out.
bool is_whole(const EffectsResult& effects) {
  const size_t n = effects.effect.size();
  return effects.is_measured() && effects.standard_error.size() == n && effects.q_value.size() == n;
}

bool is_measured(const EffectsResult& effects, size_t i) {
  return effects.standard_error[i] > 0.0F && std::isfinite(effects.effect[i]);
}

std::string effects_map(const Results& results) {
  const EffectsResult& effects = results.effects;
  std::vector<HeatmapNote> notes;
  for (size_t i = 0; i < effects.effect.size(); ++i) {
    notes.push_back({" \u00b1 " + format_number(effects.standard_error[i], 3) + ", q " +
                         p_text(effects.q_value[i]),
                     effects.q_value[i] <= kSignificant});
  }
  HeatmapWords words;
  words.id = "effects-map";
  words.title = "Effects of individual experts";
  words.about =
      "Rows are layers, columns are experts. The table below lists the strongest effects.";
  words.below = "less likely";
  words.above = "more likely";
  words.unit = "how likely the wanted reply is, in nats per sigma; ring: q up to 0.05";
  return heatmap(words, effects.effect, results.n_expert, notes);
}

std::string effects_table(const Results& results) {
  const EffectsResult& effects = results.effects;
  std::vector<int64_t> order(effects.effect.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](int64_t i) { return !is_measured(effects, i); });
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::abs(effects.effect[a]) > std::abs(effects.effect[b]);
  });
  order.resize(std::min(order.size(), kStrongestEffects));
  const bool has_mask = results.mask_steer.size() == effects.effect.size();
  HtmlTable table(
      "Strongest effects, in nats of margin per sigma. The mask also respects the limits, so its "
      "entries can differ",
      {{"layer", true},
       {"expert", true},
       {"effect", true},
       {"standard error", true},
       {"q", true},
       {"mask entry", true}});
  for (const int64_t i : order) {
    table.add_row({std::to_string(i / results.n_expert),
                   std::to_string(i % results.n_expert),
                   signed_text(effects.effect[i], 3),
                   format_number(effects.standard_error[i], 3),
                   escape_html(p_text(effects.q_value[i])),
                   has_mask ? signed_text(results.mask_steer[i], 3) : "&ndash;"});
  }
  return table.html();
}

std::string meaning_of(const EffectsResult& effects) {
  const bool is_exact = effects.n_conversation > 0;
  return std::string(
             "Effects are causal. An effect is the average change of the margin, log p(openings of "
             "wanted replies) - log p(openings of other replies), ") +
         (is_exact ? "per sigma by which the router logit of this expert rises, while the mask is "
                     "small. "
                   : "when the router logit of this expert rises by one sigma and all other logits "
                     "are perturbed at random. ") +
         "It does not imply that the expert has no other function, that effects add up under a "
         "strong mask, or that other conversations depend on the same experts.";
}

std::string effects_text(const EffectsResult& effects) {
  int64_t n_measured = 0;
  for (size_t i = 0; i < effects.effect.size(); ++i) {
    n_measured += is_measured(effects, i) ? 1 : 0;
  }
  const std::string found = effects.n_significant > 0
                                ? count_text(effects.n_significant) + " of " +
                                      count_text(n_measured) +
                                      " effects are significant (ringed; false discovery rate 5 %)."
                                : "None of " + count_text(n_measured) +
                                      " effects is significant (false discovery rate 5 %), so the "
                                      "values below may be noise.";
  if (effects.n_conversation > 0) {
    return "Effects are exact derivatives of the margin at the unsteered model, averaged over " +
           count_text(effects.n_conversation) + " conversations of the discovery split. " + found +
           " Reliability " + fraction_text(effects.reliability) +
           " is the share of variance between effects that is not variation between conversations.";
  }
  return "Effects were measured with " + count_text(effects.n_pair) +
         " pairs of opposite random masks, one conversation of the discovery split per pair, "
         "without generating replies. " +
         found + " Reliability " + fraction_text(effects.reliability) +
         " is the share of variance between effects that is not measurement error. Together they "
         "explain " +
         percent_text(std::max(0.0, effects.r2)) +
         " of the variance between pairs (leave-one-out); the remainder is mostly variation "
         "between "
         "conversations.";
}

// ---------------------------------------------------------------- closed loop

/// First and last step averaged into the mask; empty if the numbers in the file are inconsistent.
struct Stretch {
  int64_t first = 0;
  int64_t n = 0;
};

Stretch stretch_of(const LoopResult& loop) {
  const int64_t n_step = std::ssize(loop.steps);
  const bool fits = loop.i_best >= 0 && loop.i_best < n_step && loop.n_stretch > 0 &&
                    loop.n_stretch <= loop.i_best + 1;
  return fits ? Stretch{loop.i_best - loop.n_stretch + 1, loop.n_stretch} : Stretch{};
}

double value_at(const LoopResult& loop, int64_t i_step, const std::string& name) {
  const auto& values = loop.steps[i_step].values;
  const auto found = values.find(name);
  return found == values.end() ? std::nan("") : found->second;
}

double mean_over(const LoopResult& loop, const Stretch& stretch, const std::string& name) {
  double sum = 0.0;
  for (int64_t i = stretch.first; i < stretch.first + stretch.n; ++i) {
    sum += value_at(loop, i, name);
  }
  return stretch.n > 0 ? sum / to_double(stretch.n) : std::nan("");
}

/// The target first, then every measure with a limit.
std::vector<std::string> loop_names(const LoopResult& loop, const std::string& target) {
  std::vector<std::string> names = {target};
  for (const auto& [name, limit] : loop.limits) {
    names.push_back(name);
  }
  return names;
}

/// Sets go by the id of their metric; texts by words, as in "general text".
std::string measure_of(const std::string& target, const std::string& name) {
  const bool is_text = name.find(' ') != std::string::npos;
  const std::string what = name == target ? ": wanted share"
                           : is_text      ? ": nats per token"
                                          : ": drop of the wanted share";
  return escape_html(display_name(name) + what);
}

std::string loop_table(const LoopResult& loop, const std::string& target, const Stretch& stretch) {
  HtmlTable table(
      "Measurements as running means over the discovery split",
      {{"measure"}, {"first step", true}, {"mean of the mask's steps", true}, {"limit", true}});
  for (const std::string& name : loop_names(loop, target)) {
    const auto limit = loop.limits.find(name);
    const bool is_target = name == target;
    table.add_row(
        {measure_of(target, name),
         loop_value_text(name, is_target, value_at(loop, 0, name)),
         loop_value_text(name, is_target, mean_over(loop, stretch, name)),
         limit == loop.limits.end() ? "&ndash;" : loop_value_text(name, false, limit->second)});
  }
  return table.html();
}

std::string steps_table(const LoopResult& loop, const std::string& target) {
  const std::vector<std::string> names = loop_names(loop, target);
  std::vector<HtmlColumn> columns = {{"step", true}, {"|S|", true}};
  for (const std::string& name : names) {
    columns.push_back({display_name(name), true});
  }
  HtmlTable table("All steps of the closed loop", columns);
  for (int64_t i = 0; i < std::ssize(loop.steps); ++i) {
    std::vector<std::string> cells = {std::to_string(i + 1), short_text(loop.steps[i].norm)};
    for (const std::string& name : names) {
      cells.push_back(loop_value_text(name, name == target, value_at(loop, i, name)));
    }
    table.add_row(cells);
  }
  return "<details><summary>All " + std::to_string(loop.steps.size()) + " steps</summary>" +
         table.html() + "</details>\n";
}

/// The wanted share of a set's replies without and with the mask.
std::string seen_text(const LoopLookResult& look, const std::string& metric) {
  const auto found = look.sets.find(metric);
  if (found == look.sets.end() || found->second.n == 0) {
    return "&ndash;";
  }
  const SeenReplies& seen = found->second;
  return count_text(seen.n_wanted_before) + " &rarr; " + count_text(seen.n_wanted) + " of " +
         count_text(seen.n);
}

/// Empty if no replies were looked at.
std::string looks_table(const LoopResult& loop) {
  std::set<std::string> metrics;
  for (const LoopLookResult& look : loop.looks) {
    for (const auto& [metric, seen] : look.sets) {
      metrics.insert(metric);
    }
  }
  if (metrics.empty()) {
    return "";
  }
  std::vector<HtmlColumn> columns = {{"after step", true}};
  for (const std::string& metric : metrics) {
    columns.push_back({display_name(metric), true});
  }
  HtmlTable table("Replies as wanted, without a mask and with the one so far", columns);
  for (const LoopLookResult& look : loop.looks) {
    std::vector<std::string> cells = {std::to_string(look.n_step)};
    for (const std::string& metric : metrics) {
      cells.push_back(seen_text(look, metric));
    }
    table.add_row(cells);
  }
  return html_paragraph(
             "Now and then the loop also has conversations of the discovery split answered. What "
             "these replies lose counts against the limits, whatever the margins say, and the ways "
             "in which they begin enter the margin of the target.") +
         table.html();
}

/// `is_drawn`: there is a plot, which shades the steps that the mask is the mean of.
std::string loop_text(const LoopResult& loop, const Stretch& stretch, bool is_drawn) {
  const std::string how =
      loop.gradients == "exact"
          ? "Each step differentiates the model exactly at the current mask and moves it "
          : "Each step measures the model under pairs of random masks around the current mask and "
            "moves it ";
  std::string text =
      how +
      "along the gradient of the target. Limits on all other sets push back whatever exceeds them; "
      "those of sets are 0.7 of what the scenario allows, since other splits differ. The search "
      "took " +
      count_text(loop.n_question) + " prefills in " + std::to_string(loop.steps.size()) +
      " steps. ";
  if (stretch.n > 0) {
    text += "The resulting mask is the mean of steps " + std::to_string(stretch.first + 1) +
            " to " + std::to_string(stretch.first + stretch.n) + (is_drawn ? " (shaded). " : ". ");
  }
  return text +
         "These values are margins on the conversations the mask was fitted to. For the effect on "
         "held-out replies, see \"Results\".";
}

/// The router adapter's loop where the section is about another one's.
std::string adapter_part(const Results& results) {
  if (!results.adapter_loop || results.adapter_loop->steps.empty()) {
    return "";
  }
  const LoopResult& loop = *results.adapter_loop;
  const Stretch stretch = stretch_of(loop);
  const std::string standing =
      results.mask_method.starts_with("router_adapter") || results.mask_method.empty()
          ? ""
          : " (not selected)";
  return "<details id=\"adapter-loop\"><summary>The loop of the router adapter" + standing +
         "</summary>" + html_paragraph(loop_text(loop, stretch, false)) +
         loop_table(loop, results.target_metric, stretch) + looks_table(loop) +
         steps_table(loop, results.target_metric) + "</details>\n";
}

}  // namespace

std::string effects_section(const Results& results) {
  if (!is_whole(results.effects)) {
    return "";
  }
  const std::string map = effects_map(results);
  if (map.empty()) {
    return "";
  }
  return html_section("effects",
                      "Causal effects of experts",
                      html_paragraph(effects_text(results.effects)) +
                          (app_draws_maps(results.n_layer * results.n_expert)
                               ? html_paragraph("The map is under \"The mask\": choose effect.")
                               : map) +
                          html_paragraph(meaning_of(results.effects)) + effects_table(results));
}

std::string loop_section(const Results& results) {
  const LoopResult& loop = results.loop;
  if (loop.steps.empty()) {
    return "";
  }
  const std::string& target = results.target_metric;
  const Stretch stretch = stretch_of(loop);
  // Results of earlier versions do not say whose loop it is: an adapter's, if there was no effect
  // map.
  const bool is_chosen = !loop.method.empty()
                             ? results.mask_method.starts_with(loop.method)
                             : results.mask_method.starts_with("closed_loop") ||
                                   (results.mask_method.starts_with("router_adapter") &&
                                    !results.effects.is_measured());
  return html_section("loop",
                      is_chosen || results.mask_method.empty()
                          ? "Closed-loop search"
                          : "Closed-loop search (not selected)",
                      html_paragraph(loop_text(loop, stretch, true)) + loop_plot(loop, target) +
                          loop_table(loop, target, stretch) + looks_table(loop) +
                          steps_table(loop, target) + adapter_part(results));
}

std::string held_out_table(const OutcomeResult& outcome) {
  if (outcome.held_out.empty()) {
    return "";
  }
  HtmlTable table("Margins on held-out conversations, without a mask",
                  {{"set"},
                   {"form"},
                   {"wanted / other replies", true},
                   {"coverage", true},
                   {"AUC", true},
                   {"p", true},
                   {"zero", true},
                   {"slope", true}});
  for (const auto& [metric, margin] : outcome.held_out) {
    const bool is_checked = margin.n_wanted + margin.n_unwanted > 0;
    table.add_row({escape_html(display_name(metric)),
                   escape_html(display_name(margin.form)),
                   is_checked ? count_text(margin.n_wanted) + " / " + count_text(margin.n_unwanted)
                              : "not checked",
                   rate_text(margin.coverage_wanted) + " / " + rate_text(margin.coverage_unwanted),
                   is_checked ? fraction_text(margin.auc) : "-",
                   is_checked ? escape_html(p_text(margin.p_value)) : "-",
                   signed_text(margin.zero, 2),
                   format_number(margin.slope, 2)});
  }
  const bool at_conclusion = outcome.held_out.begin()->second.at_conclusion;
  return (at_conclusion ? html_paragraph("Asked at the conclusion of the reasoning, where the "
                                         "model decides what it will reply.")
                        : "") +
         table.html();
}

std::string outcome_paragraph(const OutcomeResult& outcome) {
  if (outcome.n == 0) {
    return "";
  }
  const std::string verdict =
      outcome.auc < kWeakAuc ? " This is weak, so do not rely on rates marked with ~." : "";
  return html_paragraph("How well the margin of one prefill predicts the generated reply: AUC " +
                        fraction_text(outcome.auc) + " (0.5 = chance), rank correlation " +
                        signed_text(outcome.rank_correlation, 2) + ", on " + count_text(outcome.n) +
                        " replies of the selection split." + verdict);
}

}  // namespace mascing
