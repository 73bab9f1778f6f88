// Rank statistics of what is known without the model.
#include "stage/confound.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "base/text.h"
#include "stage/statistics.h"

namespace mascing {
namespace {

constexpr double kTellsApart = 0.8;

double draw_topic_auc(const std::vector<std::string>& topics,
                      const std::vector<int>& labels,
                      Rng& rng) {
  const size_t n = labels.size();
  std::vector<int64_t> half(n);
  for (int64_t& side : half) {
    side = rng.below(2);
  }
  const double overall =
      ratio_or_zero(std::count(labels.begin(), labels.end(), 1), std::ssize(labels));
  std::map<std::pair<std::string, int64_t>, std::pair<double, double>> seen;  // hits, number
  for (size_t i = 0; i < n; ++i) {
    auto& [hits, count] = seen[{topics[i], half[i]}];
    hits += labels[i];
    count += 1.0;
  }
  std::vector<double> scores(n);
  for (size_t i = 0; i < n; ++i) {
    const auto& [hits, count] = seen[{topics[i], 1 - half[i]}];
    scores[i] = (hits + overall) / (count + 1.0);
  }
  return rank_auc(scores, labels);
}

}  // namespace

double confound_auc(const std::vector<double>& values, const std::vector<int>& labels) {
  const double auc = rank_auc(values, labels);
  return std::max(auc, 1.0 - auc);
}

double topic_auc(const std::vector<std::string>& topics,
                 const std::vector<int>& labels,
                 uint64_t seed,
                 int64_t n_draw) {
  Rng rng(seed);
  double sum = 0.0;
  for (int64_t k = 0; k < n_draw; ++k) {
    sum += draw_topic_auc(topics, labels, rng);
  }
  return sum / to_double(n_draw);
}

std::vector<Warning> confound_warnings(const ConfoundResult& confounds) {
  std::vector<Warning> warnings;
  const auto check = [&](double auc, const char* id, const char* what, const char* advice) {
    if (auc >= kTellsApart) {
      warnings.push_back({id,
                          std::string("the ") + what +
                              " alone predicts the labels of the target set (AUC " +
                              format_number(auc, 2) +
                              "), so a mask may follow it instead of the "
                              "behaviour",
                          advice});
    }
  };
  check(confounds.topic_auc,
        "labels_follow_topic",
        "topic",
        "add conversations of both outcomes to every topic, or set contrast = \"prefixes\" in "
        "[train]");
  check(confounds.length_auc,
        "labels_follow_length",
        "number of tokens of the final message",
        "match the classes in length");
  check(confounds.turn_auc,
        "labels_follow_turns",
        "number of turns",
        "match the classes in number of turns, or set contrast = \"matched\" in [train]");
  return warnings;
}

}  // namespace mascing
