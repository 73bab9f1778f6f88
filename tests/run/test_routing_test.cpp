// What a run on the fake host says of the routing.
#include "run/test_routing.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "mascing/mask.h"
#include "run/run_fixture.h"

namespace mascing {
namespace {

class TestRoutingTest : public RunTest {
 protected:
  RunOutcome outcome() { return run(write_defend(folder_.path()), folder_.path("out")); }
};

TEST_F(TestRoutingTest, RatesAddUpToTheExpertsOfATokenAndDifferWhereTheMaskActs) {
  const RunOutcome found = outcome();
  const RoutingResult& routing = found.results.routing;
  EXPECT_EQ(routing.reason, "");
  EXPECT_EQ(routing.by_logits, "the model's file cannot be read") << "this host has none";
  EXPECT_TRUE(routing.layers_by_token.empty());
  ASSERT_EQ(std::ssize(routing.base), FakeHost::kLayers);
  double largest = 0.0;
  double lifted = 0.0;
  for (int64_t l = 0; l < FakeHost::kLayers; ++l) {
    double base = 0.0;
    double steered = 0.0;
    double moved = 0.0;
    for (int64_t e = 0; e < FakeHost::kExperts; ++e) {
      base += routing.base[l][e];
      steered += routing.steered[l][e];
      const double change = routing.steered[l][e] - routing.base[l][e];
      moved += std::max(0.0, change);
      lifted += change * found.results.mask_steer.at(l * FakeHost::kExperts + e);
    }
    EXPECT_NEAR(base, 2.0, 1e-9);
    EXPECT_NEAR(steered, 2.0, 1e-9);
    EXPECT_LE(moved / 2.0, routing.layer_change[l] + 1e-9) << "net changes are the smaller ones";
    largest = std::max(largest, routing.layer_change[l]);
  }
  EXPECT_GT(lifted, 0.0) << "experts that the mask lifts are chosen more often, others less";
  EXPECT_GT(largest, 0.0);
}

TEST_F(TestRoutingTest, CountsWhatItReadAndWhatItLeftOut) {
  const RunOutcome found = outcome();
  const RoutingResult& routing = found.results.routing;
  int64_t n_viewed = 0;
  int64_t n_token = 0;
  std::map<std::string, int64_t> n_of_set;
  for (const Transcript& row : found.transcripts) {
    if (row.routing) {
      ++n_viewed;
      ++n_of_set[row.metric];
      n_token += std::ssize(row.routing->tokens);
      EXPECT_EQ(row.routing->change.size(), row.routing->tokens.size());
      for (const double change : row.routing->change) {
        EXPECT_GE(change, 0.0);
        EXPECT_LE(change, 1.0);
      }
    }
  }
  EXPECT_EQ(routing.n_viewed, n_viewed);
  EXPECT_EQ(routing.n_viewed + routing.n_left_out, std::ssize(found.transcripts));
  EXPECT_GT(routing.n_left_out, 0);
  EXPECT_LE(routing.n_token, n_token);
  EXPECT_EQ(routing.n_conversation, kSampledPerSet * std::ssize(n_of_set));
  // Of the target's 16 conversations 8 are fixed; those that were not sampled are looked at, too.
  EXPECT_GT(n_of_set.at("dsr"), kSampledPerSet);
  for (const Transcript& row : found.transcripts) {
    if (row.metric == "dsr" && row.steered->is_wanted && !row.base.is_wanted) {
      EXPECT_TRUE(row.routing.has_value()) << row.id;
    }
  }
}

TEST_F(TestRoutingTest, NamesThePlaceOfEachTokenInItsTranscript) {
  const RunOutcome found = outcome();
  const RoutingResult& routing = found.results.routing;
  ASSERT_FALSE(routing.experts.empty());
  for (const RoutingPlace& place : routing.places) {
    const auto row = std::find_if(
        found.transcripts.begin(), found.transcripts.end(), [&](const Transcript& one) {
          return one.metric == place.metric && one.id == place.id;
        });
    ASSERT_NE(row, found.transcripts.end());
    EXPECT_EQ(row->routing->tokens.at(place.i_token), place.token);
    EXPECT_GT(row->routing->change.at(place.i_token), 0.0);
  }
  double last = 1.0;
  for (const ExpertTokens& expert : routing.experts) {
    const double change = std::fabs(routing.steered[expert.i_layer][expert.i_expert] -
                                    routing.base[expert.i_layer][expert.i_expert]);
    EXPECT_LE(change, last + 1e-9);
    last = change;
    for (const MovedToken& token : expert.tokens) {
      EXPECT_LT(token.i_place, std::ssize(routing.places));
    }
  }
}

TEST_F(TestRoutingTest, AsksTheMarginAtTheEndOfEachUserMessage) {
  const RunOutcome found = outcome();
  const TurnMarginsResult& margins = found.results.routing.margins;
  int64_t n_turn = 0;
  for (const Transcript& row : found.transcripts) {
    if (!row.routing) {
      continue;
    }
    // Two messages of the user's each.
    const std::vector<TurnMargin>& turns = row.routing->margins;
    ASSERT_EQ(turns.size(), 2U) << row.id;
    EXPECT_EQ(turns[0].i_message, 0);
    EXPECT_EQ(turns[1].i_message, 2);
    n_turn += std::ssize(turns);
    // The sign at the end is what the replies turned out to be.
    EXPECT_EQ(turns[1].base > 0.0, row.base.is_wanted) << row.id;
    EXPECT_EQ(turns[1].steered > 0.0, row.steered->is_wanted) << row.id;
    if (row.wanted == "refused") {
      EXPECT_LT(turns[0].base, 0.0) << "nobody refuses a greeting";
      EXPECT_GT(turns[1].steered, turns[1].base) << "the mask makes refusals likelier";
    }
  }
  EXPECT_EQ(margins.n_turn, n_turn);
  EXPECT_EQ(margins.n_turn, 2 * found.results.routing.n_viewed);
  EXPECT_EQ(margins.n_left_out, 0);
  EXPECT_EQ(margins.reason, "");
  EXPECT_GT(margins.n_token, 2 * n_turn);
}

TEST_F(TestRoutingTest, SaysWhyAMaskThatIsGivenHasNoMargins) {
  const Scenario scenario = write_defend(folder_.path());
  FakeHost host(FakeHost::Nature::kPlanted);
  Mask mask = zero_mask(host.describe());
  mask.steer.front() = 1.0F;
  RunOptions options;
  options.output = folder_.path("given");
  const RunOutcome given = evaluate_mask(scenario, mask, 1.0, host, options, {});
  const RoutingResult& routing = given.results.routing;
  ASSERT_GT(routing.n_viewed, 0);
  EXPECT_EQ(routing.margins.n_turn, 0);
  EXPECT_EQ(routing.margins.n_left_out, 2 * routing.n_viewed);
  EXPECT_NE(routing.margins.reason.find("discovery split"), std::string::npos);
}

TEST_F(TestRoutingTest, IsTheSameFromTheCache) {
  const Scenario scenario = write_defend(folder_.path());
  (void)run(scenario, folder_.path("out"));
  const auto first = comparable(folder_.path("out")).at("routing");
  const std::string lines = read_text_file(folder_.path("out/transcripts.jsonl"));
  std::filesystem::remove(folder_.path("out/run.json"));
  (void)run(scenario, folder_.path("out"));
  EXPECT_EQ(comparable(folder_.path("out")).at("routing"), first);
  EXPECT_EQ(read_text_file(folder_.path("out/transcripts.jsonl")), lines);
}

}  // namespace
}  // namespace mascing
