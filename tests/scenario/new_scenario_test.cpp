#include "mascing/new_scenario.h"

#include <array>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;

constexpr std::array kTemplates = {ScenarioTemplate::kDefend,
                                   ScenarioTemplate::kPermit,
                                   ScenarioTemplate::kPaperDefend,
                                   ScenarioTemplate::kPaperPermit};

NewScenario scenario_of(ScenarioTemplate which) {
  const bool defends = wanted_of(which) == Wanted::kRefused;
  NewScenario scenario;
  scenario.which = which;
  scenario.name = "tales";
  scenario.sets = {{defends ? "dsr" : "gsr", SetRole::kTarget, {"a.jsonl"}, defends, "From a.csv"},
                   {"hold_refusal", SetRole::kHold, {"b.jsonl"}, false, ""},
                   {"benign_compliance", SetRole::kBenign, {"c.jsonl"}, false, ""}};
  return scenario;
}

class NewScenarioTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"a.jsonl", "b.jsonl", "c.jsonl", "guard.gguf", "text.txt"}) {
      write_file_atomically(folder_.path(name), "x\n");
    }
  }
  [[nodiscard]] Scenario read(const NewScenario& scenario) const {
    write_file_atomically(folder_.path("s.toml"), scenario_text(scenario));
    return read_scenario(folder_.path("s.toml"));
  }
  TemporaryFolder folder_;
};

TEST_F(NewScenarioTest, EveryTemplateIsReadAsItIsMeant) {
  for (const ScenarioTemplate which : kTemplates) {
    const Scenario read_back = read(scenario_of(which));
    EXPECT_EQ(parse_scenario_template(to_string(which)), which);
    EXPECT_EQ(read_back.target().wanted, wanted_of(which));
    EXPECT_EQ(read_back.sets[1].wanted, Wanted::kRefused);
    EXPECT_EQ(read_back.sets[2].wanted, Wanted::kAnswered);
    EXPECT_EQ(read_back.target().needs_rollout, wanted_of(which) == Wanted::kRefused);
    EXPECT_EQ(read_back.uses(MaskMethod::kSurrogate), is_paper(which));
    EXPECT_EQ(read_back.uses(MaskMethod::kClosedLoop), !is_paper(which));
  }
  EXPECT_EQ(parse_scenario_template("attack"), std::nullopt);
}

TEST_F(NewScenarioTest, ThePapersTemplatesAreThePapersRecipe) {
  const Scenario made = read(scenario_of(ScenarioTemplate::kPaperDefend));
  Scenario recipe = made;
  use_paper_recipe(recipe);
  EXPECT_EQ(made.search.methods, recipe.search.methods);
  EXPECT_EQ(made.search.n_finalist, recipe.search.n_finalist);
  EXPECT_EQ(made.search.alphas, recipe.search.alphas);
  EXPECT_EQ(made.search.lambdas, recipe.search.lambdas);
  EXPECT_EQ(made.search.seeds, recipe.search.seeds);
  EXPECT_EQ(made.search.epochs, recipe.search.epochs);
  EXPECT_EQ(made.search.preserves, recipe.search.preserves);
  EXPECT_EQ(made.search.guards, recipe.search.guards);
  EXPECT_EQ(made.contrast, recipe.contrast);
  EXPECT_EQ(made.judge.builtin, BuiltinJudge::kPrefixes);
}

TEST_F(NewScenarioTest, AGuardJudgesAloneInThePapersTemplatesAndTogetherInOurs) {
  NewScenario scenario = scenario_of(ScenarioTemplate::kPaperDefend);
  scenario.guard = folder_.path("guard.gguf");
  const JudgeOptions paper = read(scenario).judge;
  EXPECT_FALSE(paper.uses_prefixes);
  ASSERT_EQ(paper.also.size(), 2U);
  EXPECT_EQ(paper.also[0].kind, JudgeKind::kModel);
  EXPECT_EQ(paper.also[1].kind, JudgeKind::kPrefixes);
  EXPECT_EQ(paper.also[1].sets, std::vector<std::string>{"benign_compliance"});
  scenario.which = ScenarioTemplate::kDefend;
  const JudgeOptions ours = read(scenario).judge;
  EXPECT_TRUE(ours.uses_prefixes);
  EXPECT_EQ(ours.builtin, BuiltinJudge::kPhrases);
  EXPECT_EQ(ours.also.size(), 1U);
}

TEST_F(NewScenarioTest, HostileNamesStayNames) {
  NewScenario scenario = scenario_of(ScenarioTemplate::kDefend);
  scenario.name = "a \"quoted\\ name\n[judge]\x01";
  scenario.sets[0].source = "From a.csv\n[search]\nmethods = []";
  EXPECT_EQ(read(scenario).name, scenario.name);
}

