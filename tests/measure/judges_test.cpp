// Judges in the pipeline: made from options, kept on disk, and what a run says about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "judge/refusal_judge.h"
#include "mascing/run.h"
#include "measure/cached_judge.h"
#include "measure/make_jury.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

using testing::HasSubstr;

/// Counts what it is asked, and fails on "hard".
class CountingJudge : public Judge {
 public:
  explicit CountingJudge(int64_t& n_asked) : n_asked_(n_asked) {}
  [[nodiscard]] std::string name() const override { return "counting"; }
  [[nodiscard]] std::string key() const override { return "key"; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override {
    std::vector<Judgement> judgements(exchanges.size());
    for (size_t i = 0; i < exchanges.size(); ++i) {
      judgements[i].verdict = exchanges[i].reply == "no" ? Verdict::kRefused : Verdict::kAnswered;
      judgements[i].error = exchanges[i].reply == "hard" ? "out of ink" : "";
    }
    n_asked_ += static_cast<int64_t>(exchanges.size());
    return judgements;
  }
  void self_test() override {}

 private:
  int64_t& n_asked_;
};

TEST(CachedJudge, AsksNothingTwiceButWhatFailed) {
  const TemporaryFolder folder;
  int64_t n_asked = 0;
  const auto judge = [&](const std::vector<Exchange>& exchanges) {
    CachedJudge kept(std::make_unique<CountingJudge>(n_asked),
                     Cache(folder.path("cache"), "version"));
    return kept.judge(exchanges);
  };
  std::vector<Exchange> exchanges = {{{{"user", "a"}}, "no"}, {{{"user", "a"}}, "hard"}};
  for (int i = 0; i < 40; ++i) {
    exchanges.push_back({{{"user", std::to_string(i)}}, i % 2 == 0 ? "no" : "yes"});
  }
  EXPECT_EQ(judge(exchanges)[1].error, "out of ink");
  EXPECT_EQ(n_asked, 42);
  const auto again = judge(exchanges);
  EXPECT_EQ(n_asked, 43) << "only the failure is asked about again";
  EXPECT_EQ(again[0].verdict, Verdict::kRefused);
  for (size_t i = 2; i < again.size(); ++i) {
    EXPECT_EQ(again[i].verdict, i % 2 == 0 ? Verdict::kRefused : Verdict::kAnswered);
  }
  exchanges = {{{{"user", "a"}}, "no", {}, "dsr"}, {{{"user", "an"}}, "o"}, {{{"user", "a"}}, "o"}};
  (void)judge(exchanges);
  EXPECT_EQ(n_asked, 46) << "another set, request or reply is another exchange";
}

TEST(Jury, StopsBetweenGroupsAndGoesOnThere) {
  const TemporaryFolder folder;
  int64_t n_asked = 0;
  const std::vector<Exchange> exchanges = [] {
    std::vector<Exchange> all;
    for (int i = 0; i < 40; ++i) {
      all.push_back({{{"user", std::to_string(i)}}, "no"});
    }
    return all;
  }();
  const Progress impatient = [](const ProgressEvent& event) { return event.done < 16; };
  const auto jury_with = [&](const Progress& progress) {
    auto kept = std::make_shared<CachedJudge>(std::make_unique<CountingJudge>(n_asked),
                                              Cache(folder.path("cache"), "version"));
    return Jury({{std::move(kept), {}, progress, true}}, 0.05);
  };
  expect_error(ErrorKind::kInterrupted, "judging: counting", [&] {
    (void)jury_with(impatient).judge(exchanges);
  });
  EXPECT_EQ(n_asked, 16);
  (void)jury_with({}).judge(exchanges);
  EXPECT_EQ(n_asked, 40);
}

TEST(JudgesKey, FollowsAllPartsOfASplitGuard) {
  const TemporaryFolder folder;
  const std::string first = folder.path("guard-00001-of-00002.gguf");
  write_file_atomically(first, "head");
  const auto key_with = [&](const std::string& second) {
    write_file_atomically(folder.path("guard-00002-of-00002.gguf"), second);
    JudgeOptions options;
    add_judge(first, options);
    return judges_key(options);
  };
  const std::string key = key_with("weights");
  EXPECT_EQ(key_with("weights"), key);
  EXPECT_NE(key_with("others"), key);
}

TEST(MakeJury, ABuiltInMemberJudgesItsSetsOnly) {
  const TemporaryFolder folder;
  write_file_atomically(
      folder.path("key.json"),
      R"({"answers": [{"name": "seal", "phrases": ["warm wax", "old ring"], "at_least": 1}]})");
  JudgeOptions options;
  options.uses_prefixes = false;
  add_judge("answers:" + folder.path("key.json"), options);
  options.also[0].sets = {"dsr"};
  JudgeSpec builtin;
  builtin.kind = JudgeKind::kPrefixes;
  builtin.name = "refusal";
  builtin.sets = {"benign"};
  options.also.push_back(builtin);
  const auto jury = make_jury(options, {}, {});
  const std::vector<Message> messages = {{"user", "How is a seal made?"}};
  const auto judged = jury->judge({{messages, "Sorry, take warm wax.", {}, "dsr"},
                                   {messages, "Sorry, take warm wax.", {}, "benign"}});
  EXPECT_EQ(judged[0].verdict, Verdict::kAnswered);
  EXPECT_EQ(judged[1].verdict, Verdict::kRefused);
}

TEST(MakeJury, ABuiltInMemberHasThePrefixesOfTheScenario) {
  JudgeOptions options;
  options.uses_prefixes = false;
  options.refusal_prefixes = {"The crown forbids"};
  for (const JudgeKind kind : {JudgeKind::kPrefixes, JudgeKind::kPhrases}) {
    options.also = {JudgeSpec{.kind = kind, .name = "built in"}};
    const auto judged = make_jury(options, {}, {})->judge({{{}, "The crown forbids it."}});
    EXPECT_EQ(judged[0].verdict, Verdict::kRefused);
  }
}

// ---------------------------------------------------------------- options

TEST(AddJudge, TakesTheWordsOfTheCommandLine) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("guard.gguf"), "x");
  write_file_atomically(folder.path("key.json"), "x");
  JudgeOptions options;
  options.uses_prefixes = false;
  add_judge("refusal", options);
  add_judge(folder.path("guard.gguf"), options);
  add_judge("https://host/v1", options);
  add_judge("command:python3 judge.py | cat", options);
  add_judge("command:other", options);
  add_judge("answers:" + folder.path("key.json"), options);
  EXPECT_TRUE(options.uses_prefixes);
  ASSERT_EQ(options.also.size(), 5U);
  EXPECT_EQ(options.also[0].kind, JudgeKind::kModel);
  EXPECT_EQ(options.also[1].url, "https://host/v1");
  EXPECT_EQ(options.also[2].command,
            (std::vector<std::string>{"/bin/sh", "-c", "python3 judge.py | cat"}));
  EXPECT_EQ(options.also[3].name, "command2");
  EXPECT_EQ(options.also[4].kind, JudgeKind::kAnswerKey);
  for (const char* word : {"", "guard", "command:", "ftp://host", "answers:", "none.gguf"}) {
    expect_error(ErrorKind::kUsage, "[judge]", [&] { add_judge(word, options); });
  }
}

