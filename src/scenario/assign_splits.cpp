// Rows that must not be parted are joined in a union-find forest; the resulting groups, large ones
// first and equal ones in a random order, go one by one where their sets lack rows most.
#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "base/numeric.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/similar_text.h"
#include "mascing/new_scenario.h"
#include "scenario/dataset.h"
#include "scenario/leakage.h"

namespace mascing {
namespace {

constexpr std::array<double, 3> kShares = {0.5, 0.2, 0.3};  // as split_of() has them

/// Which rows belong together. The smallest index of a group stands for it.
class Forest {
 public:
  explicit Forest(int64_t n) : parents_(n) { std::iota(parents_.begin(), parents_.end(), 0); }

  int64_t root(int64_t i) {
    while (parents_[i] != i) {
      parents_[i] = parents_[parents_[i]];
      i = parents_[i];
    }
    return i;
  }
  void join(int64_t i, int64_t j) {
    const int64_t a = root(i);
    const int64_t b = root(j);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<int64_t> parents_;
};

/// A row of one of the sets.
struct Place {
  int64_t i_set = 0;
  Conversation* row = nullptr;
};

struct RowGroup {
  std::vector<int64_t> members;  // places
  uint64_t order = 0;
};

uint64_t order_of(const Conversation& row, uint64_t seed) {
  return mix_seed(sha256_bits(row.topic.empty() ? row.id : row.topic), seed);
}

void join_topics(const std::vector<Place>& places, Forest& forest) {
  std::map<std::pair<int64_t, std::string>, int64_t> first;
  for (int64_t i = 0; i < std::ssize(places); ++i) {
    if (!places[i].row->topic.empty()) {
      const auto [at, is_new] = first.try_emplace({places[i].i_set, places[i].row->topic}, i);
      forest.join(at->second, i);
    }
  }
}

void join_duplicates(const std::vector<Place>& places, Forest& forest) {
  std::vector<std::string> texts;
  std::vector<int64_t> groups(places.size());
  for (int64_t i = 0; i < std::ssize(places); ++i) {
    texts.push_back(user_text(*places[i].row));
    groups[i] = i;
  }
  for (const SimilarPair& pair : find_similar(texts, groups, groups, kNearDuplicate)) {
    if (are_near_duplicates(*places[pair.i].row, *places[pair.j].row, pair.similarity)) {
      forest.join(pair.i, pair.j);
    }
  }
}

std::vector<RowGroup> groups_of(const std::vector<Place>& places, Forest& forest, uint64_t seed) {
  std::map<int64_t, RowGroup> by_root;
  for (int64_t i = 0; i < std::ssize(places); ++i) {
    by_root[forest.root(i)].members.push_back(i);
  }
  std::vector<RowGroup> groups;
  for (auto& [root, group] : by_root) {
    group.order = order_of(*places[root].row, seed);
    groups.push_back(std::move(group));
  }
  std::stable_sort(groups.begin(), groups.end(), [](const RowGroup& a, const RowGroup& b) {
    return std::make_pair(-std::ssize(a.members), a.order) <
           std::make_pair(-std::ssize(b.members), b.order);
  });
  return groups;
}

/// How full the splits of each set are.
class Shelves {
 public:
  explicit Shelves(const std::vector<std::vector<Conversation>>& sets) : n_(sets.size()) {
    for (const auto& rows : sets) {
      sizes_.push_back(to_double(std::ssize(rows)));
    }
  }

  [[nodiscard]] Split emptiest(const std::map<int64_t, int64_t>& n_of_set) const {
    std::array<double, 3> lack = {};
    for (const auto& [i_set, n] : n_of_set) {
      for (size_t k = 0; k < kShares.size(); ++k) {
        const double wanted = kShares.at(k) * sizes_[i_set];
        lack.at(k) += to_double(n) / sizes_[i_set] * (1.0 - to_double(n_[i_set].at(k)) / wanted);
      }
    }
    return kSplits.at(std::max_element(lack.begin(), lack.end()) - lack.begin());
  }
  void put(const std::map<int64_t, int64_t>& n_of_set, Split split) {
    for (const auto& [i_set, n] : n_of_set) {
      n_[i_set].at(static_cast<size_t>(split)) += n;
    }
  }

 private:
  std::vector<std::array<int64_t, 3>> n_;
  std::vector<double> sizes_;
};

/// Where a group goes: with a row that has a split already, or where there is room.
void place_group(const std::vector<Place>& places,
                 const RowGroup& group,
                 uint64_t seed,
                 Shelves& shelves) {
  std::map<int64_t, int64_t> n_of_set;
  const Conversation* settled = nullptr;
  for (const int64_t i : group.members) {
    ++n_of_set[places[i].i_set];
    settled = places[i].row->split.empty() ? settled : places[i].row;
  }
  const Split split = settled == nullptr ? shelves.emptiest(n_of_set) : split_of(*settled, seed);
  shelves.put(n_of_set, split);
  for (const int64_t i : group.members) {
    if (places[i].row->split.empty()) {
      places[i].row->split = to_string(split);
    }
  }
}

}  // namespace

SplitReport assign_splits(std::vector<std::vector<Conversation>>& sets, uint64_t seed) {
  std::vector<Place> places;
  for (int64_t i_set = 0; i_set < std::ssize(sets); ++i_set) {
    for (Conversation& row : sets[i_set]) {
      places.push_back({i_set, &row});
    }
  }
  Forest forest(std::ssize(places));
  join_topics(places, forest);
  const std::vector<RowGroup> topics = groups_of(places, forest, seed);
  join_duplicates(places, forest);
  const std::vector<RowGroup> groups = groups_of(places, forest, seed);
  SplitReport report;
  report.n_group = std::ssize(groups);
  std::map<int64_t, int64_t> size_of_topic;
  for (const RowGroup& group : topics) {
    size_of_topic[group.members.front()] = std::ssize(group.members);
  }
  Shelves shelves(sets);
  for (const RowGroup& group : groups) {
    const int64_t n = std::ssize(group.members);
    report.n_largest = std::max(report.n_largest, n);
    report.n_tied += n - size_of_topic[group.members.front()];
    place_group(places, group, seed, shelves);
  }
  return report;
}

std::vector<Conversation> take_topics(std::vector<Conversation> rows, int64_t n, uint64_t seed) {
  if (n <= 0 || std::ssize(rows) <= n) {
    return rows;
  }
  std::map<std::pair<uint64_t, std::string>, int64_t> n_of_topic;
  const auto key_of = [&](const Conversation& row) {
    return std::make_pair(order_of(row, seed), row.topic.empty() ? row.id : row.topic);
  };
  for (const Conversation& row : rows) {
    ++n_of_topic[key_of(row)];
  }
  int64_t n_left = n;
  std::set<std::pair<uint64_t, std::string>> taken;
  for (const auto& [key, n_row] : n_of_topic) {
    if (n_row <= n_left) {
      taken.insert(key);
      n_left -= n_row;
    }
  }
  std::erase_if(rows, [&](const Conversation& row) { return !taken.contains(key_of(row)); });
  return rows;
}

}  // namespace mascing
