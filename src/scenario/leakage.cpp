// One exact similarity join over the user messages of all sets (base/similar_text).
#include "scenario/leakage.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/similar_text.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr double kSimilarAcrossTopics = 0.9;
constexpr size_t kShownPairs = 3;

/// A conversation with its set and split.
struct Origin {
  const LoadedSet* set = nullptr;
  Split split = Split::kDiscovery;
  const Conversation* row = nullptr;
};

std::string describe(const Origin& place) {
  return "'" + printable(place.row->id) + "' (" + place.set->spec.metric + ", " +
         to_string(place.split) + ")";
}

std::string describe(const std::vector<std::string>& pairs) {
  std::string text = std::to_string(pairs.size()) + (pairs.size() == 1 ? " pair of" : " pairs of") +
                     " near duplicates across splits: ";
  for (size_t i = 0; i < std::min(pairs.size(), kShownPairs); ++i) {
    text += (i == 0 ? "" : "; ") + pairs[i];
  }
  return text + (pairs.size() > kShownPairs ? "; ..." : "");
}

}  // namespace

std::string user_text(const Conversation& row) {
  std::string text;
  for (const Message& message : row.messages) {
    if (message.role == "user") {
      text += message.content + '\n';
    }
  }
  return text;
}

bool are_near_duplicates(const Conversation& a, const Conversation& b, double similarity) {
  const bool are_apart = !a.topic.empty() && !b.topic.empty() && a.topic != b.topic;
  return similarity >= (are_apart ? kSimilarAcrossTopics : kNearDuplicate);
}

void check_leakage(const std::vector<LoadedSet>& sets, std::vector<Warning>& warnings) {
  std::vector<Origin> places;
  std::vector<std::string> texts;
  std::vector<int64_t> groups;
  std::vector<int64_t> kinds;  // what decides beside the text
  std::map<std::pair<std::string, bool>, int64_t> known_kinds;
  for (const LoadedSet& set : sets) {
    for (const Split split : kSplits) {
      for (const Conversation& row : set.rows(split)) {
        places.push_back({&set, split, &row});
        texts.push_back(user_text(row));
        groups.push_back(static_cast<int64_t>(split));
        const auto [kind, is_new] = known_kinds.try_emplace(
            {row.topic, set.spec.allow_near_duplicates}, std::ssize(known_kinds));
        kinds.push_back(kind->second);
      }
    }
  }
  std::vector<std::string> refused;
  std::vector<std::string> allowed;
  for (const SimilarPair& pair : find_similar(texts, groups, kinds, kNearDuplicate)) {
    const Origin& a = places[pair.i];
    const Origin& b = places[pair.j];
    if (are_near_duplicates(*a.row, *b.row, pair.similarity)) {
      const bool is_allowed =
          a.set->spec.allow_near_duplicates || b.set->spec.allow_near_duplicates;
      (is_allowed ? allowed : refused)
          .push_back(describe(a) + " and " + describe(b) + ", " +
                     format_number(pair.similarity, 2) + " alike");
    }
  }
  if (!refused.empty()) {
    throw Error(
        ErrorKind::kBadInput,
        "[dataset] " + describe(refused),
        "test data must not repeat training data; remove one of each pair, put both in the same "
        "split, or set allow = [\"near_duplicates\"] in their [[set]]");
  }
  if (!allowed.empty()) {
    warnings.push_back(
        {"near_duplicates_allowed",
         describe(allowed),
         "rates on the test split may be too optimistic; remove the duplicates or accept this"});
  }
}

}  // namespace mascing
