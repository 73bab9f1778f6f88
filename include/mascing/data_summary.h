// What a scenario's conversations can show before a model is loaded: counts by split and label, and
// the smallest change that the test split can prove.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/power_result.h"
#include "mascing/scenario.h"
#include "mascing/warning.h"

namespace mascing {

/// Conversations by split, and those with a label by split and label.
struct SplitCounts {
  std::map<std::string, int64_t> n;        ///< "discovery", "selection", "test"
  std::map<std::string, int64_t> n_label;  ///< "discovery.label_0", ...; absent = none

  void add(const std::string& split, const Conversation& row);
};

/// One set of a scenario. The drops are 0 for sets without a limit.
struct SetSummary {
  std::string metric;
  std::string role;  ///< "target", "hold", "keep", "benign" or "watch"
  SplitCounts counts;
  double max_drop = 0.0;      ///< the scenario's limit
  double allowed_drop = 0.0;  ///< the same on its test split, where one conversation may be chance
  double unseen_drop = 0.0;   ///< largest true drop (95 %) of which the test split may show nothing
};

struct DataSummary {
  std::vector<SetSummary> sets;   ///< in the scenario's order
  PowerResult power;              ///< of the target set, as if every conversation were to be fixed
  std::vector<Warning> warnings;  ///< shared requests, near duplicates, small sets
};

/// The split that a run with this seed puts a conversation in: its own, or by a hash of its topic.
/// Throws Error{kBadInput} for an unknown split.
[[nodiscard]] std::string split_name(const Conversation& row, uint64_t seed);

/// Reads and checks the data of a scenario as a run does. Throws like one.
[[nodiscard]] DataSummary summarise_data(const Scenario& scenario, uint64_t seed);

/// What a test split of so many conversations of the target set can show, as if every one were to
/// be fixed.
[[nodiscard]] PowerResult power_of_split(int64_t n_test);

/// In a sentence without a full stop: what the test split can show.
[[nodiscard]] std::string power_words(const PowerResult& power);

}  // namespace mascing
