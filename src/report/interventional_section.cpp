// See the header.
#include "report/interventional_section.h"

#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

std::string rounds_table(const InterventionalSurrogateResult& result) {
  HtmlTable table("What the model answered around the mask of each round",
                  {{"round", true},
                   {"|S|", true},
                   {"chance of wanted openings", true},
                   {"expected against measured", true}});
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
      "This surrogate learnt by how much pairs of opposite random masks change the model's answer, "
      "so that its gradient is one of what masks do and not of what goes along with the "
      "behaviour: " +
      count_text(result.n_question) + " prefills in " + std::to_string(result.rounds.size()) +
      " rounds. The last column is the correlation of what it expected and what the model did, "
      "over "
      "pairs it had not learnt from yet; conversations of the discovery split, all of them.";
  return html_section("interventional",
                      "The surrogate that learnt from interventions",
                      html_paragraph(text) + rounds_table(result));
}

}  // namespace mascing
