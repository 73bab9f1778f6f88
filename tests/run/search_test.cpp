// The search whose choice is the user's: what it offers, that the test split is looked at once, and
// what budgets leave of it.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "base/warning_ids.h"
#include "host/fake_host.h"
#include "mascing/mask_file.h"
#include "mascing/run.h"
#include "report/trade_off.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

using nlohmann::json;

class SearchTest : public testing::Test {
 protected:
  void search(const std::string& output, const Browse& browse) {
    options_.output = output;
    search_scenario(scenario_,
                    FakeHost::make_info(),
                    [] { return std::make_unique<FakeHost>(); },
                    options_,
                    browse,
                    {});
  }
  [[nodiscard]] RunOutcome run(const std::string& output) {
    options_.output = output;
    return run_scenario(scenario_,
                        FakeHost::make_info(),
                        [] { return std::make_unique<FakeHost>(); },
                        options_,
                        {});
  }
  [[nodiscard]] static bool warns(const std::string& id, const RunOutcome& outcome) {
    const std::vector<std::string> ids = warning_ids(outcome.results.warnings);
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  }
  void set_budget(const std::string& text) {
    options_.budget_text = text;
    options_.budget = parse_budget(text);
  }

  TemporaryFolder folder_;
  Scenario scenario_ = write_defend(folder_.path());
  RunOptions options_;
};

TEST_F(SearchTest, OffersTheTrialsWithoutLookingAtTheTestSplit) {
  int n_browsed = 0;
  search(folder_.path("out"), [&](const SearchView& view) {
    ++n_browsed;
    EXPECT_TRUE(view.results.metrics.empty());
    EXPECT_EQ(view.results.search.chosen_by, "");
    EXPECT_DOUBLE_EQ(view.results.search.base_rate("dsr"), 0.5);
    ASSERT_FALSE(pareto_set(view.results).empty());
  });
  EXPECT_EQ(n_browsed, 1);
  EXPECT_TRUE(file_exists(folder_.path("out/search.json")));
  EXPECT_TRUE(file_exists(folder_.path("out/search.html")));
  EXPECT_FALSE(file_exists(folder_.path("out/mask.gguf")));
  EXPECT_FALSE(file_exists(folder_.path("out/results.json")));
}

TEST_F(SearchTest, CandidatesKeepTheirProvenance) {
  search(folder_.path("out"), [&](const SearchView& view) {
    const size_t i = pareto_set(view.results).back().i_candidate;
    const Mask mask = view.mask(i);
    EXPECT_EQ(mask.scenario, "tiny-defend");
    EXPECT_FALSE(mask.data_hash.empty());
    EXPECT_FLOAT_EQ(mask.alpha, static_cast<float>(view.results.candidates[i].alpha));
    EXPECT_TRUE(mask.metrics.contains("selection.dsr.rate") ||
                mask.metrics.contains("selection.dsr.estimate"));
    EXPECT_EQ(mask.metrics.contains("selection.dsr.n"),
              mask.metrics.contains("selection.dsr.rate"));
    EXPECT_FALSE(mask.metrics.contains("test.dsr.rate"));
    for (const auto& [metric, rate] : view.results.search.base) {
      EXPECT_GT(rate.n, 0) << metric;
    }
    EXPECT_TRUE(view.results.search.base.contains("dsr"));
  });
}

TEST_F(SearchTest, TheChoiceIsTheUsersAndTheResultsSaySo) {
  search(folder_.path("out"), [&](const SearchView& view) {
    const size_t i = pareto_set(view.results).back().i_candidate;
    const RunOutcome outcome = view.test(i);
    EXPECT_EQ(outcome.failure, "");
    EXPECT_EQ(outcome.results.search.chosen_by, "user");
    EXPECT_EQ(chosen_candidate(outcome.results), static_cast<int64_t>(i));
    for (size_t k = 0; k < outcome.results.candidates.size(); ++k) {
      EXPECT_EQ(outcome.results.candidates[k].is_chosen, k == i) << k;
    }
    EXPECT_DOUBLE_EQ(outcome.results.metrics.at("dsr").steered->rate, 1.0);
  });
  const json written = json::parse(read_text_file(folder_.path("out/results.json")));
  EXPECT_EQ(written.at("search").at("chosen_by"), "user");
  EXPECT_TRUE(read_mask(folder_.path("out/mask.gguf")).metrics.contains("test.dsr.rate"));
}

