// A paragraph on how the surrogate learnt, and a row for each of its rounds.
#include "report/interventional_section.h"

#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

std::string rounds_table(const InterventionalSurrogateResult& result) {
  HtmlTable table("Measured around the mask of each round",
                  {{"round", true},
                   {"|S|", true},
                   {"probability of wanted openings", true},
                   {"predicted vs. measured", true}});
  for (size_t i = 0; i < result.rounds.size(); ++i) {
    const InterventionalRoundResult& round = result.rounds[i];
    table.add_row({std::to_string(i + 1),
                   short_text(round.norm),
                   rate_text(round.value),
                   i == 0 ? "&ndash;" : signed_text(round.correlation, 2)});
  }
  return table.html();
}

}  // namespace

std::string interventional_section(const InterventionalSurrogateResult& result) {
  if (result.rounds.empty()) {
    return "";
  }
  const std::string text =
      "This surrogate was trained on the measured effects of pairs of opposite random masks, "
      "so its gradient reflects what masks cause rather than what correlates with the "
      "behaviour. Training took " +
      count_text(result.n_question) + " prefills in " + std::to_string(result.rounds.size()) +
      " rounds. The last column is the correlation between predicted and measured effects on "
      "pairs "
      "not yet used for training. All conversations are from the discovery split.";
  return html_section(
      "interventional", "Interventional surrogate", html_paragraph(text) + rounds_table(result));
}

}  // namespace mascing
