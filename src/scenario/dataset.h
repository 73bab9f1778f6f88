// The conversations of a scenario, split into discovery, selection and test, with a check that the
// three are disjoint.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/scenario.h"
#include "mascing/warning.h"

namespace mascing {

enum class Split { kDiscovery = 0, kSelection = 1, kTest = 2 };
inline constexpr std::array<Split, 3> kSplits = {
    Split::kDiscovery, Split::kSelection, Split::kTest};
[[nodiscard]] const char* to_string(Split split);

struct LoadedSet {
  ScenarioSet spec;
  std::array<std::vector<Conversation>, 3> splits;  ///< indexed by Split
  [[nodiscard]] const std::vector<Conversation>& rows(Split split) const {
    return splits[static_cast<size_t>(split)];
  }
};

struct Dataset {
  std::vector<LoadedSet> sets;  ///< in the scenario's order
  std::string text;             ///< general text; empty = none
  std::vector<ChoiceQuestion> choices;
  std::string hash;  ///< SHA-256 of all files read
  std::vector<Warning> warnings;
  std::vector<Skipped> skipped;           ///< scripts that could not be rolled out
  std::map<std::string, int64_t> labels;  ///< "played.dsr.label_1", ...: outcomes of scripts

  [[nodiscard]] const LoadedSet& target() const;
};

/// conversation_hash of a split's conversations, in their order.
[[nodiscard]] std::vector<std::string> hashes_of(const LoadedSet& set, Split split);

/// The conversations of the target set, in any split: their texts, and the scripts that they were
/// played from.
class TargetRows {
 public:
  explicit TargetRows(const Dataset& data);
  /// How many conversations of another set's split are among them; 0 for the target set itself.
  [[nodiscard]] int64_t count_in(const LoadedSet& set, Split split) const;

 private:
  std::set<std::string> texts_;
};

/// Splits that no set may lack. An existing mask is evaluated on the test split alone.
enum class SplitNeeds { kAll, kTest };

/// Where the unsteered model shows what coherent replies are like: the discovery split, or the test
/// split if no set has a discovery split.
[[nodiscard]] Split calibration_split(const Dataset& data);

/// The split of a row: its own, or by a hash of topic (or id) and seed. Throws Error{kBadInput}
/// for an unknown word.
[[nodiscard]] Split split_of(const Conversation& row, uint64_t seed);

/// Reads all files of a scenario. Rows without a split are assigned by a hash of their topic (or of
/// their id without a topic): half discovery, a fifth selection, the rest test. Throws
/// Error{kBadInput} if two splits of a set share a conversation, two splits of the target set share
/// a topic, splits of any sets share near duplicates (leakage.h), or a script has a reply;
/// Error{kInsufficient} if a split that is needed has no row in a set.
[[nodiscard]] Dataset load_dataset(const Scenario& scenario,
                                   uint64_t seed,
                                   SplitNeeds needs = SplitNeeds::kAll);

}  // namespace mascing
