// What is wrong with the conversations of a scenario, or doubtful, before anything is asked.
#pragma once

#include <string>
#include <vector>

#include "mascing/warning.h"
#include "scenario/dataset.h"

namespace mascing {

/// Throws Error{kBadInput} if two splits share a conversation or, in the target set, a topic;
/// `shared_requests` where they share a final request on a topic.
void check_disjoint(const LoadedSet& set, std::vector<Warning>& warnings);
/// `scripts_not_played`: user messages in a row, a prompt that is rarely sent.
void check_turns(const LoadedSet& set, std::vector<Warning>& warnings);
/// `rows_unusable`, `empty_requests`: conversations that do not end with a request.
void check_usable(const LoadedSet& set, std::vector<Warning>& warnings);
/// `no_topics`: conversations of the target set that are divided each by itself.
void check_topics(const LoadedSet& set, std::vector<Warning>& warnings);
/// Throws Error{kBadInput} for conversations that must be both refused and answered.
void check_wanted(const std::vector<LoadedSet>& sets);
/// `sets_overlap`: conversations of another set that the target set has, too.
void check_overlap(const Dataset& data, std::vector<Warning>& warnings);

}  // namespace mascing
