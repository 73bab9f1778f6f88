// Scripts that a run plays itself, on the fake host: it goes on as with conversations that were
// given whole, plays nothing twice, and an interruption changes no byte.
#include "run/rollout_sets.h"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "mascing/conversation_file.h"
#include "mascing/mask_file.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

using testing::HasSubstr;

/// The target's data without the replies, and a scenario that has them rolled out.
Scenario write_scripts(const std::string& folder) {
  (void)write_defend(folder);
  std::vector<Conversation> rows = read_conversations(folder + "/attacks.jsonl");
  for (Conversation& row : rows) {
    std::erase_if(row.messages, [](const Message& m) { return m.role == "assistant"; });
  }
  write_rows(folder + "/attacks.jsonl", rows);
  std::string text = read_text_file(folder + "/defend.toml");
  const std::string role = "role = \"target\"\n";
  text.insert(text.find(role) + role.size(), "play = true\n");
  write_file_atomically(folder + "/scripts.toml", text);
  return read_scenario(folder + "/scripts.toml");
}

/// The only file of rollouts in a folder's cache.
std::string rollout_file(const std::string& output) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(output + "/cache")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("played-dsr-") && name.ends_with(".jsonl")) {
      found.push_back(entry.path().string());
    }
  }
  EXPECT_EQ(found.size(), 1U) << output;
  return found.empty() ? "" : found.front();
}

class RolloutSetsTest : public testing::Test {
 protected:
  [[nodiscard]] RunOptions options(const std::string& output) const {
    RunOptions options;
    options.output = folder_.path(output);
    options.command = "test";
    return options;
  }
  RunOutcome run(const Scenario& scenario, const std::string& output) {
    const OpenHost open = [this] {
      ++n_opened_;
      return std::make_unique<FakeHost>();
    };
    return run_scenario(scenario, FakeHost::make_info(), open, options(output), {});
  }
  Dataset play(const Scenario& scenario, const std::string& output, const Progress& progress = {}) {
    const ModelInfo info = FakeHost::make_info();
    const RunOptions all = options(output);
    FakeHost host;
    const GiveHost give = [&]() -> Host& {
      ++n_opened_;
      return host;
    };
    return roll_out_sets(load_dataset(scenario, 0), scenario, {info, give, all, progress});
  }

  TemporaryFolder folder_;
  int n_opened_ = 0;
};

TEST_F(RolloutSetsTest, ARunGoesOnAsIfTheRepliesHadBeenGiven) {
  const Scenario scenario = write_scripts(folder_.path());
  const RunOutcome rollout = run(scenario, "played");
  EXPECT_EQ(rollout.failure, "");
  EXPECT_EQ(n_opened_, 1);
  EXPECT_EQ(rollout.results.labels.at("played.dsr.scripts"), 64);
  EXPECT_EQ(rollout.results.labels.at("played.dsr.label_1"), 32);
  EXPECT_DOUBLE_EQ(rollout.results.metrics.at("dsr").base.rate, 0.5);
  EXPECT_DOUBLE_EQ(rollout.results.metrics.at("dsr").steered->rate, 1.0);

  const auto rows = read_conversations(rollout_file(folder_.path("played")));
  ASSERT_EQ(rows.size(), 64U);
  for (const Conversation& row : rows) {
    ASSERT_EQ(row.messages.size(), 3U);
    EXPECT_EQ(row.messages[1].role, "assistant");
    EXPECT_THAT(row.messages[1].content, HasSubstr("plain words")) << "the model's own reply";
    EXPECT_FALSE(row.split.empty());
  }
  Scenario given = write_defend(folder_.path());
  write_rows(folder_.path("attacks.jsonl"), rows);
  const RunOutcome whole = run(given, "given");
  EXPECT_EQ(whole.results.mask_steer, rollout.results.mask_steer);
  EXPECT_EQ(whole.results.metrics.at("dsr").fixed, rollout.results.metrics.at("dsr").fixed);
  EXPECT_EQ(whole.results.labels.at("discovery.dsr.label_1"),
            rollout.results.labels.at("discovery.dsr.label_1"));
}

