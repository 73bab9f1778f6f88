// Openings behind a prompt as a tree: tokens that several of them begin with are computed once.
// Independent of libllama.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mascing {

/// A token that at least one opening goes on behind.
struct OpeningNode {
  int32_t token = 0;
  int64_t depth = 0;           ///< tokens of the opening before it
  int32_t first_sequence = 0;  ///< neighbouring sequences share it
  int32_t n_sequence = 1;
};

struct OpeningTree {
  static constexpr int64_t kPrompt = -1;

  std::vector<OpeningNode> nodes;           ///< parents before children
  std::vector<std::vector<int64_t>> reads;  ///< [opening][token] the node that predicts the token,
                                            ///< kPrompt = the prompt's last one
  int32_t n_sequence = 1;                   ///< sequences that all nodes need
};

/// No opening may be empty.
[[nodiscard]] OpeningTree plan_openings(const std::vector<std::vector<int32_t>>& openings);

/// Indices of openings in groups whose trees need at most `n_sequence` sequences each.
[[nodiscard]] std::vector<std::vector<size_t>> group_openings(
    const std::vector<std::vector<int32_t>>& openings, int64_t n_sequence);

/// The openings of a group.
[[nodiscard]] std::vector<std::vector<int32_t>> members_of(
    const std::vector<std::vector<int32_t>>& openings, const std::vector<size_t>& group);

}  // namespace mascing
