// Openings that replies under a mask add to those of the unsteered model, or take away from them.
#pragma once

#include <vector>

#include "stage/openings.h"

namespace mascing {

/// Replies of two kinds.
struct ReplyPair {
  std::vector<TokenSequence> wanted;
  std::vector<TokenSequence> unwanted;
};

/// `openings`, which tell the `unsteered` replies apart, made to tell the `steered` ones apart,
/// too. Taken away are those that more than a fifth of the steered replies beginning so (and at
/// least 3) belie: "I will" of "I will help" no longer tells once the mask brings about "I will
/// not". Added are the shortest beginnings (up to 6 tokens) that at least 3 steered replies share,
/// at least 95 % of them of one kind, and few unsteered replies of the other kind: of each kind the
/// 8 most frequent. They are at least twice as frequent as without a mask, or go on from one that
/// was taken away. Of two openings of a kind of which one begins with the other the shorter one
/// stays.
[[nodiscard]] Openings with_steered_openings(Openings openings,
                                             const ReplyPair& unsteered,
                                             const ReplyPair& steered);

}  // namespace mascing
