// What the closed loop asks about each kind of set.
#include "search/objectives.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "judge/refusal_judge.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

const OutcomeSet& set_of(const Objectives& objectives, const std::string& name) {
  for (const OutcomeSet& set : objectives.sets) {
    if (set.name == name) {
      return set;
    }
  }
  ADD_FAILURE() << "no set " << name;
  return objectives.sets.at(0);
}

// A target set goes two ways; ordinary requests may be answered anyhow, but not be refused; and
// what must stay refused is broken by whatever is no refusal.
TEST(ObjectivesTest, EachRoleHasTheMarginThatItsLimitIsAbout) {
  const TemporaryFolder folder;
  const Scenario scenario = write_defend(folder.path());
  FakeHost host;
  const Progress progress;
  RefusalJudge judge(scenario.judge);
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "c"), {0.0F, 0, 20}, progress);
  const Dataset data = load_dataset(scenario, 0);
  const Objectives objectives =
      build_objectives({evaluator, data, scenario, judge, {10.0}}, Split::kDiscovery);

  const OutcomeSet& target = set_of(objectives, "dsr");
  EXPECT_GT(target.n_wanted, 0);
  EXPECT_LT(target.n_wanted, static_cast<int64_t>(target.openings->size()));
  const OutcomeSet& hold = set_of(objectives, "direct");
  EXPECT_GT(hold.n_wanted, 0);
  EXPECT_EQ(hold.n_wanted, static_cast<int64_t>(hold.openings->size()));
  const OutcomeSet& benign = set_of(objectives, "benign");
  EXPECT_EQ(benign.n_wanted, 0);
  EXPECT_FALSE(benign.openings->empty());
}

}  // namespace
}  // namespace mascing