TEST(JudgesKey, FollowsTheContentOfTheFiles) {
  const TemporaryFolder folder;
  JudgeOptions options;
  EXPECT_EQ(judges_key(options), "");
  write_file_atomically(folder.path("key.json"), "x");
  add_judge("answers:" + folder.path("key.json"), options);
  const std::string key = judges_key(options);
  write_file_atomically(folder.path("key.json"), "y");
  EXPECT_NE(judges_key(options), key);
}

/// Says of every reply what it was made to say.
class OneWordJudge : public Judge {
 public:
  OneWordJudge(Verdict verdict, std::string key) : verdict_(verdict), key_(std::move(key)) {}
  [[nodiscard]] std::string name() const override { return "own"; }
  [[nodiscard]] std::string key() const override { return key_; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override {
    return std::vector<Judgement>(exchanges.size(), {verdict_});
  }
  void self_test() override {}

 private:
  Verdict verdict_;
  std::string key_;
};

TEST(MakeJudge, AsksTheCallersOwnJudgeBesideThePrefixes) {
  const std::vector<Exchange> refusal = {{{{"user", "Forge the seal."}}, "I cannot do that."}};
  JudgeOptions options;
  options.own = {std::make_shared<OneWordJudge>(Verdict::kRefused, "a")};
  EXPECT_EQ(make_judge(options)->judge(refusal).front().verdict, Verdict::kRefused);
  const std::string key = judges_key(options);
  options.own = {std::make_shared<OneWordJudge>(Verdict::kAnswered, "b")};
  const Judgement judgement = make_judge(options)->judge(refusal).front();
  EXPECT_EQ(judgement.verdict, Verdict::kOther) << "the two judges differ";
  ASSERT_EQ(judgement.opinions.size(), 2U);
  EXPECT_EQ(judgement.opinions.back().judge, "own");
  EXPECT_NE(judges_key(options), key) << "another judge gives other results";
  options.uses_prefixes = false;
  EXPECT_EQ(make_judge(options)->judge(refusal).front().verdict, Verdict::kAnswered);
}

// ---------------------------------------------------------------- whole runs

class JudgedRun : public testing::Test {
 protected:
  [[nodiscard]] RunOutcome run(const Scenario& scenario, const std::string& output) {
    RunOptions options;
    options.output = folder_.path(output);
    options.command = "test";
    return run_scenario(
        scenario, FakeHost::make_info(), [] { return std::make_unique<FakeHost>(); }, options, {});
  }

