// Tries several random orders of the topics. Each order is walked once, moving a topic if that
// brings the shares of both classes closer to the target; the closest result that leaves both
// classes on both sides is kept.
#include "stage/train_split.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string>
#include <unordered_set>

#include "base/numeric.h"
#include "base/random.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kAttempts = 32;

using ClassCounts = std::array<int64_t, 2>;

/// Traces that must stay on one side.
struct Group {
  std::vector<int64_t> traces;
  ClassCounts n_of_class{};
};

std::vector<Group> make_groups(const TraceSet& set,
                               const std::vector<int64_t>& traces,
                               bool is_by_topic) {
  std::vector<Group> groups;
  std::map<std::string, size_t> group_of_topic;
  for (int64_t i_trace : traces) {
    const TraceView& trace = set.traces[i_trace];
    size_t i_group = groups.size();
    if (is_by_topic && !trace.topic.empty()) {
      i_group = group_of_topic.try_emplace(trace.topic, groups.size()).first->second;
    }
    if (i_group == groups.size()) {
      groups.emplace_back();
    }
    groups[i_group].traces.push_back(i_trace);
    ++groups[i_group].n_of_class[trace.label == 1 ? 1 : 0];
  }
  return groups;
}

ClassCounts plus(const ClassCounts& a, const ClassCounts& b) {
  return {a[0] + b[0], a[1] + b[1]};
}

/// Squared distance of the classes' validation shares from the target.
double distance(const ClassCounts& n_held, const ClassCounts& n_all, double share) {
  double sum = 0.0;
  for (size_t label = 0; label < 2; ++label) {
    const double got = ratio(n_held[label], n_all[label]);
    sum += (got - share) * (got - share);
  }
  return sum;
}

struct Attempt {
  std::vector<size_t> held;  // groups in the validation part
  ClassCounts n_held{};
  double distance = std::numeric_limits<double>::infinity();  // infinite if a side lacks a class
};

class Splitter {
 public:
  Splitter(const std::vector<Group>& groups, double share) : groups_(groups), share_(share) {
    for (const Group& group : groups) {
      n_all_ = plus(n_all_, group.n_of_class);
    }
  }

  /// Best of several orders; nothing held if no order works.
  [[nodiscard]] Attempt best(uint64_t seed) const {
    Rng rng(seed);
    std::vector<size_t> order(groups_.size());
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    Attempt best;
    for (int64_t i = 0; i < kAttempts; ++i) {
      rng.shuffle(order);
      Attempt attempt = walk(order);
      if (attempt.distance < best.distance) {
        best = std::move(attempt);
      }
    }
    return best;
  }

 private:
  [[nodiscard]] bool leaves_both(const ClassCounts& n_held) const {
    return n_held[0] < n_all_[0] && n_held[1] < n_all_[1];
  }

  [[nodiscard]] Attempt walk(const std::vector<size_t>& order) const {
    Attempt attempt;
    for (size_t i_group : order) {
      const ClassCounts with = plus(attempt.n_held, groups_[i_group].n_of_class);
      if (leaves_both(with) &&
          distance(with, n_all_, share_) < distance(attempt.n_held, n_all_, share_)) {
        attempt.held.push_back(i_group);
        attempt.n_held = with;
      }
    }
    for (size_t label = 0; label < 2; ++label) {
      add_missing_class(order, label, attempt);
    }
    if (attempt.n_held[0] > 0 && attempt.n_held[1] > 0) {
      attempt.distance = distance(attempt.n_held, n_all_, share_);
    }
    return attempt;
  }

  /// Few large topics: takes the first one that brings the class, even if it overshoots the share.
  void add_missing_class(const std::vector<size_t>& order, size_t label, Attempt& attempt) const {
    if (attempt.n_held[label] > 0) {
      return;
    }
    for (size_t i_group : order) {
      const ClassCounts with = plus(attempt.n_held, groups_[i_group].n_of_class);
      if (groups_[i_group].n_of_class[label] > 0 && leaves_both(with)) {
        attempt.held.push_back(i_group);
        attempt.n_held = with;
        return;
      }
    }
  }

  const std::vector<Group>& groups_;
  double share_;
  ClassCounts n_all_{};
};

}  // namespace

TrainSplit split_for_training(const TraceSet& set,
                              const std::vector<int64_t>& labelled,
                              double validation_share,
                              uint64_t seed) {
  TrainSplit split;
  if (validation_share <= 0.0) {
    split.train = labelled;
    split.is_by_topic = true;
    return split;
  }
  std::unordered_set<int64_t> held;
  for (const bool is_by_topic : {true, false}) {
    const std::vector<Group> groups = make_groups(set, labelled, is_by_topic);
    const Attempt attempt = Splitter(groups, validation_share).best(seed);
    for (size_t i_group : attempt.held) {
      held.insert(groups[i_group].traces.begin(), groups[i_group].traces.end());
    }
    split.is_by_topic = is_by_topic;
    if (!held.empty()) {
      break;
    }
  }
  if (held.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[train] too few labelled traces for a validation set, each class needs at least 2",
                "collect more conversations, or set the validation share to 0");
  }
  for (int64_t i_trace : labelled) {
    (held.contains(i_trace) ? split.validation : split.train).push_back(i_trace);
  }
  return split;
}

TrainSplit hold_out_topics(const TraceSet& set,
                           const std::vector<int64_t>& traces,
                           double share,
                           uint64_t seed) {
  if (traces.size() < 2) {
    throw Error(ErrorKind::kInsufficient,
                "[steer] only one trace, so none can be held out",
                "collect more conversations, or set the validation share to 0");
  }
  TrainSplit split;
  std::vector<Group> groups = make_groups(set, traces, true);
  split.is_by_topic = groups.size() > 1;
  if (!split.is_by_topic) {
    groups = make_groups(set, traces, false);
  }
  Rng rng(seed);
  rng.shuffle(groups);
  const double wanted = share * to_double(std::ssize(traces));
  for (size_t i = 0; i + 1 < groups.size(); ++i) {  // the last group always stays
    const std::vector<int64_t>& group = groups[i].traces;
    const double n_held = to_double(std::ssize(split.validation));
    const bool is_nearer = n_held + to_double(std::ssize(group)) / 2.0 <= wanted;
    std::vector<int64_t>& part = n_held == 0.0 || is_nearer ? split.validation : split.train;
    part.insert(part.end(), group.begin(), group.end());
  }
  split.train.insert(split.train.end(), groups.back().traces.begin(), groups.back().traces.end());
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

}  // namespace mascing
