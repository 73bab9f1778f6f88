// Which replies the openings of a set are fitted on.
#include "search/discovery_replies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mascing {
namespace {

using testing::Contains;
using testing::ElementsAre;

constexpr int32_t kAnswer = 1;
constexpr int32_t kOwnRefusal = 2;
constexpr int32_t kOtherRefusal = 3;

/// `n_refused` refusals that begin alike, and 40 answers.
DiscoveryReplies replies_of(const LoadedSet& set, int64_t n_refused, int32_t refusal) {
  DiscoveryReplies discovery;
  discovery.set = &set;
  for (int64_t i = 0; i < n_refused + 40; ++i) {
    const bool is_refused = i < n_refused;
    AskedReply reply;
    reply.tokens = {is_refused ? refusal : kAnswer, 9, 9, 9, 9, 9};
    discovery.replies.push_back(reply);
    discovery.judged.push_back(
        {is_refused ? Verdict::kRefused : Verdict::kAnswered, true, !is_refused});
    discovery.prefixes.emplace_back();
    discovery.fold.push_back(i % kOpeningFolds);
  }
  return discovery;
}

/// Of a target whose conversations should be answered, beside a hold set of 200 refusals.
std::vector<TokenSequence> unwanted_openings(int64_t n_refused) {
  LoadedSet target;
  target.spec.wanted = Wanted::kAnswered;
  LoadedSet hold;
  hold.spec.role = SetRole::kHold;
  const std::vector<DiscoveryReplies> all = {replies_of(target, n_refused, kOwnRefusal),
                                             replies_of(hold, 200, kOtherRefusal)};
  const auto found = find_set_openings(all[0], pooled_kinds(all));
  return found ? found->fit.openings.unwanted : std::vector<TokenSequence>{};
}

// What only other sets begin with has a share in every margin, and tells nothing.
TEST(DiscoveryReplies, RefusalsOfOtherSetsAreLeftOutWhereASetHasEnough) {
  EXPECT_THAT(unwanted_openings(40), ElementsAre(ElementsAre(kOwnRefusal)));
}

TEST(DiscoveryReplies, RefusalsOfOtherSetsStandInForFew) {
  EXPECT_THAT(unwanted_openings(39), Contains(ElementsAre(kOtherRefusal)));
}

}  // namespace
}  // namespace mascing
