#include "scenario/set_checks.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "base/metric_names.h"
#include "base/text.h"
#include "base/topic_or_own.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kLeastTopics = 6;  // of which all must agree for p < 0.05

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

/// "'a' and 'b'": the first two conversations of this text.
std::string ids_of(const LoadedSet& set, const std::string& text) {
  std::vector<std::string> ids;
  for (const auto& rows : set.splits) {
    for (const Conversation& row : rows) {
      if (messages_text(row.messages) == text) {
        ids.push_back("'" + printable(row.id) + "'");
      }
    }
  }
  return ids.at(0) + " and " + ids.at(1);
}

/// Two user messages in a row.
bool lacks_a_reply(const Conversation& row) {
  return std::adjacent_find(
             row.messages.begin(), row.messages.end(), [](const Message& a, const Message& b) {
               return a.role == "user" && b.role == "user";
             }) != row.messages.end();
}

bool ends_with_request(const Conversation& row) {
  return !row.messages.empty() && row.messages.back().role == "user";
}

bool is_empty_request(const Conversation& row) {
  return ends_with_request(row) && trim(row.messages.back().content).empty();
}

/// "3 of the 120 conversations of 'dsr'", and an example behind them; empty if there is none.
std::string rows_that(const LoadedSet& set, bool (*is_one)(const Conversation&)) {
  int64_t n = 0;
  int64_t n_found = 0;
  std::string example;
  for (const auto& rows : set.splits) {
    for (const Conversation& row : rows) {
      ++n;
      if (is_one(row) && n_found++ == 0) {
        example = " ('" + printable(row.id) + "'";
      }
    }
  }
  return n_found == 0
             ? ""
             : std::to_string(n_found) + " of the " + std::to_string(n) + " conversations of '" +
                   set.spec.metric + "'" + example + (n_found > 1 ? ", ...)" : ")");
}

/// Conversations that must be both refused and answered.
struct Contradictions {
  std::map<std::string, std::pair<const LoadedSet*, std::string>> first = {};  ///< with its id
  int64_t n = 0;
  std::string example = {};

  void add(const LoadedSet& set, const Conversation& row) {
    const auto& [other, id] =
        first.try_emplace(messages_text(row.messages), &set, row.id).first->second;
    if (other->spec.wanted == set.spec.wanted) {
      return;
    }
    if (++n == 1) {
      example = "'" + printable(id) + "' of '" + other->spec.metric + "' and '" +
                printable(row.id) + "' of '" + set.spec.metric + "'";
    }
  }
};

/// Topics of the test split; a conversation without one is a topic of its own.
int64_t count_test_topics(const LoadedSet& set) {
  std::set<std::string> topics;
  for (const Conversation& row : set.rows(Split::kTest)) {
    topics.insert(topic_or_own(row.topic, row.id));
  }
  return std::ssize(topics);
}

}  // namespace

void check_disjoint(const LoadedSet& set, std::vector<Warning>& warnings) {
  const std::string& name = set.spec.metric;
  const std::string twice =
      shared_key(set, [](const Conversation& row) { return messages_text(row.messages); });
  if (!twice.empty()) {
    throw Error(
        ErrorKind::kBadInput,
        "[dataset] set '" + name + "' has one conversation in two splits: " + ids_of(set, twice),
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

void check_usable(const LoadedSet& set, std::vector<Warning>& warnings) {
  const std::string unusable =
      rows_that(set, [](const Conversation& row) { return !ends_with_request(row); });
  if (!unusable.empty()) {
    warnings.push_back({"rows_unusable",
                        unusable + " do not end with a user message and are skipped",
                        "remove or repair them; mascing import moves a last reply out of the way"});
  }
  const std::string empty = rows_that(set, is_empty_request);
  if (!empty.empty()) {
    warnings.push_back({"empty_requests",
                        empty + " end with an empty message and are asked all the same",
                        "remove them: what the model says to nothing tells nothing"});
  }
}

void check_topics(const LoadedSet& set, std::vector<Warning>& warnings) {
  if (set.spec.role != SetRole::kTarget) {
    return;
  }
  const int64_t n_topic = count_test_topics(set);
  if (n_topic < std::min(kLeastTopics, std::ssize(set.rows(Split::kTest)))) {
    warnings.push_back(
        {"few_topics",
         "the test split of '" + set.spec.metric + "' has only " + std::to_string(n_topic) +
             (n_topic == 1 ? " topic" : " topics"),
         "use at least " + std::to_string(kLeastTopics) +
             ": with fewer, no test can show that the effect holds beyond these subjects"});
  }
  int64_t n = 0;
  int64_t n_without = 0;
  for (const auto& rows : set.splits) {
    n += std::ssize(rows);
    n_without += std::count_if(rows.begin(), rows.end(), [](const Conversation& row) {
      return row.topic.empty() && row.split.empty();
    });
  }
  if (n_without > 0) {
    warnings.push_back(
        {"no_topics",
         std::to_string(n_without) + " of the " + std::to_string(n) + " conversations of '" +
             set.spec.metric +
             "' name neither topic nor split, so that one subject may be in all "
             "splits",
         "give rows a \"topic\"; rates on the test split may be too good otherwise"});
  }
}

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

void check_overlap(const Dataset& data, std::vector<Warning>& warnings) {
  const std::string& target = data.target().spec.metric;
  const TargetRows target_rows(data);
  for (const LoadedSet& set : data.sets) {
    int64_t n = 0;
    int64_t n_shared = 0;
    for (const Split split : kSplits) {
      n += std::ssize(set.rows(split));
      n_shared += target_rows.count_in(set, split);
    }
    if (n_shared > 0 && set.spec.role != SetRole::kWatch) {
      warnings.push_back({"sets_overlap",
                          std::to_string(n_shared) + " of the " + std::to_string(n) +
                              " conversations of '" + set.spec.metric +
                              "' are in the target set '" + target + "', too",
                          "a set protects what the target does not contain; use other "
                          "conversations"});
    }
  }
}

}  // namespace mascing
