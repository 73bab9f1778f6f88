// Conversations are matched by set and messages, whatever their ids; equal ones in their order.
#include <map>
#include <string>

#include "mascing/run_comparison.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

using WantedByKey = std::map<std::string, bool>;

std::string pairing_key(const Transcript& transcript) {
  std::string key = transcript.metric;
  for (const Message& message : transcript.messages) {
    key += '\0' + message.role + '\0' + message.content;
  }
  return key;
}

/// metric -> conversation -> whether the steered reply was as wanted.
std::map<std::string, WantedByKey> steered_outcomes(const ComparedRun& run) {
  std::map<std::string, WantedByKey> outcomes;
  std::map<std::string, int64_t> n_equal;
  for (const Transcript& transcript : run.transcripts) {
    if (transcript.steered && transcript.steered->error.empty()) {
      const std::string key = pairing_key(transcript);
      const int64_t n = n_equal[key]++;
      outcomes[transcript.metric][key + '\0' + std::to_string(n)] = transcript.steered->is_wanted;
    }
  }
  return outcomes;
}

PairedDifference difference_of(const WantedByKey& first, const WantedByKey& other) {
  PairedDifference difference;
  for (const auto& [key, is_wanted] : other) {
    const auto found = first.find(key);
    if (found != first.end()) {
      ++difference.n;
      difference.gained += is_wanted && !found->second ? 1 : 0;
      difference.lost += !is_wanted && found->second ? 1 : 0;
    }
  }
  difference.p_value = mcnemar_exact(difference.gained, difference.lost);
  return difference;
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
  std::vector<double> p_values;
  p_values.reserve(differences.size());
  for (const PairedDifference& difference : differences) {
    p_values.push_back(difference.p_value);
  }
  const std::vector<double> adjusted = holm(p_values);
  for (size_t i = 0; i < differences.size(); ++i) {
    differences[i].p_holm = adjusted[i];
  }
  return differences;
}

}  // namespace mascing
