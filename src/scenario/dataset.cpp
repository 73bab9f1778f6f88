// Loads and splits the data. A conversation or topic in two splits is an error, because the
// reported rates are only valid for disjoint splits.
#include "scenario/dataset.h"

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/text.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "scenario/leakage.h"
#include "scenario/set_checks.h"

namespace mascing {
namespace {

void require_script(const Conversation& row, const std::string& path) {
  if (has_reply(row)) {
    throw Error(ErrorKind::kBadInput,
                "[dataset] " + path + ": conversation '" + row.id +
                    "' has an assistant turn, but its set has `play = true`",
                "scripts must contain only user turns; remove the replies, or `play`");
  }
}

/// Repeats of a conversation within a split, which are no further evidence.
void drop_repeats(LoadedSet& set, std::vector<Warning>& warnings) {
  int64_t n = 0;
  int64_t n_dropped = 0;
  for (std::vector<Conversation>& rows : set.splits) {
    n += std::ssize(rows);
    std::set<std::string> known;
    n_dropped += static_cast<int64_t>(std::erase_if(rows, [&](const Conversation& row) {
      return !known.insert(messages_text(row.messages)).second;
    }));
  }
  if (n_dropped > 0) {
    warnings.push_back({"repeated_conversations",
                        std::to_string(n_dropped) + " of the " + std::to_string(n) +
                            " conversations of '" + set.spec.metric +
                            "' repeat another one of their split and are left out",
                        "remove them; a conversation counts once, whatever its id"});
  }
}

LoadedSet load_set(const ScenarioSet& spec,
                   uint64_t seed,
                   SplitNeeds needs,
                   Sha256& digest,
                   std::vector<Warning>& warnings) {
  LoadedSet set;
  set.spec = spec;
  std::set<std::string> ids;
  for (const std::string& path : spec.data) {
    digest.update(sha256_file(path));
    for (Conversation& row : read_conversations(path, &warnings)) {
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

std::vector<std::string> hashes_of(const LoadedSet& set, Split split) {
  const std::vector<Conversation>& rows = set.rows(split);
  std::vector<std::string> hashes(rows.size());
  std::transform(rows.begin(), rows.end(), hashes.begin(), conversation_hash);
  return hashes;
}

TargetRows::TargetRows(const Dataset& data) {
  for (const auto& rows : data.target().splits) {
    for (const Conversation& row : rows) {
      texts_.insert(messages_text(row.messages));
      texts_.insert(row.script);
    }
  }
}

int64_t TargetRows::count_in(const LoadedSet& set, Split split) const {
  if (set.spec.role == SetRole::kTarget) {
    return 0;
  }
  const std::vector<Conversation>& rows = set.rows(split);
  return std::count_if(rows.begin(), rows.end(), [&](const Conversation& row) {
    return texts_.contains(messages_text(row.messages)) ||
           (!row.script.empty() && texts_.contains(row.script));
  });
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
    LoadedSet& set = data.sets.emplace_back(load_set(spec, seed, needs, digest, data.warnings));
    drop_repeats(set, data.warnings);
    check_disjoint(set, data.warnings);
    check_turns(set, data.warnings);
    check_usable(set, data.warnings);
    check_topics(set, data.warnings);
  }
  check_wanted(data.sets);
  check_overlap(data, data.warnings);
  check_leakage(data.sets, data.warnings);
  if (!scenario.general.text.empty()) {
    data.text = read_text_file(scenario.general.text);
    if (trim(data.text).empty()) {
      throw Error(ErrorKind::kInsufficient,
                  "[dataset] " + printable(scenario.general.text, 200) +
                      " is empty, so no perplexity could be measured",
                  "put some pages of prose into it, or omit `text` under [general]");
    }
    if (!is_valid_utf8(data.text)) {
      throw Error(ErrorKind::kBadInput,
                  "[dataset] " + printable(scenario.general.text, 200) + " is not UTF-8",
                  "convert it: iconv -f latin1 -t utf-8");
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
