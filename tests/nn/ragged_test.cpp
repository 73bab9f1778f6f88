// Packing without padding, and cutting batches into parts.
#include "nn/ragged.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing::nn {
namespace {

using testing::ElementsAre;

TEST(RaggedLayout, PacksStepByStepWithTheLongestFirst) {
  const std::vector<int64_t> lengths = {3, 1, 2};
  const RaggedLayout layout = pack_sequences(lengths.data(), 3);
  EXPECT_THAT(layout.sequence_of_slot, ElementsAre(0, 2, 1));
  EXPECT_THAT(layout.first_row_of_step, ElementsAre(0, 3, 5, 6));
  EXPECT_THAT(layout.sequence_of_row, ElementsAre(0, 2, 1, 0, 2, 0));
  EXPECT_THAT(layout.token_of_row, ElementsAre(0, 0, 0, 1, 1, 2));
  EXPECT_THAT(layout.last_row_of_slot, ElementsAre(5, 4, 2));
}

TEST(RaggedLayout, KeepsTheGivenOrderOfEqualLengths) {
  const std::vector<int64_t> lengths = {2, 2, 2};
  EXPECT_THAT(pack_sequences(lengths.data(), 3, 10).sequence_of_slot, ElementsAre(10, 11, 12));
}

TEST(SplitByTokens, CoversEverySequenceOnceAndBalances) {
  const std::vector<int64_t> lengths = {10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const std::vector<SequenceRange> parts = split_by_tokens(lengths, 2);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].begin, 0);
  EXPECT_EQ(parts[0].end, parts[1].begin);
  EXPECT_EQ(parts[1].end, 11);
  EXPECT_EQ(parts[0].end, 1);
}

TEST(SplitByTokens, LeavesPartsEmptyIfThereAreTooFewSequences) {
  const std::vector<SequenceRange> parts = split_by_tokens({5}, 4);
  int64_t n_sequence = 0;
  for (const SequenceRange& part : parts) {
    n_sequence += part.end - part.begin;
  }
  EXPECT_EQ(parts.size(), 4U);
  EXPECT_EQ(n_sequence, 1);
}

TEST(SplitByLimit, NeverExceedsTheLimitExceptForOneLongSequence) {
  const std::vector<int64_t> lengths = {3, 4, 20, 2, 2, 2};
  const std::vector<SequenceRange> pieces = split_by_limit(lengths, {0, 6}, 7);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0].end, 2);
  EXPECT_EQ(pieces[1].end, 3);
  EXPECT_EQ(pieces[2].end, 6);
}

}  // namespace
}  // namespace mascing::nn