TEST_F(SearchTest, TheTestSplitIsLookedAtOnce) {
  std::string first;
  search(folder_.path("out"), [&](const SearchView& view) {
    first = to_json(view.test(0).results);
    expect_error(
        ErrorKind::kUsage, "another mask was already evaluated", [&] { (void)view.test(1); });
  });
  // Nor by a later search; the first choice may be looked at again.
  search(folder_.path("out"), [&](const SearchView& view) {
    expect_error(
        ErrorKind::kUsage, "another mask was already evaluated", [&] { (void)view.test(1); });
    const json again = json::parse(to_json(view.test(0).results)).at("metrics");
    EXPECT_EQ(again, json::parse(first).at("metrics"));
  });
  // Nor after a change of anything else.
  auto rows = read_conversations(folder_.path("benign.jsonl"));
  rows.pop_back();
  write_rows(folder_.path("benign.jsonl"), rows);
  search(folder_.path("out"), [&](const SearchView& view) {
    expect_error(
        ErrorKind::kUsage, "another mask was already evaluated", [&] { (void)view.test(1); });
  });
  // Other conversations may be looked at.
  rows = read_conversations(folder_.path("attacks.jsonl"));
  for (Conversation& row : rows) {
    row.messages.back().content += row.split == "test" ? " tonight" : "";
  }
  write_rows(folder_.path("attacks.jsonl"), rows);
  search(folder_.path("out"), [&](const SearchView& view) { (void)view.test(1); });
}

TEST_F(SearchTest, ARunDoesNotTakeWhatTheUserChoseForItsOwn) {
  search(folder_.path("out"),
         [&](const SearchView& view) { EXPECT_EQ(view.test(0).results.search.chosen_by, "user"); });
  const std::string mask = read_text_file(folder_.path("out/mask.gguf"));
  expect_error(ErrorKind::kUsage, "chosen in the menu", [&] { (void)run(folder_.path("out")); });
  EXPECT_EQ(read_text_file(folder_.path("out/mask.gguf")), mask) << "nothing is lost";
  std::filesystem::remove(folder_.path("out/transcripts.jsonl"));
  expect_error(ErrorKind::kUsage, "chosen in the menu", [&] { (void)run(folder_.path("out")); });
  EXPECT_EQ(read_text_file(folder_.path("out/mask.gguf")), mask);
}

TEST_F(SearchTest, AReportThatIsMissingIsRenderedAgain) {
  (void)run(folder_.path("out"));
  const std::string page = read_text_file(folder_.path("out/report.html"));
  std::filesystem::remove(folder_.path("out/report.html"));
  EXPECT_TRUE(run(folder_.path("out")).was_finished);
  EXPECT_EQ(read_text_file(folder_.path("out/report.html")), page);
}

TEST_F(SearchTest, TheLookOfARunCounts) {
  const RunOutcome found = run(folder_.path("out"));
  EXPECT_EQ(found.results.search.chosen_by, "rule");
  const auto i_chosen = static_cast<size_t>(chosen_candidate(found.results));
  search(folder_.path("out"), [&](const SearchView& view) {
    const size_t i_other = i_chosen == 0 ? 1 : 0;
    expect_error(
        ErrorKind::kUsage, "another mask was already evaluated", [&] { (void)view.test(i_other); });
    EXPECT_EQ(view.test(i_chosen).failure, "");
  });
}

TEST_F(SearchTest, AnotherMaskOfARunIsTestedWithAWarning) {
  EXPECT_FALSE(warns("test_split_reused", run(folder_.path("out"))));
  std::string text = read_text_file(folder_.path("defend.toml"));
  text.replace(text.find("[0.5, 1.0, 2.0]"), 15, "[0.75, 1.75]");
  write_file_atomically(folder_.path("defend.toml"), text);
  scenario_ = read_scenario(folder_.path("defend.toml"));
  const RunOutcome second = run(folder_.path("out"));
  EXPECT_TRUE(warns("test_split_reused", second));
  EXPECT_TRUE(warns("test_split_reused", run(folder_.path("out")))) << "again, from the cache";
  EXPECT_FALSE(warns("test_split_reused", run(folder_.path("other"))));
  search(folder_.path("out"), [&](const SearchView& view) {
    const RunOutcome again = view.test(static_cast<size_t>(chosen_candidate(second.results)));
    EXPECT_TRUE(warns("test_split_reused", again)) << "nor does a search forget it";
    EXPECT_EQ(again.results.warnings.size(), second.results.warnings.size());
  });
}

TEST_F(SearchTest, WatchersSeeEveryTrial) {
  size_t n_seen = 0;
  options_.watch_trials = [&](const std::vector<CandidateResult>& trials) {
    EXPECT_GE(trials.size(), n_seen);
    n_seen = trials.size();
  };
  search(folder_.path("out"),
         [&](const SearchView& view) { EXPECT_EQ(view.results.candidates.size(), n_seen); });
  EXPECT_GT(n_seen, 3U);
}

