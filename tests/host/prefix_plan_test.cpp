// The order in which prompts with common heads are computed, checked by replaying what a cache
// would hold.
#include "host/llama/prefix_plan.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "base/random.h"

namespace mascing {
namespace {

using Tokens = std::vector<int32_t>;

std::vector<PlannedPrompt> planned(const std::vector<Tokens>& prompts) {
  std::vector<PlannedPrompt> result;
  for (const Tokens& tokens : prompts) {
    result.push_back({tokens.data(), static_cast<int64_t>(tokens.size()), 0});
  }
  return result;
}

/// Tokens that no place has from the place before it.
int64_t count_own_tokens(const PrefixPlan& plan, const std::vector<PlannedPrompt>& prompts) {
  int64_t n = 0;
  for (int64_t place = 0; place < plan.size(); ++place) {
    n += prompts[plan.prompt(place)].n_token - plan.n_shared(place);
  }
  return n;
}

/// Runs a plan on a cache that only remembers tokens: fails where a sequence would not hold exactly
/// what its prompts say, or a limit is broken. Returns the tokens computed.
int64_t replay(const std::vector<Tokens>& prompts, const WaveLimits& limits) {
  const PrefixPlan plan(planned(prompts));
  std::map<int32_t, Tokens> cache;
  Tokens last;
  int64_t n_computed = 0;
  for (int64_t begin = 0; begin < plan.size();) {
    const Wave wave = plan.wave(begin, limits);
    EXPECT_GT(wave.end, begin);
    cache.clear();
    int64_t n_common = wave.n_kept;
    int64_t n_cell = wave.n_kept;
    EXPECT_LE(n_common, static_cast<int64_t>(last.size()));
    for (int64_t place = begin; place < wave.end; ++place) {
      n_common = place == begin ? n_common : std::min(n_common, plan.n_shared(place));
      cache.try_emplace(wave.sequences[place - begin], last.begin(), last.begin() + n_common);
    }
    for (int64_t place = begin; place < wave.end; ++place) {
      const Tokens& tokens = prompts[plan.prompt(place)];
      for (int64_t t = plan.n_shared(place); t < static_cast<int64_t>(tokens.size()); ++t) {
        const int64_t end = plan.end_of_sharers(place, t + 1, wave.end);
        for (int32_t s = wave.sequences[place - begin]; s <= wave.sequences[end - 1 - begin]; ++s) {
          EXPECT_EQ(static_cast<int64_t>(cache[s].size()), t);
          cache[s].push_back(tokens[t]);
        }
        ++n_computed;
        ++n_cell;
      }
    }
    EXPECT_LE(n_cell, limits.n_cell);
    EXPECT_LE(static_cast<int64_t>(cache.size()), limits.n_sequence);
    for (int64_t place = begin; place < wave.end; ++place) {
      const Tokens& tokens = prompts[plan.prompt(place)];
      const Tokens& held = cache[wave.sequences[place - begin]];
      EXPECT_GE(held.size(), tokens.size());
      EXPECT_TRUE(std::equal(tokens.begin(), tokens.end(), held.begin()));
    }
    last = cache[wave.sequences.back()];
    begin = wave.end;
  }
  EXPECT_EQ(n_computed, count_own_tokens(plan, planned(prompts)));
  return n_computed;
}

/// Nodes of the prefix tree, counted the plain way.
int64_t count_nodes(const std::vector<Tokens>& prompts) {
  std::map<Tokens, int> nodes;
  for (const Tokens& tokens : prompts) {
    for (size_t n = 1; n <= tokens.size(); ++n) {
      nodes[{tokens.begin(), tokens.begin() + static_cast<int64_t>(n)}] = 1;
    }
  }
  return static_cast<int64_t>(nodes.size());
}

TEST(PrefixPlanTest, ComputesEveryNodeOfTheTreeOnce) {
  const std::vector<Tokens> prompts = {
      {1, 2, 3, 4}, {5}, {1, 2, 9}, {1, 2, 3}, {1, 2, 3, 4}, {1, 7}};
  EXPECT_EQ(replay(prompts, {8, 64, 16}), 7);
}

TEST(PrefixPlanTest, HoldsForRandomTreesUnderTightLimits) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    uint64_t n = 0;
    const auto draw = [&](uint64_t below) { return mix_seed(seed, n++) % below; };
    std::vector<Tokens> prompts(1 + draw(12));
    for (Tokens& tokens : prompts) {
      tokens.resize(1 + draw(9));
      for (int32_t& token : tokens) {
        token = static_cast<int32_t>(draw(2));
      }
    }
    const WaveLimits limits{1 + static_cast<int64_t>(draw(4)),
                            10 + static_cast<int64_t>(draw(10)),
                            1 + static_cast<int64_t>(draw(8))};
    EXPECT_EQ(replay(prompts, limits), count_nodes(prompts)) << "seed " << seed;
  }
}

TEST(PrefixPlanTest, OtherGroupsAndLonersShareNothing) {
  const Tokens tokens = {1, 2, 3};
  std::vector<PlannedPrompt> prompts(5, {tokens.data(), 3, 0});
  EXPECT_EQ(count_own_tokens(PrefixPlan(prompts), prompts), 3);
  prompts[1].group = prompts[3].group = 1;
  EXPECT_EQ(count_own_tokens(PrefixPlan(prompts), prompts), 6);
  prompts[0].group = prompts[2].group = PlannedPrompt::kAlone;
  EXPECT_EQ(count_own_tokens(PrefixPlan(prompts), prompts), 12);
}

TEST(PrefixPlanTest, AWaveFillsWholeDecodesAndNoMore) {
  const std::vector<Tokens> prompts = {{1, 1, 1, 1, 1}, {2, 2}, {3, 3}, {4}};
  const PrefixPlan plan(planned(prompts));
  const Wave first = plan.wave(0, {4, 64, 4});
  EXPECT_EQ(first.end, 2) << "5 of 8 tokens are taken: 2 more fit, 4 do not";
  EXPECT_EQ(plan.wave(2, {4, 64, 4}).end, 4);
  EXPECT_EQ(plan.wave(1, {1, 64, 8}).end, 2) << "one sequence, one prompt";
}

TEST(PrefixPlanTest, NothingToPlanIsAnEmptyPlan) {
  EXPECT_EQ(PrefixPlan({}).size(), 0);
}

}  // namespace
}  // namespace mascing
