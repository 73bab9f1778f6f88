// A sentence that says how far the parts can be trusted, a map, and the largest of them.
#include "report/attribution_section.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/numeric.h"
#include "base/text.h"
#include "report/app_parts.h"
#include "report/html.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace mascing {
namespace {

constexpr size_t kLargestParts = 10;
constexpr double kErrors = 2.0;    // standard errors from 0: ringed
constexpr double kFaithful = 0.2;  // largest gap between sum and change, as a share of the change

/// One entry's part.
struct Part {
  size_t layer = 0;
  size_t expert = 0;
  double nats = 0.0;
  double error = 0.0;

  [[nodiscard]] bool is_clear() const { return std::fabs(nats) > kErrors * error; }
};

/// Of the loop that found the tested mask, where two of them ran.
const AttributionResult& attribution_of(const Results& results) {
  const bool is_adapter = results.adapter_loop && results.mask_method.starts_with("router_adapter");
  return is_adapter ? results.adapter_loop->attribution : results.loop.attribution;
}

/// In the order of the matrix; none if its form is wrong, which a results file does not rule out.
std::vector<Part> parts_of(const Results& results) {
  const AttributionResult& found = attribution_of(results);
  std::vector<Part> parts;
  for (size_t layer = 0; layer < found.part.size(); ++layer) {
    const bool fits = std::ssize(found.part[layer]) == results.n_expert &&
                      layer < found.standard_error.size() &&
                      found.standard_error[layer].size() == found.part[layer].size();
    for (size_t expert = 0; fits && expert < found.part[layer].size(); ++expert) {
      parts.push_back(
          {layer, expert, found.part[layer][expert], found.standard_error[layer][expert]});
    }
  }
  const bool is_whole = std::ssize(parts) == results.n_layer * results.n_expert;
  return is_whole ? parts : std::vector<Part>{};
}

std::string attribution_map(const Results& results, const std::vector<Part>& parts) {
  std::vector<float> values;
  std::vector<HeatmapNote> notes;
  for (const Part& part : parts) {
    values.push_back(to_float(part.nats));
    notes.push_back({" \u00b1 " + format_number(part.error, 3), part.is_clear()});
  }
  HeatmapWords words;
  words.id = "attribution-map";
  words.title = "Parts of the change";
  words.about = "Rows are layers, columns are experts. The table below lists the largest parts.";
  words.below = "less likely";
  words.above = "more likely";
  words.unit = "how likely the wanted reply is, in nats; ring: over two standard errors from 0";
  return heatmap(words, values, results.n_expert, notes);
}

std::string parts_table(std::vector<Part> parts, double attributed) {
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return std::fabs(a.nats) > std::fabs(b.nats);
  });
  parts.resize(std::min(parts.size(), kLargestParts));
  HtmlTable table("Largest parts of the change, in nats of margin",
                  {{"layer", true},
                   {"expert", true},
                   {"part", true},
                   {"standard error", true},
                   {"share of the sum", true}});
  for (const Part& part : parts) {
    table.add_row(
        {std::to_string(part.layer),
         std::to_string(part.expert),
         signed_text(part.nats, 3),
         format_number(part.error, 3),
         attributed > 0.0 ? format_number(100.0 * part.nats / attributed, 0) + " %" : "&ndash;"});
  }
  return table.html();
}

std::string attribution_text(const AttributionResult& found) {
  const bool is_faithful =
      std::fabs(found.attributed - found.change) <= kFaithful * std::fabs(found.change);
  return "Between no mask and the closed loop's mask the target's margin changes by " +
         signed_text(found.change, 2) + " nats, the mean over " + count_text(found.n_conversation) +
         " conversations of the discovery split. Derivatives, integrated along the path from one "
         "to the other, divide it among the mask's entries; the parts add up to " +
         signed_text(found.attributed, 2) + " nats. " +
         (is_faithful ? "The two agree within a fifth, so the parts account for the change."
                      : "The two differ by more than a fifth: experts that enter or leave the "
                        "selection do so in jumps, which derivatives see only in part. Read the "
                        "parts as an order, not as amounts.");
}

}  // namespace

std::string attribution_section(const Results& results) {
  const AttributionResult& found = attribution_of(results);
  const std::vector<Part> parts = parts_of(results);
  if (found.n_conversation == 0 || parts.empty()) {
    return "";
  }
  const std::string map =
      app_draws_maps(results.n_layer * results.n_expert)
          ? html_paragraph("The map is under \"The mask\": choose part of the change.")
          : attribution_map(results, parts);
  return html_section(
      "attribution",
      "Which experts bring about the change",
      html_paragraph(attribution_text(found)) + map + parts_table(parts, found.attributed));
}

}  // namespace mascing
