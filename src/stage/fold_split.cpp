// Greedy: a group goes where it leaves the sum of squared class shares smallest.
#include "stage/fold_split.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string>

#include "base/random.h"

namespace mascing {
namespace {

using ClassWeights = std::array<double, 2>;

struct FoldGroup {
  std::vector<size_t> members;  // positions in the list of labelled traces
  ClassWeights n_of_class{};
};

std::vector<FoldGroup> fold_groups(const TraceSet& set,
                                   const std::vector<int64_t>& labelled,
                                   bool is_by_topic) {
  std::vector<FoldGroup> groups;
  std::map<std::string, size_t> group_of_topic;
  for (size_t i = 0; i < labelled.size(); ++i) {
    const TraceView& trace = set.traces[labelled[i]];
    size_t i_group = groups.size();
    if (is_by_topic && !trace.topic.empty()) {
      i_group = group_of_topic.try_emplace(trace.topic, groups.size()).first->second;
    }
    if (i_group == groups.size()) {
      groups.emplace_back();
    }
    groups[i_group].members.push_back(i);
    groups[i_group].n_of_class[trace.label] += 1.0;
  }
  return groups;
}

/// How uneven a fold would be with this group in it as well.
double unevenness(const ClassWeights& fold, const ClassWeights& group, const ClassWeights& all) {
  double sum = 0.0;
  for (size_t label = 0; label < 2; ++label) {
    const double before = fold[label] / all[label];
    const double after = (fold[label] + group[label]) / all[label];
    sum += after * after - before * before;
  }
  return sum;
}

/// True if every fold has a trace and every complement both classes.
bool is_usable(const std::vector<ClassWeights>& folds, const ClassWeights& all) {
  return std::all_of(folds.begin(), folds.end(), [&](const ClassWeights& fold) {
    return fold[0] + fold[1] > 0.0 && fold[0] < all[0] && fold[1] < all[1];
  });
}

}  // namespace

FoldSplit split_folds(const TraceSet& set,
                      const std::vector<int64_t>& labelled,
                      int64_t n_fold,
                      uint64_t seed) {
  FoldSplit split;
  for (const bool is_by_topic : {true, false}) {
    std::vector<FoldGroup> groups = fold_groups(set, labelled, is_by_topic);
    Rng rng(seed);
    rng.shuffle(groups);
    std::stable_sort(groups.begin(), groups.end(), [](const FoldGroup& a, const FoldGroup& b) {
      return a.members.size() > b.members.size();
    });
    ClassWeights all{};
    for (const FoldGroup& group : groups) {
      all[0] += group.n_of_class[0];
      all[1] += group.n_of_class[1];
    }
    std::vector<ClassWeights> folds(n_fold);
    split.fold_of.assign(labelled.size(), 0);
    split.is_by_topic = is_by_topic;
    for (const FoldGroup& group : groups) {
      const auto best = std::min_element(
          folds.begin(), folds.end(), [&](const ClassWeights& a, const ClassWeights& b) {
            return unevenness(a, group.n_of_class, all) < unevenness(b, group.n_of_class, all);
          });
      (*best)[0] += group.n_of_class[0];
      (*best)[1] += group.n_of_class[1];
      for (size_t member : group.members) {
        split.fold_of[member] = best - folds.begin();
      }
    }
    if (is_usable(folds, all)) {
      break;
    }
  }
  return split;
}

}  // namespace mascing
