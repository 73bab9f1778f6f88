// Loads and splits the data. A conversation or topic in two splits is an error, because the
// reported rates are only valid for disjoint splits.
#include "scenario/dataset.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/files.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/text.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "scenario/leakage.h"

namespace mascing {
namespace {

std::string all_text(const Conversation& row) {
  std::string text;
  for (const Message& message : row.messages) {
    text += message.role + '\x1f' + message.content + '\x1e';
  }
  return text;
}

/// A key that occurs in two splits, or empty. `key_of` returns the key that splits must not share;
/// empty keys are ignored.
template <typename KeyOf>
std::string shared_key(const LoadedSet& set, KeyOf key_of) {
  std::map<std::string, Split> seen;
  for (const Split split : kSplits) {
    for (const Conversation& row : set.rows(split)) {
      std::string key = key_of(row);
      const auto [at, is_new] = seen.try_emplace(key, split);
      if (!is_new && at->second != split && !key.empty()) {
        return key;
      }
    }
  }
  return {};
}

void check_disjoint(const LoadedSet& set, std::vector<Warning>& warnings) {
  const std::string& name = set.spec.metric;
  if (!shared_key(set, all_text).empty()) {
    throw Error(ErrorKind::kBadInput,
                "[dataset] set '" + name + "' has one conversation in two splits",
                "remove the duplicate; discovery, selection and test must be disjoint");
  }
  const std::string topic = shared_key(set, [](const Conversation& row) { return row.topic; });
  if (topic.empty()) {
    return;
  }
  if (set.spec.role == SetRole::kTarget) {
    throw Error(ErrorKind::kBadInput,
                "[dataset] set '" + name + "' has topic '" + topic + "' in two splits",
                "split the target set by topic, or omit the split key to do so automatically");
  }
  // In different topics, a request such as "How would one pick it?" has different meanings.
  const std::string shared = shared_key(set, [](const Conversation& row) {
    return row.topic + '\x1f' + row.messages.back().content;
  });
  if (!shared.empty()) {
    const std::string request = shared.substr(shared.find('\x1f') + 1);
    warnings.push_back(
        {"shared_requests",
         "set '" + name + "' has the same final request on the same topic in two splits: \"" +
             printable(request) + "\"",
         "its rates on the test split may be too optimistic; split it by topic or by request"});
  }
}

void require_script(const Conversation& row, const std::string& path) {
  if (has_reply(row)) {
    throw Error(ErrorKind::kBadInput,
                "[dataset] " + path + ": conversation '" + row.id +
                    "' has an assistant turn, but its set has `play = true`",
                "scripts must contain only user turns; remove the replies, or `play`");
  }
}

/// Two user messages in a row.
bool lacks_a_reply(const Conversation& row) {
  return std::adjacent_find(
             row.messages.begin(), row.messages.end(), [](const Message& a, const Message& b) {
               return a.role == "user" && b.role == "user";
             }) != row.messages.end();
}

/// Such prompts are rarely sent, so what is measured on them says little.
void check_turns(const LoadedSet& set, std::vector<Warning>& warnings) {
  int64_t n = 0;
  int64_t n_lacking = 0;
  int64_t n_recorded = 0;
  for (const auto& rows : set.splits) {
    n += std::ssize(rows);
    n_lacking += std::count_if(rows.begin(), rows.end(), lacks_a_reply);
    n_recorded += std::count_if(rows.begin(), rows.end(), has_reply);
  }
  if (set.spec.needs_rollout || n_lacking == 0) {
    return;
  }
  warnings.push_back(
      {"scripts_not_played",
       std::to_string(n_lacking) + " of the " + std::to_string(n) + " conversations of '" +
           set.spec.metric + "' have user messages without a reply between them",
       n_recorded == 0 ? "let the model write the replies: play = true in the [[set]]"
                       : "add the missing replies, or put scripts into a [[set]] of their own with "
                         "play = true, so that the model writes them"});
}

/// Conversations that must be both refused and answered.
struct Contradictions {
  std::map<std::string, std::pair<const LoadedSet*, std::string>> first = {};  ///< with its id
  int64_t n = 0;
  std::string example = {};

