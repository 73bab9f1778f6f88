// Entries are believed only whole.
#include "measure/cache.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "mascing/model_info.h"
#include "measure/cached_evaluator.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

/// Changes the last byte of every file in the folder.
void damage_all(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::string text = read_text_file(entry.path().string());
    text.back() = text.back() == 'x' ? 'y' : 'x';
    write_file_atomically(entry.path().string(), text);
  }
}

TEST(CacheTest, GivesBackWhatWasPut) {
  const TemporaryFolder folder;
  const Cache cache(folder.path("cache"), "context");
  EXPECT_FALSE(cache.get("key"));
  for (const char* text : {"", "one line", "two\nlines\n", "\n\n"}) {
    cache.put("key", text);
    ASSERT_TRUE(cache.get("key"));
    EXPECT_EQ(*cache.get("key"), text);
  }
}

TEST(CacheTest, KeysAndContextsAreToldApart) {
  const TemporaryFolder folder;
  const Cache cache(folder.path("cache"), "context");
  const Cache other(folder.path("cache"), "other context");
  cache.put("key", "text");
  EXPECT_FALSE(cache.get("key2"));
  EXPECT_FALSE(other.get("key"));
}

TEST(CacheTest, DamagedAndTruncatedEntriesAreNotBelieved) {
  const TemporaryFolder folder;
  const Cache cache(folder.path("cache"), "context");
  cache.put("key", "text");
  damage_all(folder.path("cache"));
  EXPECT_FALSE(cache.get("key"));
  cache.put("key", "text");
  EXPECT_TRUE(cache.get("key"));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path("cache"))) {
    for (const uintmax_t keep : {uintmax_t{66}, uintmax_t{10}, uintmax_t{0}}) {
      std::filesystem::resize_file(entry.path(), keep);
      EXPECT_FALSE(cache.get("key")) << keep << " bytes";
    }
  }
}

TEST(CacheTest, RepliesOfADamagedEntryAreComputedAgain) {
  const TemporaryFolder folder;
  FakeHost host;
  const Progress progress;
  const auto rows = tiny_rows("a", {"please the seal of @", "a tale of @"});
  const auto ask_all = [&] {
    return CachedEvaluator(host, Cache(folder.path("cache"), "c"), {0.0F, 0, 20}, progress)
        .replies("asking", rows, {});
  };
  const auto first = ask_all();
  const int64_t n_first = host.counters().n_generated_token;
  EXPECT_EQ(ask_all().front().text, first.front().text);
  EXPECT_EQ(host.counters().n_generated_token, n_first) << "the second time nothing is generated";
  damage_all(folder.path("cache"));
  const auto again = ask_all();
  EXPECT_EQ(host.counters().n_generated_token, 2 * n_first);
  ASSERT_EQ(again.size(), first.size());
  for (size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i].text, first[i].text);
    EXPECT_EQ(again[i].tokens, first[i].tokens);
    EXPECT_EQ(again[i].mean_nll, first[i].mean_nll);
  }
}

/// Under a mask a router logit is infinite, and the residual stream always is.
class OverflowingHost : public FakeHost {
 public:
  std::vector<std::string> observe(const std::vector<TraceRequest>& requests,
                                   const RouterObserver& observer) override {
    return FakeHost::observe(requests, [&](const RouterView& view) {
      std::vector<float> steered(view.steered, view.steered + kExperts);
      if (is_active(requests[view.i_request].steering)) {
        const auto* const least = std::min_element(view.logits, view.logits + kExperts);
        steered[least - view.logits] = std::numeric_limits<float>::infinity();
      }
      RouterView seen = view;
      seen.steered = steered.data();
      observer(seen);
    });
  }
  std::vector<Result<Residual>> residuals(const std::vector<ResidualRequest>& requests) override {
    auto outcomes = FakeHost::residuals(requests);
    for (Result<Residual>& outcome : outcomes) {
      outcome.value.values.at(0) = std::numeric_limits<float>::infinity();
    }
    return outcomes;
  }
};

TEST(CacheTest, NumbersThatAreNotFiniteComeBackFromEveryEntry) {
  const TemporaryFolder folder;
  OverflowingHost host;
  const Progress progress;
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "c"), {0.0F, 0, 20}, progress);
  const auto rows = tiny_rows("a", {"please the seal of @"});
  Mask mask = zero_mask(host.describe());
  mask.steer[0] = 1.0F;
  const Steering steering{std::make_shared<const Mask>(mask), 1.0F};
  const Prompt prompt = host.render(rows.front());
  const RoutedReply reply{prompt.tokens, prompt.final_user, host.tokenize("a tale", false)};
  for (const char* from : {"the model", "the cache"}) {
    const RoutingChanges changes = evaluator.routing("routing", {{reply}, steering});
    EXPECT_EQ(changes.n_conversation, 1) << from;
    int64_t n_move = 0;
    for (const auto& moves : changes.moves) {
      for (const RoutingMove& move : moves) {
        EXPECT_TRUE(std::isnan(move.change)) << from;
        ++n_move;
      }
    }
    EXPECT_GT(n_move, 0) << from;
    const ControlVector control = evaluator.residual_difference({rows[0]}, {rows[1]});
    EXPECT_TRUE(std::isnan(control.direction.at(0))) << from;
    EXPECT_TRUE(std::isfinite(control.direction.at(1))) << from;
  }
}

TEST(CacheTest, RoutingByAnotherChoiceIsAnotherEntry) {
  const TemporaryFolder folder;
  FakeHost host;
  const Progress progress;
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "c"), {0.0F, 0, 20}, progress);
  const auto rows = tiny_rows("a", {"please the seal of @"});
  const Prompt prompt = host.render(rows.front());
  RoutingTask task{{{prompt.tokens, prompt.final_user, host.tokenize("a tale", false)}}, {}};
  const RoutingChanges by_logits = evaluator.routing("routing", task);
  task.choice.choose = [](int64_t, const float*) { return std::vector<int64_t>{5, 6}; };
  task.choice.key = "always the same two";
  for (const char* from : {"the model", "the cache"}) {
    const RoutingChanges changes = evaluator.routing("routing", task);
    EXPECT_NE(changes.base, by_logits.base) << from;
    EXPECT_EQ(changes.base.at(5), changes.n_token) << from;
    EXPECT_EQ(changes.base.at(0), 0) << from;
  }
}

}  // namespace
}  // namespace mascing