TEST_F(RolloutSetsTest, ASecondRunPlaysNothing) {
  const Scenario scenario = write_scripts(folder_.path());
  (void)run(scenario, "out");
  ASSERT_EQ(n_opened_, 1);
  EXPECT_TRUE(run(scenario, "out").was_finished);
  EXPECT_EQ(n_opened_, 1) << "a finished run opens no model";
  const Dataset first = play(scenario, "out");
  EXPECT_EQ(n_opened_, 1) << "what is in the journal is not played";
  EXPECT_EQ(first.labels.at("played.dsr.label_1"), 32);
  const Dataset scripts = load_dataset(scenario, 0);
  for (const Conversation& script : scripts.target().rows(Split::kTest)) {
    const std::vector<Conversation>& played = first.target().rows(Split::kTest);
    EXPECT_TRUE(std::any_of(played.begin(), played.end(), [&](const Conversation& row) {
      return row.id == script.id && row.script == conversation_hash(script);
    })) << script.id;
  }
  Conversation shorter = first.target().rows(Split::kTest).front();
  const std::string hash = conversation_hash(shorter);
  shorter.messages.resize(1);
  EXPECT_EQ(conversation_hash(shorter), hash) << "as if the behaviour had shown earlier";
  const Dataset second = play(scenario, "other");
  EXPECT_GT(n_opened_, 1);
  EXPECT_EQ(second.hash, first.hash);
  const Mask mask = read_mask(folder_.path("out/mask.gguf"));
  FakeHost host;
  const RunOutcome tested = evaluate_mask(scenario, mask, mask.alpha, host, options("out"), {});
  EXPECT_DOUBLE_EQ(tested.results.metrics.at("dsr").steered->rate, 1.0);
  EXPECT_EQ(tested.results.labels.at("played.dsr.scripts"), 64);
}

TEST_F(RolloutSetsTest, AnInterruptionAtAnyPointChangesNoByte) {
  const Scenario scenario = write_scripts(folder_.path());
  int64_t n_report = 0;
  const Dataset whole = play(scenario, "whole", [&](const ProgressEvent& event) {
    EXPECT_EQ(event.stage, "playing dsr");
    return ++n_report > 0;
  });
  const std::string expected = read_text_file(rollout_file(folder_.path("whole")));
  ASSERT_GT(n_report, 64);
  for (int64_t stop = 0; stop < n_report; stop += 17) {
    const std::string output = "stopped" + std::to_string(stop);
    int64_t n = 0;
    expect_error(ErrorKind::kInterrupted, "stopped on request", [&] {
      (void)play(scenario, output, [&](const ProgressEvent&) { return n++ < stop; });
    });
    EXPECT_EQ(play(scenario, output).hash, whole.hash) << stop;
    EXPECT_EQ(read_text_file(rollout_file(folder_.path(output))), expected) << stop;
  }
}

TEST_F(RolloutSetsTest, OtherSettingsArePlayedAnew) {
  const Scenario scenario = write_scripts(folder_.path());
  (void)play(scenario, "out");
  Scenario shorter = scenario;
  shorter.n_max_play_token = 5;
  Scenario judged = scenario;
  judged.judge.refusal_prefixes = {"Here is what you asked"};
  for (const Scenario& other : {shorter, judged}) {
    n_opened_ = 0;
    (void)play(other, "out");
    EXPECT_GT(n_opened_, 0);
  }
  n_opened_ = 0;
  (void)play(scenario, "out");
  EXPECT_EQ(n_opened_, 0) << "the first ones are still there";
}

TEST_F(RolloutSetsTest, JudgesThatSeeSmallTalkEndAScriptAtTheTurnThatAnswers) {
  Scenario scenario = write_scripts(folder_.path());
  std::vector<Conversation> rows = read_conversations(folder_.path("attacks.jsonl"));
  for (Conversation& row : rows) {
    row.messages.front().content += " of " + row.topic;
  }
  write_rows(folder_.path("attacks.jsonl"), rows);
  scenario.sets.front().answer_prefixes = {"Here is"};  // so begins every answer of the fake host
  const Dataset data = play(scenario, "out");
  for (const Conversation& row : data.target().rows(Split::kTest)) {
    EXPECT_EQ(row.turn, 1);
    EXPECT_EQ(row.messages.size(), 1U);
    EXPECT_EQ(row.label, 1);
  }
}

TEST_F(RolloutSetsTest, WhatCannotBePlayedIsNamed) {
  const Scenario scenario = write_scripts(folder_.path());
  std::vector<Conversation> rows = read_conversations(folder_.path("attacks.jsonl"));
  Conversation endless = rows.back();
  endless.id = "endless";
  for (int i = 0; i < 80; ++i) {
    endless.messages.back().content += " and" + std::to_string(i);
  }
  rows.push_back(endless);
  write_rows(folder_.path("attacks.jsonl"), rows);
  const RunOutcome outcome = run(scenario, "out");
  ASSERT_EQ(outcome.results.skipped.size(), 1U);
  EXPECT_EQ(outcome.results.skipped[0].id, "endless");
  EXPECT_THAT(outcome.results.skipped[0].reason, HasSubstr("turn 2: too long"));
  EXPECT_EQ(outcome.results.metrics.at("dsr").n, 16);
}

TEST_F(RolloutSetsTest, AScriptWithRepliesIsRefused) {
  const Scenario scenario = write_scripts(folder_.path());
  write_tiny_data(folder_.path());  // with the assistant's turns
  expect_error(ErrorKind::kBadInput, "'attacks-0' has an assistant turn", [&] {
    (void)run(scenario, "out");
  });
  EXPECT_EQ(n_opened_, 0);
}

}  // namespace
}  // namespace mascing
