// Openings that tell two kinds of replies apart.
#include "stage/openings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// Every beginning counts, however few replies have it.
OpeningOptions any_support() {
  OpeningOptions options;
  options.n_least_reply = 1;
  return options;
}

TEST(Openings, OneTokenIsEnoughWhereTheFirstTokensDiffer) {
  const Openings openings =
      find_openings({{1, 5, 6}, {1, 7}}, {{2, 5}, {3, 6}, {2, 8}}, any_support());
  EXPECT_THAT(openings.wanted, ElementsAre(ElementsAre(1)));
  EXPECT_THAT(openings.unwanted, ElementsAre(ElementsAre(2), ElementsAre(3)));
  EXPECT_DOUBLE_EQ(openings.coverage_wanted, 1.0);
  EXPECT_DOUBLE_EQ(openings.coverage_unwanted, 1.0);
}

TEST(Openings, GoAsFarAsTheKindsAreAlike) {
  const Openings openings = find_openings({{1, 2, 3, 9}, {4}}, {{1, 2, 5}, {1, 6}}, any_support());
  EXPECT_THAT(openings.wanted, UnorderedElementsAre(ElementsAre(1, 2, 3), ElementsAre(4)));
  EXPECT_THAT(openings.unwanted, UnorderedElementsAre(ElementsAre(1, 2, 5), ElementsAre(1, 6)));
}

TEST(Openings, RepliesThatBeginAlikeHaveNone) {
  OpeningOptions options = any_support();
  options.n_max_token = 4;
  const Openings openings = find_openings({{1, 2, 3, 4, 5}}, {{1, 2, 3, 4, 6}}, options);
  EXPECT_THAT(openings.wanted, IsEmpty());
  EXPECT_THAT(openings.unwanted, IsEmpty());
  EXPECT_DOUBLE_EQ(openings.coverage_wanted, 0.0);
}

TEST(Openings, BothKindsCountAlikeHoweverManyRepliesThereAre) {
  std::vector<TokenSequence> many(99, {1, 2});
  const Openings openings = find_openings(many, {{1, 3}}, any_support());
  EXPECT_THAT(openings.wanted, ElementsAre(ElementsAre(1, 2)));
  EXPECT_THAT(openings.unwanted, ElementsAre(ElementsAre(1, 3)));
}

TEST(Openings, OnlyTheMostFrequentAreKept) {
  OpeningOptions options = any_support();
  options.n_max_opening = 1;
  const Openings openings = find_openings({{1}, {2}, {2}, {3}}, {{9}}, options);
  EXPECT_THAT(openings.wanted, ElementsAre(ElementsAre(2)));
  EXPECT_DOUBLE_EQ(openings.coverage_wanted, 0.5);
}

TEST(Openings, AKindWithoutRepliesHasNone) {
  const Openings openings = find_openings({}, {{1, 2}, {}}, any_support());
  EXPECT_THAT(openings.wanted, IsEmpty());
  EXPECT_THAT(openings.unwanted, ElementsAre(ElementsAre(1)));
}

TEST(Openings, FourRepliesAreTooFewAndFiveAreEnough) {
  const std::vector<TokenSequence> others(20, {9});
  EXPECT_THAT(find_openings({4, {1, 2}}, others).wanted, IsEmpty());
  EXPECT_THAT(find_openings({5, {1, 2}}, others).wanted, ElementsAre(ElementsAre(1)));
}

TEST(Openings, ABeginningIsFoundAtTheStartOnly) {
  EXPECT_TRUE(begins_with_any({1, 2, 3}, {{4}, {1, 2}}));
  EXPECT_FALSE(begins_with_any({3, 1, 2}, {{4}, {1, 2}}));
  EXPECT_FALSE(begins_with_any({1}, {{1, 2}})) << "the reply ends before the opening does";
  EXPECT_FALSE(begins_with_any({1}, {}));
}

}  // namespace
}  // namespace mascing