TEST_F(SearchTest, SaysWhatTheChoiceCostBesideThePapersSweep) {
  const SearchResult search = run(folder_.path("out")).results.search;
  EXPECT_GT(search.n_prefill_token, 0);
  EXPECT_GT(search.n_generated_token, 0);
  EXPECT_EQ(search.n_paper_token % 33, 0);
  EXPECT_LT(search.n_generated_token, search.n_paper_token);
}

TEST_F(SearchTest, TheLoopAsksAsManyPairsAsTheScenarioSays) {
  const auto n_prefill = [&](int64_t n_pair) {
    scenario_.search.n_loop_pair = n_pair;
    return run(folder_.path("pairs" + std::to_string(n_pair))).results.loop.n_question;
  };
  // Both signs of every pair, and a third of them at the mask itself, in each of two steps.
  EXPECT_NEAR(static_cast<double>(n_prefill(60)), 2 * 60 * (2 + 1.0 / 3), 40);
  EXPECT_NEAR(static_cast<double>(n_prefill(300)), 2 * 300 * (2 + 1.0 / 3), 40);
}

TEST_F(SearchTest, ABudgetOfTokensIsTheSameForEveryRunAndSaysWhatItLeftOut) {
  scenario_.search.n_loop_step = 12;
  const int64_t n_whole = [&] {
    const SearchResult search = run(folder_.path("whole")).results.search;
    EXPECT_EQ(search.budget, "");
    EXPECT_TRUE(search.cut_short.empty());
    return search.n_prefill_token;
  }();
  set_budget(std::to_string(n_whole / 3) + " tokens");
  const RunOutcome one = run(folder_.path("one"));
  const RunOutcome two = run(folder_.path("two"));
  json a = json::parse(to_json(one.results));
  json b = json::parse(to_json(two.results));
  a.erase("cost");
  b.erase("cost");
  EXPECT_EQ(a, b);
  EXPECT_LT(one.results.search.n_prefill_token, n_whole);
  EXPECT_GT(one.results.search.budget_spent, 0.5);
  ASSERT_FALSE(one.results.search.cut_short.empty());
  EXPECT_THAT(one.results.search.cut_short.front(), testing::HasSubstr("of 12 steps"));
  EXPECT_TRUE(warns("budget_spent", one));
}

TEST_F(SearchTest, ARunThatGoesOnSpendsItsBudgetAlike) {
  set_budget("20k tokens");
  (void)run(folder_.path("whole"));
  options_.output = folder_.path("stopped");
  for (int n_allowed = 5, is_done = 0; is_done == 0; n_allowed += 25) {
    int n_left = n_allowed;
    try {
      (void)run_scenario(
          scenario_,
          FakeHost::make_info(),
          [] { return std::make_unique<FakeHost>(); },
          options_,
          [&](const ProgressEvent&) { return n_left-- > 0; });
      is_done = 1;
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kInterrupted) << error.what();
    }
  }
  const auto comparable = [&](const std::string& name) {
    json results = json::parse(read_text_file(folder_.path(name + "/results.json")));
    results.erase("cost");
    return results;
  };
  EXPECT_EQ(comparable("stopped"), comparable("whole"));
}

TEST_F(SearchTest, EvenASpentBudgetLeavesOneMaskThatWasTried) {
  set_budget("1 tokens");
  const RunOutcome outcome = run(folder_.path("out"));
  EXPECT_FALSE(outcome.results.candidates.empty());
  EXPECT_GT(outcome.results.search.budget_spent, 1.0);
  EXPECT_FALSE(outcome.results.search.cut_short.empty());
}

TEST_F(SearchTest, SampledRepliesAreRatedOverConversationsAndSeeds) {
  scenario_.sample_seeds = {1, 2, 3};
  const RunOutcome outcome = run(folder_.path("out"));
  const MetricResult& dsr = outcome.results.metrics.at("dsr");
  ASSERT_TRUE(dsr.sampled);
  EXPECT_EQ(dsr.sampled->n_seed, 3);
  EXPECT_EQ(dsr.sampled->n_conversation, dsr.n);
  // The fake model samples as it decodes greedily.
  EXPECT_DOUBLE_EQ(dsr.sampled->base.rate, dsr.base.rate);
  EXPECT_DOUBLE_EQ(dsr.sampled->steered.rate, dsr.steered->rate);
  EXPECT_DOUBLE_EQ(dsr.sampled->change.rate, dsr.steered->rate - dsr.base.rate);
  EXPECT_GT(dsr.sampled->change.low, 0.0);
  ASSERT_TRUE(dsr.p_holm);
  EXPECT_GE(*dsr.p_holm, dsr.p_value);
  EXPECT_EQ(dsr.steered_replies.n, dsr.n);
  EXPECT_EQ(dsr.steered_replies.n_refusal, dsr.n);
}

}  // namespace
}  // namespace mascing
