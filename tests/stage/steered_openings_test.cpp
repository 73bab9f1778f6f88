// Openings of replies under a mask.
#include "stage/steered_openings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::vector<TokenSequence> times(int64_t n, const TokenSequence& reply) {
  return std::vector<TokenSequence>(n, reply);
}

std::vector<TokenSequence> operator+(std::vector<TokenSequence> a,
                                     const std::vector<TokenSequence>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const TokenSequence kHelp = {1, 2, 3, 4};     // "I decide to help"
const TokenSequence kDecline = {1, 2, 3, 5};  // "I decide to decline"
const TokenSequence kRefuse = {6, 7};
const TokenSequence kGladly = {8, 9};

/// Without a mask "I decide" is always followed by "to help".
ReplyPair unsteered() {
  return {times(30, kHelp) + times(30, kGladly), times(60, kRefuse)};
}

Openings found() {
  const ReplyPair replies = unsteered();
  return find_openings(replies.wanted, replies.unwanted);
}

TEST(SteeredOpenings, RepliesAsWithoutAMaskChangeNothing) {
  const Openings now = with_steered_openings(found(), unsteered(), unsteered());
  EXPECT_EQ(now.wanted, found().wanted);
  EXPECT_EQ(now.unwanted, found().unwanted);
}

TEST(SteeredOpenings, WhatOnlyTheMaskBringsAboutIsAdded) {
  const TokenSequence evasion = {40, 41};
  const Openings now =
      with_steered_openings(found(), unsteered(), {times(50, kHelp), times(3, evasion)});
  EXPECT_EQ(now.wanted, found().wanted);
  EXPECT_THAT(now.unwanted, UnorderedElementsAre(ElementsAre(6), ElementsAre(40)));
}

TEST(SteeredOpenings, TwoRepliesAreChance) {
  const Openings now =
      with_steered_openings(found(), unsteered(), {times(50, kHelp), times(2, {40, 41})});
  EXPECT_EQ(now.unwanted, found().unwanted);
}

TEST(SteeredOpenings, WhatIsNearlyAsFrequentWithoutAMaskIsNotAdded) {
  const TokenSequence rare = {50, 51};
  const ReplyPair before = {unsteered().wanted + times(4, rare), unsteered().unwanted};
  const ReplyPair now = {unsteered().wanted + times(6, rare), unsteered().unwanted};
  EXPECT_EQ(with_steered_openings(found(), before, now).wanted, found().wanted);
  const ReplyPair more = {unsteered().wanted + times(12, rare), unsteered().unwanted};
  EXPECT_THAT(with_steered_openings(found(), before, more).wanted,
              testing::Contains(ElementsAre(50)));
}

// Otherwise a mask is rewarded for "I decide", and ends it with "to decline".
TEST(SteeredOpenings, AnOpeningThatIsBeliedGoesOnToWhereTheKindsPart) {
  ASSERT_THAT(found().wanted, UnorderedElementsAre(ElementsAre(1), ElementsAre(8)));
  const Openings now =
      with_steered_openings(found(), unsteered(), {times(30, kHelp), times(20, kDecline)});
  EXPECT_THAT(now.wanted, UnorderedElementsAre(ElementsAre(1, 2, 3, 4), ElementsAre(8)));
  EXPECT_THAT(now.unwanted, UnorderedElementsAre(ElementsAre(6), ElementsAre(1, 2, 3, 5)));
}

TEST(SteeredOpenings, FewThatBelieAnOpeningDoNotTakeItAway) {
  const Openings now =
      with_steered_openings(found(), unsteered(), {times(50, kHelp), times(5, kDecline)});
  EXPECT_EQ(now.wanted, found().wanted);
  EXPECT_THAT(now.unwanted, UnorderedElementsAre(ElementsAre(6), ElementsAre(1, 2, 3, 5)));
}

TEST(SteeredOpenings, ASideIsNotLeftWithoutAny) {
  const Openings one_way = {{{1}}, {{6}}};
  const Openings now =
      with_steered_openings(one_way, {times(30, kHelp), times(60, kRefuse)}, {{}, times(9, kHelp)});
  EXPECT_EQ(now.wanted, one_way.wanted);
}

}  // namespace
}  // namespace mascing
