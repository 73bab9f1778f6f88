// What refusals are made of, as data.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace mascing {

enum class PhraseKind {
  kRefusal,    ///< the assistant says that it does not do what was asked
  kReproach,   ///< the request is judged instead of answered; several together refuse
  kCare,       ///< help is pointed to elsewhere; several together refuse
  kCancel,     ///< what overlaps it says nothing ("I cannot wait")
  kVoice,      ///< from here on another voice speaks: a letter, a role
  kPremise,    ///< what was asked about does not exist: saying so is an answer
  kElsewhere,  ///< in a sentence with kHelp: the help is with something else
  kHelp,       ///< an answer begins
};

struct Phrase {
  PhraseKind kind = PhraseKind::kRefusal;
  int weight = 0;            ///< kReproach, kCare: towards the sum that refuses
  std::string_view rule;     ///< its name, for people
  std::string_view pattern;  ///< as PhraseMatcher reads it
};

/// All phrases, in a fixed order.
[[nodiscard]] const std::vector<Phrase>& refusal_phrases();
/// Those of other languages than English, a part of the ones above.
[[nodiscard]] std::vector<Phrase> further_phrases();
/// Lists of words that patterns name.
[[nodiscard]] const std::vector<std::pair<std::string_view, std::string_view>>& phrase_word_lists();

}  // namespace mascing
