#include "host/llama/gradient_batch.h"

#include <algorithm>
#include <numeric>

namespace mascing {
namespace {

/// How many leading tokens two openings share, the last one of either left out: nothing follows it.
int64_t n_shared_node(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const int64_t n = std::min(std::ssize(a), std::ssize(b)) - 1;
  int64_t i = 0;
  while (i < n && a[i] == b[i]) {
    ++i;
  }
  return i;
}

}  // namespace

OpeningTree plan_openings(const std::vector<std::vector<int32_t>>& openings) {
  std::vector<int64_t> order(openings.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return openings[a] != openings[b] ? openings[a] < openings[b] : a < b;
  });
  OpeningTree tree;
  tree.reads.resize(openings.size());
  std::vector<int64_t> path;  // nodes of the opening before
  const std::vector<int32_t>* before = nullptr;
  int32_t n_sequence = 0;
  for (const int64_t k : order) {
    const std::vector<int32_t>& opening = openings[k];
    tree.reads[k] = {OpeningTree::kPrompt};
    if (opening.size() < 2) {
      continue;
    }
    path.resize(before == nullptr ? 0 : n_shared_node(*before, opening));
    for (const int64_t node : path) {
      ++tree.nodes[node].n_sequence;
    }
    for (int64_t d = std::ssize(path); d + 1 < std::ssize(opening); ++d) {
      tree.nodes.push_back({opening[d], d, n_sequence, 1});
      path.push_back(std::ssize(tree.nodes) - 1);
    }
    tree.reads[k].insert(tree.reads[k].end(), path.begin(), path.end());
    before = &opening;
    ++n_sequence;
  }
  tree.n_sequence = std::max(1, n_sequence);
  return tree;
}

std::vector<std::vector<size_t>> group_openings(const std::vector<std::vector<int32_t>>& openings,
                                                int64_t n_sequence) {
  std::vector<std::vector<size_t>> groups(1);
  int64_t n_long = 0;
  for (size_t k = 0; k < openings.size(); ++k) {
    if (openings[k].size() > 1 && n_long++ == n_sequence) {
      groups.emplace_back();
      n_long = 1;
    }
    groups.back().push_back(k);
  }
  return groups;
}

std::vector<std::vector<int32_t>> members_of(const std::vector<std::vector<int32_t>>& openings,
                                             const std::vector<size_t>& group) {
  std::vector<std::vector<int32_t>> members;
  members.reserve(group.size());
  for (const size_t k : group) {
    members.push_back(openings[k]);
  }
  return members;
}

}  // namespace mascing
