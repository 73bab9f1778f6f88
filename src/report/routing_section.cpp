// Tables that read without the page's script, which adds the map and the tokens.
#include "report/routing_section.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

constexpr size_t kMostMoved = 20;

/// One expert's selection rates.
struct RatePair {
  size_t layer = 0;
  size_t expert = 0;
  double base = 0.0;
  double steered = 0.0;

  [[nodiscard]] double change() const { return steered - base; }
};

/// None if the form of the matrices is wrong, which a results file does not rule out.
std::vector<RatePair> rate_pairs(const Results& results) {
  const RoutingResult& routing = results.routing;
  std::vector<RatePair> pairs;
  for (size_t layer = 0; layer < routing.base.size() && layer < routing.steered.size(); ++layer) {
    const std::vector<double>& base = routing.base[layer];
    const std::vector<double>& steered = routing.steered[layer];
    for (size_t expert = 0; expert < base.size() && expert < steered.size(); ++expert) {
      pairs.push_back({layer, expert, base[expert], steered[expert]});
    }
  }
  const bool is_whole = std::ssize(pairs) == results.n_layer * results.n_expert;
  return is_whole ? pairs : std::vector<RatePair>{};
}

std::string plural(int64_t n, const std::string& what) {
  return count_text(n) + " " + what + (n == 1 ? "" : "s");
}

std::string scope_words(const RoutingResult& routing) {
  std::string words =
      "Selection rates along the final user message and the reply that was written with the mask, "
      "read once without and once with it: " +
      plural(routing.n_token, "token") + " of " + plural(routing.n_conversation, "conversation") +
      ", drawn at random from their sets. Tokens were looked at one by one in " +
      plural(routing.n_viewed, "conversation") +
      ", which include some that the mask fixed or broke; ";
  words += plural(routing.n_left_out, "conversation") + " of the test split " +
           (routing.n_left_out == 1 ? "was" : "were") + " left out";
  if (routing.n_token_left_out > 0) {
    words += ", and " + plural(routing.n_token_left_out, "token") + " of long messages and replies";
  }
  return words + ".";
}

/// Where the choice that was counted may not be the model's own, or there is none to count.
std::string choice_words(const RoutingResult& routing) {
  std::string words;
  if (!routing.by_logits.empty()) {
    words = "Experts are taken by their router logits alone (" + printable(routing.by_logits, 300) +
            "); which ones the model runs can differ. ";
  }
  if (!routing.layers_by_token.empty()) {
    std::string layers;
    for (const int64_t layer : routing.layers_by_token) {
      layers += (layers.empty() ? "" : ", ") + std::to_string(layer);
    }
    words += "In layers " + layers +
             " the token itself decides over the experts. A mask does not change which ones run "
             "there, and they have no rates.";
  }
  return words.empty() ? "" : html_paragraph(words);
}

/// Of the margins along conversations; nothing for results of earlier versions.
std::string margin_words(const TurnMarginsResult& margins) {
  if (margins.n_turn == 0 && margins.reason.empty()) {
    return "";
  }
  std::string words;
  if (margins.n_turn > 0) {
    words = "At the end of " + plural(margins.n_turn, "user message") +
            " of these conversations the model was asked how likely openings of wanted replies "
            "are, without and with the mask (" +
            plural(margins.n_token, "token") + " of prompts and openings). ";
  }
  if (margins.n_left_out > 0) {
    words += "Without a margin: " + plural(margins.n_left_out, "message") + ", because " +
             printable(margins.reason, 400) + ".";
  }
  return html_paragraph(words);
}

std::string moved_table(std::vector<RatePair> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(), [](const RatePair& a, const RatePair& b) {
    return std::fabs(a.change()) > std::fabs(b.change());
  });
  pairs.resize(std::min(pairs.size(), kMostMoved));
  HtmlTable table("Experts whose selection rate changed most",
                  {{"layer", true},
                   {"expert", true},
                   {"without the mask", true},
                   {"with the mask", true},
                   {"difference", true}});
  for (const RatePair& pair : pairs) {
    if (pair.change() == 0.0) {
      break;
    }
    table.add_row({std::to_string(pair.layer),
                   std::to_string(pair.expert),
                   format_number(pair.base, 4),
                   format_number(pair.steered, 4),
                   signed_text(pair.change(), 4)});
  }
  return table.html();
}

std::string layer_table(const RoutingResult& routing) {
  HtmlTable table("Share of the choices of experts that the mask changed",
                  {{"layer", true}, {"changed", true}});
  for (size_t layer = 0; layer < routing.layer_change.size(); ++layer) {
    table.add_row({std::to_string(layer), format_percent(routing.layer_change[layer])});
  }
  return table.html();
}

}  // namespace

std::string routing_part(const Results& results) {
  const RoutingResult& routing = results.routing;
  std::string reason =
      routing.reason.empty()
          ? ""
          : html_paragraph("The routing of the test conversations was not read" +
                           std::string(routing.n_token > 0 ? " to the end: " : ": ") +
                           printable(routing.reason, 300) + ".");
  const std::vector<RatePair> pairs = rate_pairs(results);
  if (pairs.empty() || routing.n_token == 0) {
    return reason;
  }
  return "<div id=\"routing\">\n" + reason + html_paragraph(scope_words(routing)) +
         choice_words(routing) + margin_words(routing.margins) +
         "<details id=\"selection-rates\"><summary>Selection rates as a table</summary>" +
         moved_table(pairs) + "</details>\n<details><summary>Changes by layer</summary>" +
         layer_table(routing) + "</details>\n</div>\n";
}

}  // namespace mascing
