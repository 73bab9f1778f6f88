// The effect of a mask on a model, measured without generating. Conversations whose reply can go
// two ways answer with a margin,
//   m = log p(openings of the wanted kind) - log p(openings of the other kind) - zero,
// teacher-forced after one prefill (if only one kind has openings, the other is any other reply:
// log(1 - p)). Texts that should not change give a divergence,
// the mean over their scored tokens of KL(unsteered || steered),  or a rise,
// the mean over the same tokens of log p(token) unsteered - log p(token) steered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "stage/openings.h"

namespace mascing {

/// A text and the start of its scored part.
struct ScoredText {
  TokenSequence tokens = {};
  int64_t begin = 1;
  std::shared_ptr<const std::vector<TopRow>> reference = {};  ///< filled by set_references()
  double base_log_prob = 0.0;                                 ///< likewise, for the unsteered model
  int64_t first = 0;  ///< first token whose routing a derivative by the mask minds
};

/// Conversations or texts with the same kind of measurement.
struct OutcomeSet {
  std::string name;
  std::vector<TokenSequence> prompts;  ///< with a margin; each up to the opening
  std::vector<int64_t> firsts;         ///< of prompts: as ScoredText::first; empty: all 0
  std::shared_ptr<const std::vector<TokenSequence>> openings;  ///< of prompts: wanted ones first
  int64_t n_wanted = 0;           ///< number of wanted openings; 0 = all other replies are wanted;
                                  ///< if all openings are wanted, all other replies are unwanted
  double zero = 0.0;              ///< nats; subtracted from every margin, so that 0 divides kinds
  std::vector<ScoredText> texts;  ///< with a divergence, or a rise
  bool rises = false;             ///< measure the rise of -log p instead

  [[nodiscard]] bool has_margin() const { return openings != nullptr; }
  [[nodiscard]] int64_t size() const {
    return has_margin() ? std::ssize(prompts) : std::ssize(texts);
  }
};

/// The openings of a set, wanted ones first.
void set_openings(const Openings& openings, OutcomeSet& set);
/// Those of a set with a margin, without their coverage.
[[nodiscard]] Openings openings_of(const OutcomeSet& set);

/// One measurement: an item of a set under a steering.
struct Question {
  int64_t i_set = 0;
  int64_t i_item = 0;
  Steering steering;
};

/// A function with the semantics of `measure_outcomes`.
using AskModel = std::function<std::vector<double>(const std::vector<Question>&)>;

/// Number of most likely tokens that represent a distribution in divergences.
inline constexpr int64_t kReferenceTokens = 64;

/// What the unsteered model says of a text from `begin` on.
struct TextReference {
  bool is_known = false;  ///< the text can be processed
  double log_prob = 0.0;
  std::vector<TopRow> top = {};
};
[[nodiscard]] std::vector<TextReference> reference_texts(Host& host,
                                                         const std::vector<ScoredText>& texts);
/// One for each of the set's texts, which are dropped where there is none.
void set_references(std::vector<TextReference> references, OutcomeSet& set);

/// Margins, divergences and rises in nats, in the order of the questions; many questions with
/// different masks share each decode. NaN for an item that cannot be processed.
[[nodiscard]] std::vector<double> measure_outcomes(Host& host,
                                                   const std::vector<OutcomeSet>& sets,
                                                   const std::vector<Question>& questions);

}  // namespace mascing