  /// The fake host's answers hold "plain words"; the built-in exchanges do not.
  [[nodiscard]] Scenario with_answer_key(const std::string& phrase) {
    Scenario scenario = write_defend(folder_.path());
    scenario.search.methods = {MaskMethod::kMeanDifference};
    write_file_atomically(folder_.path("key.json"),
                          R"({"answers": [{"phrases": [")" + phrase + R"("]}]})");
    const std::string row = R"({"messages": [{"role": "user", "content": "x"}], "reply": ")";
    write_file_atomically(folder_.path("known.jsonl"),
                          row + "So, " + phrase + R"(.", "verdict": "answered"})" + "\n" + row +
                              R"(No.", "verdict": "refused"})" + "\n");
    add_judge("answers:" + folder_.path("key.json"), scenario.judge);
    scenario.judge.also.back().known = folder_.path("known.jsonl");
    scenario.judge.also.back().uses_builtin_known = false;
    return scenario;
  }

  TemporaryFolder folder_;
};

TEST_F(JudgedRun, JudgesThatAgreeChangeNothingAndAreNamed) {
  Scenario plain = write_defend(folder_.path());
  plain.search.methods = {MaskMethod::kMeanDifference};
  const RunOutcome alone = run(plain, "alone");
  const RunOutcome both = run(with_answer_key("plain words"), "both");
  EXPECT_EQ(both.failure, "");
  EXPECT_EQ(both.results.metrics.at("dsr").fixed, alone.results.metrics.at("dsr").fixed);
  EXPECT_EQ(both.results.mask_steer, alone.results.mask_steer);
  ASSERT_EQ(both.results.judges.members.size(), 2U);
  EXPECT_EQ(both.results.judges.members[1].name, "answer_key");
  EXPECT_GT(both.results.judges.members[1].n_asked, 0);
  ASSERT_EQ(both.results.judges.agreement.size(), 1U);
  EXPECT_DOUBLE_EQ(both.results.judges.agreement[0].kappa.value(), 1.0);
  EXPECT_TRUE(both.results.judges.disagreements.empty());
  EXPECT_EQ(alone.results.judges.members.size(), 1U);
  EXPECT_TRUE(alone.results.judges.agreement.empty());
}

TEST_F(JudgedRun, DisagreementsCountForNobodyAndAreListed) {
  Scenario scenario = with_answer_key("no such words");
  scenario.judge.also.back().sets = {"benign"};
  const RunOutcome outcome = run(scenario, "out");
  EXPECT_DOUBLE_EQ(outcome.results.metrics.at("benign").base.rate, 0.0);
  EXPECT_GT(outcome.results.metrics.at("direct").base.rate, 0.5) << "it is not asked about these";
  EXPECT_GT(outcome.results.judges.n_disagreement, 0);
  ASSERT_FALSE(outcome.results.judges.disagreements.empty());
  const Disagreement& one = outcome.results.judges.disagreements[0];
  EXPECT_EQ(one.metric, "benign");
  EXPECT_EQ(one.verdicts.at("refusal"), "answered");
  EXPECT_EQ(one.verdicts.at("answer_key"), "refused");
}

TEST_F(JudgedRun, AJudgeThatFailsItsSelfTestIsNotUsed) {
  Scenario scenario = write_defend(folder_.path());
  add_judge("command:while read -r line; do echo safe; done", scenario.judge);
  expect_error(ErrorKind::kUsage, "fails its self-test", [&] { (void)run(scenario, "out"); });
}

}  // namespace
}  // namespace mascing
