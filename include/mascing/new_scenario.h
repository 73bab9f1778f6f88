// What `mascing init` begins with: splits for freshly imported conversations, and the text of a
// scenario with comments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/scenario.h"
#include "mascing/template_options.h"

namespace mascing {

enum class ScenarioTemplate { kDefend, kPermit, kPaperDefend, kPaperPermit };

/// "defend", "permit", "paper-defend", "paper-permit".
[[nodiscard]] const char* to_string(ScenarioTemplate which);
/// Empty for any other word.
[[nodiscard]] std::optional<ScenarioTemplate> parse_scenario_template(const std::string& word);
/// The target's wanted outcome: refused for the two defend templates, answered otherwise.
[[nodiscard]] Wanted wanted_of(ScenarioTemplate which);
/// True for the paper's recipe.
[[nodiscard]] bool is_paper(ScenarioTemplate which);

struct SplitReport {
  int64_t n_group = 0;    ///< groups of rows that stay together
  int64_t n_tied = 0;     ///< rows in a group only because of a near duplicate
  int64_t n_largest = 0;  ///< rows of the largest group
};

/// Gives every row of all sets a split: half discovery, a fifth selection, the rest test. Rows of
/// one topic of a set stay together, and so do near duplicates of any sets, as load_dataset()
/// demands. A row that has a split keeps it, and its group goes there. Depends on topics, texts and
/// seed only. A group goes where its sets lack rows most, so that small sets get all three splits
/// where they can.
SplitReport assign_splits(std::vector<std::vector<Conversation>>& sets, uint64_t seed);

/// At most `n` rows, whole topics in a random order that depends on the seed; all if `n` is 0. The
/// order of those taken is kept.
[[nodiscard]] std::vector<Conversation> take_topics(std::vector<Conversation> rows,
                                                    int64_t n,
                                                    uint64_t seed);

/// One [[set]] of a new scenario.
struct NewSet {
  std::string metric = {};
  SetRole role = SetRole::kTarget;
  std::vector<std::string> data = {};  ///< as they are to stand in the file
  bool needs_rollout = false;
  std::string source = {};  ///< for the comment: where the conversations come from
};

struct NewScenario {
  ScenarioTemplate which = ScenarioTemplate::kDefend;
  std::string name = {};
  std::vector<NewSet> sets = {};     ///< the target first
  std::string guard = {};            ///< GGUF of a guard model as a judge; empty = none
  std::string text = {};             ///< general text; empty = none
  std::string multiple_choice = {};  ///< empty = none
  TemplateOptions chat_template = {};
  bool always_reasons = false;  ///< the model reasons and cannot be told not to
};

/// Strict TOML with comments, as read_scenario() takes it. Throws Error{kUsage} if a scenario that
/// permits has no hold set, or there is no target set.
[[nodiscard]] std::string scenario_text(const NewScenario& scenario);

}  // namespace mascing