  void add(const LoadedSet& set, const Conversation& row) {
    const auto& [other, id] = first.try_emplace(all_text(row), &set, row.id).first->second;
    if (other->spec.wanted == set.spec.wanted) {
      return;
    }
    if (++n == 1) {
      example = "'" + printable(id) + "' of '" + other->spec.metric + "' and '" +
                printable(row.id) + "' of '" + set.spec.metric + "'";
    }
  }
};

void check_wanted(const std::vector<LoadedSet>& sets) {
  Contradictions found;
  for (const LoadedSet& set : sets) {
    for (size_t i = 0; i < set.splits.size() && set.spec.role != SetRole::kWatch; ++i) {
      for (const Conversation& row : set.splits[i]) {
        found.add(set, row);
      }
    }
  }
  if (found.n > 0) {
    throw Error(ErrorKind::kBadInput,
                "[dataset] " + std::to_string(found.n) +
                    (found.n == 1 ? " conversation must" : " conversations must") +
                    " be refused in one set and answered in another: " + found.example +
                    (found.n > 1 ? ", ..." : ""),
                "no mask can do both: remove them from one of the sets");
  }
}

LoadedSet load_set(const ScenarioSet& spec, uint64_t seed, SplitNeeds needs, Sha256& digest) {
  LoadedSet set;
  set.spec = spec;
  std::set<std::string> ids;
  for (const std::string& path : spec.data) {
    digest.update(sha256_file(path));
    for (Conversation& row : read_conversations(path)) {
      if (!ids.insert(row.id).second) {
        throw Error(ErrorKind::kBadInput,
                    "[dataset] set '" + spec.metric + "' has id '" + row.id + "' twice",
                    "ids must be unique within a set; check whether a file is listed twice");
      }
      if (spec.needs_rollout) {
        require_script(row, path);
      }
      const Split split = split_of(row, seed);
      set.splits[static_cast<size_t>(split)].push_back(std::move(row));
    }
  }
  for (const Split split : kSplits) {
    const bool is_needed = needs == SplitNeeds::kAll || split == Split::kTest;
    if (is_needed && set.rows(split).empty()) {
      throw Error(ErrorKind::kInsufficient,
                  "[dataset] set '" + spec.metric + "' has no conversation in its " +
                      to_string(split) + " split",
                  "add conversations (more topics), or check the 'split' keys");
    }
  }
  return set;
}

}  // namespace

const char* to_string(Split split) {
  switch (split) {
    case Split::kDiscovery:
      return "discovery";
    case Split::kSelection:
      return "selection";
    default:
      return "test";
  }
}

Split calibration_split(const Dataset& data) {
  const bool has_discovery =
      std::any_of(data.sets.begin(), data.sets.end(), [](const LoadedSet& set) {
        return !set.rows(Split::kDiscovery).empty();
      });
  return has_discovery ? Split::kDiscovery : Split::kTest;
}

Split split_of(const Conversation& row, uint64_t seed) {
  for (const Split split : kSplits) {
    if (row.split == to_string(split)) {
      return split;
    }
  }
  if (!row.split.empty()) {
    throw Error(ErrorKind::kBadInput,
                "[dataset] conversation '" + row.id + "' has split '" + row.split +
                    "', expected discovery, selection or test",
                "omit the key to split the rows by topic");
  }
  const uint64_t part = mix_seed(sha256_bits(row.topic.empty() ? row.id : row.topic), seed) % 10;
  return part < 5 ? Split::kDiscovery : part < 7 ? Split::kSelection : Split::kTest;
}

std::string LoadedSet::hash_of(const Conversation& row) const {
  const auto script = scripts.find(row.id);
  return script == scripts.end() ? conversation_hash(row) : script->second;
}

const LoadedSet& Dataset::target() const {
  return *std::find_if(sets.begin(), sets.end(), [](const LoadedSet& set) {
    return set.spec.role == SetRole::kTarget;
  });
}

Dataset load_dataset(const Scenario& scenario, uint64_t seed, SplitNeeds needs) {
  Dataset data;
  Sha256 digest;
  for (const ScenarioSet& spec : scenario.sets) {
    data.sets.push_back(load_set(spec, seed, needs, digest));
    check_disjoint(data.sets.back(), data.warnings);
    check_turns(data.sets.back(), data.warnings);
  }
  check_wanted(data.sets);
  check_leakage(data.sets, data.warnings);
  if (!scenario.general.text.empty()) {
    data.text = read_text_file(scenario.general.text);
    if (trim(data.text).empty()) {
      throw Error(ErrorKind::kInsufficient,
                  "[dataset] " + printable(scenario.general.text, 200) +
                      " is empty, so no perplexity could be measured",
                  "put some pages of prose into it, or omit `text` under [general]");
    }
    digest.update(sha256_hex(data.text));
  }
  if (!scenario.general.multiple_choice.empty()) {
    data.choices = read_choices(scenario.general.multiple_choice);
    digest.update(sha256_file(scenario.general.multiple_choice));
  }
  data.hash = digest.hex();
  return data;
}

}  // namespace mascing
