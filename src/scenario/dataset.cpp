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
  for (const Message& message : row.messages) {
    if (message.role == "assistant") {
      throw Error(ErrorKind::kBadInput,
                  "[dataset] " + path + ": conversation '" + row.id +
                      "' has an assistant turn, but its set has `play = true`",
                  "scripts must contain only user turns; remove the replies, or `play`");
    }
  }
}

/// Two user messages in a row: a script whose replies are missing.
bool is_script(const Conversation& row) {
  return std::adjacent_find(
             row.messages.begin(), row.messages.end(), [](const Message& a, const Message& b) {
               return a.role == "user" && b.role == "user";
             }) != row.messages.end();
}

/// Nobody sends such prompts, so what is measured on them says nothing.
void check_turns(const LoadedSet& set, std::vector<Warning>& warnings) {
  int64_t n = 0;
  int64_t n_script = 0;
  for (const auto& rows : set.splits) {
    n += std::ssize(rows);
    n_script += std::count_if(rows.begin(), rows.end(), is_script);
  }
  if (set.spec.needs_rollout || n_script == 0) {
    return;
  }
  warnings.push_back({"scripts_not_played",
                      std::to_string(n_script) + " of the " + std::to_string(n) +
                          " conversations of '" + set.spec.metric +
                          "' have user messages without a reply between them, prompts that nobody "
                          "sends",
                      "let the model write the replies: play = true in the [[set]]"});
}

/// A conversation that must be both refused and answered.
void check_wanted(const std::vector<LoadedSet>& sets) {
  std::map<std::string, const LoadedSet*> first;
  std::map<std::pair<std::string, std::string>, int64_t> counts;
  for (const LoadedSet& set : sets) {
    for (const auto& rows : set.splits) {
      for (const Conversation& row : rows) {
        const auto [at, is_new] = first.try_emplace(all_text(row), &set);
        const ScenarioSet& other = at->second->spec;
        const bool is_watched = set.spec.role == SetRole::kWatch || other.role == SetRole::kWatch;
        if (!is_watched && other.wanted != set.spec.wanted) {
          ++counts[{other.metric, set.spec.metric}];
        }
      }
    }
  }
  if (!counts.empty()) {
    const auto& [names, n] = *counts.begin();
    throw Error(ErrorKind::kBadInput,
                "[dataset] " + std::to_string(n) + (n == 1 ? " conversation" : " conversations") +
                    " of '" + names.first + "' and of '" + names.second +
                    "' are the same, but one set wants a refusal and the other an answer",
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
