// Conversations are matched by set and messages, whatever their ids; equal ones in their order.
#include <map>
#include <string>

#include "base/topic_or_own.h"
#include "mascing/run_comparison.h"
#include "stage/statistics.h"
#include "stage/topic_changes.h"

namespace mascing {
namespace {

struct SteeredOutcome {
  bool is_wanted = false;
  std::string topic;
  std::string id;
};

using OutcomeByKey = std::map<std::string, SteeredOutcome>;

std::string pairing_key(const Transcript& transcript) {
  std::string key = transcript.metric;
  for (const Message& message : transcript.messages) {
    key += '\0' + message.role + '\0' + message.content;
  }
  return key;
}

/// metric -> conversation -> outcome under the mask.
std::map<std::string, OutcomeByKey> steered_outcomes(const ComparedRun& run) {
  std::map<std::string, OutcomeByKey> outcomes;
  std::map<std::string, int64_t> n_equal;
  for (const Transcript& transcript : run.transcripts) {
    if (transcript.steered && transcript.steered->error.empty()) {
      const std::string key = pairing_key(transcript);
      const int64_t n = n_equal[key]++;
      outcomes[transcript.metric][key + '\0' + std::to_string(n)] = {
          transcript.steered->is_wanted, transcript.topic, transcript.id};
    }
  }
  return outcomes;
}

PairedDifference difference_of(const OutcomeByKey& first, const OutcomeByKey& other) {
  PairedDifference difference;
  TopicChanges topics;
  for (const auto& [key, outcome] : other) {
    const auto found = first.find(key);
    if (found != first.end()) {
      const int change = (outcome.is_wanted ? 1 : 0) - (found->second.is_wanted ? 1 : 0);
      ++difference.n;
      difference.gained += change > 0 ? 1 : 0;
      difference.lost += change < 0 ? 1 : 0;
      const std::string& topic = outcome.topic.empty() ? found->second.topic : outcome.topic;
      topics.add(topic_or_own(topic, outcome.id), change);
    }
  }
  difference.p_value = mcnemar_exact(difference.gained, difference.lost);
  difference.topics = topics.result();
  return difference;
}

void correct_for_many(std::vector<PairedDifference>& differences) {
  HolmFamily over_conversations;
  HolmFamily over_topics;
  for (PairedDifference& difference : differences) {
    over_conversations.add(difference.p_value, difference.p_holm);
    if (difference.topics) {
      over_topics.add(difference.topics->p_value, difference.topics->p_holm);
    }
  }
  over_conversations.adjust();
  over_topics.adjust();
}

}  // namespace

std::vector<PairedDifference> paired_differences(const std::vector<ComparedRun>& runs) {
  std::vector<PairedDifference> differences;
  if (runs.empty()) {
    return differences;
  }
  const auto first = steered_outcomes(runs.front());
  for (size_t i_run = 1; i_run < runs.size(); ++i_run) {
    for (const auto& [metric, outcomes] : steered_outcomes(runs[i_run])) {
      const auto found = first.find(metric);
      if (found == first.end()) {
        continue;
      }
      PairedDifference difference = difference_of(found->second, outcomes);
      difference.i_run = i_run;
      difference.metric = metric;
      if (difference.n > 0) {
        differences.push_back(difference);
      }
    }
  }
  correct_for_many(differences);
  return differences;
}

}  // namespace mascing
