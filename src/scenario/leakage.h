// Checks that no split of a scenario contains near duplicates of another split's
// conversations.
#pragma once

#include <string>
#include <vector>

#include "mascing/warning.h"
#include "scenario/dataset.h"

namespace mascing {

/// What is compared: the user's messages.
[[nodiscard]] std::string user_text(const Conversation& row);

/// Below it no pair counts, whatever the topics.
inline constexpr double kNearDuplicate = 0.8;

/// Whether two conversations that are so similar are near duplicates: 0.8, or 0.9 if both topics
/// are given and differ.
[[nodiscard]] bool are_near_duplicates(const Conversation& a,
                                       const Conversation& b,
                                       double similarity);

/// Conversations in different splits, of the same or different sets, are near duplicates if the
/// word triples of their user messages have a Jaccard index of at least 0.8, or 0.9 if both topics
/// are given and differ, because such conversations may share a framing. Throws Error{kBadInput}
/// that lists the first pairs. If one of the sets allows near duplicates, the pairs give the
/// warning `near_duplicates_allowed` instead.
void check_leakage(const std::vector<LoadedSet>& sets, std::vector<Warning>& warnings);

}  // namespace mascing