TEST_F(NewScenarioTest, ReasoningAndTextAreWritten) {
  NewScenario scenario = scenario_of(ScenarioTemplate::kDefend);
  scenario.chat_template.reasoning = ReasoningMode::kOn;
  add_template_argument("reasoning_effort=low", scenario.chat_template);
  scenario.always_reasons = true;
  scenario.text = "text.txt";
  EXPECT_THAT(scenario_text(scenario), HasSubstr("arguments = [\"reasoning_effort=low\"]"));
  const Scenario read_back = read(scenario);
  EXPECT_EQ(template_key(read_back.chat_template), template_key(scenario.chat_template));
  EXPECT_EQ(read_back.general.text, folder_.path("text.txt"));
}

TEST_F(NewScenarioTest, PermittingDemandsAHoldSet) {
  NewScenario scenario = scenario_of(ScenarioTemplate::kPermit);
  scenario.sets.erase(scenario.sets.begin() + 1);
  expect_error(ErrorKind::kUsage, "hold set", [&] { (void)scenario_text(scenario); });
}

Conversation row_of(const std::string& id, const std::string& topic, const std::string& text) {
  Conversation row;
  row.id = id;
  row.topic = topic;
  row.messages = {{"user", text}};
  return row;
}

std::string words(int64_t i) {
  std::string text;
  for (int64_t k = 0; k < 12; ++k) {
    text += "word" + std::to_string(i * 100 + k) + ' ';
  }
  return text;
}

TEST(AssignSplits, KeepsTopicsAndNearDuplicatesTogetherAndEverySetInAllSplits) {
  std::vector<std::vector<Conversation>> sets(3);
  for (int64_t i = 0; i < 60; ++i) {
    sets[0].push_back(row_of("a" + std::to_string(i), "t" + std::to_string(i / 3), words(i)));
  }
  for (int64_t i = 0; i < 20; ++i) {
    sets[1].push_back(row_of("b" + std::to_string(i), "", words(i) + "Please!"));  // as in set 0
  }
  for (int64_t i = 0; i < 3; ++i) {
    sets[2].push_back(row_of("c" + std::to_string(i), "", words(1000 + i)));
  }
  const SplitReport report = assign_splits(sets, 7);
  EXPECT_EQ(report.n_group, 23);
  EXPECT_EQ(report.n_tied, 20);
  EXPECT_EQ(report.n_largest, 6);
  std::map<std::string, std::set<std::string>> of_topic;
  for (const Conversation& row : sets[0]) {
    of_topic[row.topic].insert(row.split);
  }
  for (const auto& [topic, splits] : of_topic) {
    EXPECT_EQ(splits.size(), 1U) << topic;
  }
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(sets[1][i].split, sets[0][i].split) << i;
  }
  for (const auto& rows : sets) {
    std::set<std::string> splits;
    for (const Conversation& row : rows) {
      splits.insert(row.split);
    }
    EXPECT_EQ(splits.size(), 3U);
  }
  auto again = sets;
  for (auto& rows : again) {
    for (Conversation& row : rows) {
      row.split.clear();
    }
  }
  (void)assign_splits(again, 7);
  EXPECT_EQ(again, sets);
}

TEST(AssignSplits, ARowsOwnSplitDecidesForItsGroup) {
  std::vector<std::vector<Conversation>> sets(1);
  for (int64_t i = 0; i < 8; ++i) {
    sets[0].push_back(row_of(std::to_string(i), i < 4 ? "seal" : "", words(i)));
  }
  sets[0][2].split = "test";
  (void)assign_splits(sets, 0);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(sets[0][i].split, "test");
  }
}

TEST(TakeTopics, TakesWholeTopicsUpToTheLimitInTheirOrder) {
  std::vector<Conversation> rows;
  for (int64_t i = 0; i < 40; ++i) {
    rows.push_back(row_of(std::to_string(100 + i), "t" + std::to_string(i % 8), words(i)));
  }
  const auto taken = take_topics(rows, 17, 3);
  EXPECT_EQ(taken.size(), 15U);
  std::map<std::string, int64_t> counts;
  for (size_t i = 0; i < taken.size(); ++i) {
    ++counts[taken[i].topic];
    EXPECT_TRUE(i == 0 || taken[i - 1].id < taken[i].id);
  }
  EXPECT_EQ(counts.size(), 3U);
  EXPECT_EQ(take_topics(rows, 0, 3).size(), 40U);
  EXPECT_NE(take_topics(rows, 17, 4), taken);
}

}  // namespace
}  // namespace mascing
