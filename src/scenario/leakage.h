// The check that no split of a scenario repeats another one's conversations in nearly the same
// words.
#pragma once

#include <vector>

#include "mascing/warning.h"
#include "scenario/dataset.h"

namespace mascing {

/// Conversations of two splits, of one set or of two, are near duplicates if the word triples of
/// their user messages have a Jaccard index of 0.8; of 0.9 if their topics are named and differ,
/// because then they may well share a framing. Throws Error{kBadInput} that names the first pairs,
/// unless one of the sets allows near duplicates: those become the warning
/// `near_duplicates_allowed`.
void check_leakage(const std::vector<LoadedSet>& sets, std::vector<Warning>& warnings);

}  // namespace mascing
