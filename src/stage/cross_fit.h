// Openings fitted without the replies that they are tried on: what distinguishes the replies to
// some topics need not distinguish those to others, and with random labels never does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stage/openings.h"

namespace mascing {

/// Folds of a cross-validation over conversations: topic by topic, largest first, each into the
/// fold with the fewest conversations. Conversations without a topic go one by one, and so do all
/// if there are fewer topics than folds. Returns 0 .. n_fold - 1 for each conversation.
[[nodiscard]] std::vector<int64_t> topic_folds(const std::vector<std::string>& topics,
                                               int64_t n_fold);

/// A reply and the fold that holds it out.
struct FoldedReply {
  TokenSequence tokens;
  int64_t i_fold = 0;
};

struct CrossFit {
  Openings openings;           ///< fitted on all replies
  std::vector<Openings> fold;  ///< [n_fold], each fitted without the replies of that fold
  /// Shares of a kind's replies that begin with an opening of their kind that was fitted without
  /// them.
  double coverage_wanted = 0.0;
  double coverage_unwanted = 0.0;
  /// Area under the ROC curve of held-out replies, scored 1 for an opening of the wanted kind, -1
  /// for one of the other, 0 for neither. What the text alone shows, without the model.
  double reply_auc = 0.5;
};

[[nodiscard]] CrossFit cross_fit_openings(const std::vector<FoldedReply>& wanted,
                                          const std::vector<FoldedReply>& unwanted,
                                          int64_t n_fold,
                                          const OpeningOptions& options = {});

/// Which beginnings a margin compares.
enum class MarginForm {
  kTwoSided,      ///< openings of wanted replies with openings of the others
  kWantedOnly,    ///< openings of wanted replies with everything else
  kUnwantedOnly,  ///< everything but openings of unwanted replies with these
  kNone,          ///< no kind has openings that cover its held-out replies
};
[[nodiscard]] const char* to_string(MarginForm form);

/// A kind counts as covered if 0.5 of its held-out replies begin with its openings. Both covered:
/// two-sided. Otherwise the kind that is covered better against everything else, if that is at
/// least 0.3.
[[nodiscard]] MarginForm choose_form(const CrossFit& fit);

/// Those that the form compares; the other kind's are removed.
[[nodiscard]] Openings openings_of_form(Openings openings, MarginForm form);

/// The margin at which a reply of either kind is equally likely if a kind's openings begin only
/// `coverage` (at least 0.1) of its replies, as log p(o) grows in proportion to it:
/// log(c_wanted / c_unwanted), or log(c / 2) - log(1 - c / 2), negative for unwanted openings.
[[nodiscard]] double zero_by_coverage(const CrossFit& fit, MarginForm form);

}  // namespace mascing
