// Checks that no split of a scenario contains near duplicates of another split's
// conversations.
#pragma once

#include <vector>

#include "mascing/warning.h"
#include "scenario/dataset.h"

namespace mascing {

/// Conversations in different splits, of the same or different sets, are near duplicates if the
/// word triples of their user messages have a Jaccard index of at least 0.8, or 0.9 if both topics
/// are given and differ, because such conversations may share a framing. Throws Error{kBadInput}
/// that lists the first pairs. If one of the sets allows near duplicates, the pairs give the
/// warning `near_duplicates_allowed` instead.
void check_leakage(const std::vector<LoadedSet>& sets, std::vector<Warning>& warnings);

}  // namespace mascing
