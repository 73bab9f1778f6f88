// Loading and dividing; a conversation or topic on two sides of a division is refused, because
// every rate that is reported rests on the sides being disjoint.
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
                "leave the key out to have the rows divided by topic");
  }
  const uint64_t part = mix_seed(sha256_bits(row.topic.empty() ? row.id : row.topic), seed) % 10;
  return part < 5 ? Split::kDiscovery : part < 7 ? Split::kSelection : Split::kTest;
}

std::string all_text(const Conversation& row) {
  std::string text;
  for (const Message& message : row.messages) {
    text += message.role + '\x1f' + message.content + '\x1e';
  }
  return text;
}

/// A text that stands in two splits, or empty. `key_of` gives what must not be shared; empty keys
/// do not count.
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
                "discovery, selection and test must be disjoint: remove the duplicate");
  }
  const std::string topic = shared_key(set, [](const Conversation& row) { return row.topic; });
  if (topic.empty()) {
    return;
  }
  if (set.spec.role == SetRole::kTarget) {
    throw Error(ErrorKind::kBadInput,
                "[dataset] set '" + name + "' has topic '" + topic + "' in two splits",
                "divide the target set by topic, or leave the split key out to have it done");
  }
  // Of different topics a request such as "How would one pick it?" asks for different things.
  const std::string shared = shared_key(set, [](const Conversation& row) {
    return row.topic + '\x1f' + row.messages.back().content;
  });
  if (!shared.empty()) {
    const std::string request = shared.substr(shared.find('\x1f') + 1);
    warnings.push_back(
        {"shared_requests",
         "set '" + name + "' has one final request on one topic in two splits: \"" +
             printable(request) + "\"",
         "its rates on the test split may flatter: divide it by topic or by request"});
  }
}

void require_script(const Conversation& row, const std::string& path) {
  for (const Message& message : row.messages) {
    if (message.role == "assistant") {
      throw Error(ErrorKind::kBadInput,
                  "[dataset] " + path + ": conversation '" + row.id +
                      "' has an assistant turn, but its set has `play = true`",
                  "a script holds the user's turns only: remove the replies, or `play`");
    }
  }
}

LoadedSet load_set(const ScenarioSet& spec, uint64_t seed, Sha256& digest) {
  LoadedSet set;
  set.spec = spec;
  std::set<std::string> ids;
  for (const std::string& path : spec.data) {
    digest.update(sha256_file(path));
    for (Conversation& row : read_conversations(path)) {
      if (!ids.insert(row.id).second) {
        throw Error(ErrorKind::kBadInput,
                    "[dataset] set '" + spec.metric + "' has id '" + row.id + "' twice",
                    "ids must be unique within a set: is a file named twice?");
      }
      if (spec.needs_rollout) {
        require_script(row, path);
      }
      const Split split = split_of(row, seed);
      set.splits[static_cast<size_t>(split)].push_back(std::move(row));
    }
  }
  for (const Split split : kSplits) {
    if (set.rows(split).empty()) {
      throw Error(ErrorKind::kInsufficient,
                  "[dataset] set '" + spec.metric + "' has no conversation in its " +
                      to_string(split) + " split",
                  "give more conversations (more topics), or check the 'split' keys");
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

const LoadedSet& Dataset::target() const {
  return *std::find_if(sets.begin(), sets.end(), [](const LoadedSet& set) {
    return set.spec.role == SetRole::kTarget;
  });
}

Dataset load_dataset(const Scenario& scenario, uint64_t seed) {
  Dataset data;
  Sha256 digest;
  for (const ScenarioSet& spec : scenario.sets) {
    data.sets.push_back(load_set(spec, seed, digest));
    check_disjoint(data.sets.back(), data.warnings);
  }
  check_leakage(data.sets, data.warnings);
  if (!scenario.general.text.empty()) {
    data.text = read_text_file(scenario.general.text);
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
