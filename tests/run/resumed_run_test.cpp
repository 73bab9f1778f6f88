// A run on the fake host that is repeated, interrupted or damaged: none of it changes a byte.
#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/expect_error.h"
#include "base/folder_lock.h"
#include "base/warning_ids.h"
#include "judge/refusal_judge.h"
#include "mascing/conversation_file.h"
#include "mascing/make_judge.h"
#include "mascing/mask_file.h"
#include "mascing/run.h"
#include "measure/cache.h"
#include "run/run_fixture.h"
#include "scenario/dataset.h"

namespace mascing {
namespace {

using nlohmann::json;

TEST_F(RunTest, AFinishedRunIsOnlyRead) {
  const Scenario scenario = write_defend(folder_.path());
  const RunOutcome first = run(scenario, folder_.path("out"));
  EXPECT_EQ(n_opened_, 1);
  const RunOutcome second = run(scenario, folder_.path("out"));
  EXPECT_EQ(n_opened_, 1);
  EXPECT_TRUE(second.was_finished);
  EXPECT_EQ(to_json(first.results), to_json(second.results));
}

TEST_F(RunTest, AFinishedRunWhoseExportsWereMeasuredIsOnlyRead) {
  const Scenario scenario = write_defend(folder_.path());
  Results results = run(scenario, folder_.path("out")).results;
  results.exports.emplace_back().file = "mask.lora.gguf";
  write_file_atomically(folder_.path("out/results.json"), to_json(results));
  const RunOutcome second = run(scenario, folder_.path("out"));
  EXPECT_TRUE(second.was_finished);
  EXPECT_EQ(second.results.exports.size(), 1U);
  results.mask_alpha += 1.0;
  write_file_atomically(folder_.path("out/results.json"), to_json(results));
  EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished);
}

TEST_F(RunTest, AFinishedRunWhoseFilesWereTouchedIsRepeated) {
  const Scenario scenario = write_defend(folder_.path());
  (void)run(scenario, folder_.path("out"));
  const json first = comparable(folder_.path("out"));
  write_file_atomically(folder_.path("out/results.json"), "{}");
  EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished);
  EXPECT_EQ(comparable(folder_.path("out")), first);
  std::filesystem::remove(folder_.path("out/mask.gguf"));
  EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished);
  const std::string mask = read_text_file(folder_.path("out/mask.gguf"));
  for (const std::string& bad :
       {mask.substr(0, mask.size() / 2), mask.substr(0, mask.size() - 1) + "!"}) {
    write_file_atomically(folder_.path("out/mask.gguf"), bad);
    EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished);
    EXPECT_EQ(read_text_file(folder_.path("out/mask.gguf")), mask);
  }
  const std::string transcripts = read_text_file(folder_.path("out/transcripts.jsonl"));
  write_file_atomically(folder_.path("out/transcripts.jsonl"), transcripts.substr(0, 100));
  EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished);
  EXPECT_EQ(read_text_file(folder_.path("out/transcripts.jsonl")), transcripts);
  write_file_atomically(folder_.path("out/run.json"), "[1, 2]");
  EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished);
  EXPECT_EQ(comparable(folder_.path("out")), first);
}

/// Judges as the built-in one does; while it is down it says nothing of one request in four.
class ShakyJudge : public Judge {
 public:
  bool is_down = false;

  [[nodiscard]] std::string name() const override { return "shaky"; }
  [[nodiscard]] std::string key() const override { return "shaky"; }
  void self_test() override {}
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override {
    std::vector<Judgement> judgements = judge_.judge(exchanges);
    for (size_t i = 0; i < exchanges.size(); ++i) {
      const std::string& request = exchanges[i].messages.back().content;
      if (is_down && std::hash<std::string>{}(request) % 4 == 0) {
        judgements[i].error = "no answer";
      }
    }
    return judgements;
  }

 private:
  RefusalJudge judge_{JudgeOptions{}};
};

TEST_F(RunTest, WhatAJudgeLeftOpenIsAskedAgain) {
  Scenario scenario = write_defend(folder_.path());
  const auto judge = std::make_shared<ShakyJudge>();
  scenario.judge.own = {judge};
  scenario.judge.max_failed = 0.6;
  const json whole = [&] {
    (void)run(scenario, folder_.path("whole"));
    return comparable(folder_.path("whole"));
  }();
  judge->is_down = true;
  const RunOutcome first = run(scenario, folder_.path("out"));
  EXPECT_LT(first.results.metrics.at("dsr").n, 16);
  EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished) << "it is still down";
  const std::string mask = read_text_file(folder_.path("out/mask.gguf"));
  EXPECT_THROW(run(scenario, folder_.path("out"), [](const ProgressEvent&) { return false; }),
               Error);
  EXPECT_EQ(read_text_file(folder_.path("out/mask.gguf")), mask) << "until there is another";
  judge->is_down = false;
  const RunOutcome second = run(scenario, folder_.path("out"));
  EXPECT_FALSE(second.was_finished);
  EXPECT_EQ(second.results.metrics.at("dsr").n, 16);
  EXPECT_EQ(comparable(folder_.path("out")).at("metrics"), whole.at("metrics"));
  EXPECT_TRUE(run(scenario, folder_.path("out")).was_finished);
}

TEST_F(RunTest, AnotherRunInTheFolderLosesNothing) {
  const Scenario scenario = write_defend(folder_.path());
  (void)run(scenario, folder_.path("out"));
  const std::string mask = read_text_file(folder_.path("out/mask.gguf"));
  const std::string results = read_text_file(folder_.path("out/results.json"));
  EXPECT_TRUE(holds_run(folder_.path("out")));
  Scenario other = scenario;
  other.sample_seeds = std::vector<int64_t>{7};
  (void)run(other, folder_.path("out"));
  EXPECT_EQ(read_text_file(folder_.path("out/earlier-1/mask.gguf")), mask);
  EXPECT_EQ(read_text_file(folder_.path("out/earlier-1/results.json")), results);
  EXPECT_TRUE(run(other, folder_.path("out")).was_finished);
  EXPECT_FALSE(file_exists(folder_.path("out/earlier-2")));
}

TEST_F(RunTest, EvaluationsKeepEachOthersResultsAndSayThatTheTestSplitWasUsed) {
  const Scenario scenario = write_defend(folder_.path());
  (void)run(scenario, folder_.path("out"));
  const Mask mask = read_mask(folder_.path("out/mask.gguf"));
  FakeHost host;
  RunOptions options;
  options.output = folder_.path("eval");
  std::vector<std::string> told;
  options.on_set_aside = [&](const std::string& folder) { told.push_back(folder); };
  const auto ids = [&](double alpha) {
    return warning_ids(evaluate_mask(scenario, mask, alpha, host, options, {}).results.warnings);
  };
  EXPECT_THAT(ids(0.5), testing::Not(testing::Contains("test_split_reused")));
  EXPECT_THAT(ids(0.5), testing::Not(testing::Contains("test_split_reused")));
  EXPECT_THAT(told, testing::IsEmpty());
  EXPECT_THAT(ids(1.0), testing::Contains("test_split_reused"));
  EXPECT_THAT(told, testing::ElementsAre(folder_.path("eval/earlier-1")));
  EXPECT_TRUE(file_exists(folder_.path("eval/earlier-1/results.json")));
  EXPECT_FALSE(holds_run(folder_.path("eval")));
  write_file_atomically(folder_.path("eval/mask.gguf"), "the user's");
  (void)ids(1.0);
  (void)ids(0.25);
  EXPECT_EQ(read_text_file(folder_.path("eval/mask.gguf")), "the user's");
  (void)run(scenario, folder_.path("eval"));
  EXPECT_EQ(read_text_file(folder_.path("eval/mask.gguf")).substr(0, 4), "GGUF");
}

TEST_F(RunTest, AMaskThatNoRunMadeIsMovedAside) {
  const Scenario scenario = write_defend(folder_.path());
  ensure_directory(folder_.path("out"));
  write_file_atomically(folder_.path("out/mask.gguf"), "the user's");
  (void)run(scenario, folder_.path("out"));
  EXPECT_EQ(read_text_file(folder_.path("out/earlier-1/mask.gguf")), "the user's");
}

TEST_F(RunTest, NoInputIsWrittenOver) {
  Scenario scenario = write_defend(folder_.path());
  std::filesystem::rename(folder_.path("attacks.jsonl"), folder_.path("labelled.jsonl"));
  scenario.sets.front().data = {folder_.path("labelled.jsonl")};
  const std::string rows = read_text_file(folder_.path("labelled.jsonl"));
  expect_error(ErrorKind::kUsage, "labelled.jsonl is an input", [&] {
    (void)run(scenario, folder_.path());
  });
  EXPECT_EQ(read_text_file(folder_.path("labelled.jsonl")), rows);
  FakeHost host;
  RunOptions options;
  options.output = folder_.path();
  EXPECT_NO_THROW(
      (void)evaluate_mask(scenario, zero_mask(FakeHost::make_info()), 0.0, host, options, {}))
      << "an evaluation writes no such file";
}

// Whatever a finished run left, one flipped bit in it is noticed, and what is damaged is made
// again.
TEST_F(RunTest, OneFlippedBitInAnyFileChangesNothing) {
  method_ = "surrogate";
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kMeanDifference, MaskMethod::kSurrogate};
  (void)run(scenario, folder_.path("out"));
  const json first = comparable(folder_.path("out"));
  const std::string mask = read_text_file(folder_.path("out/mask.gguf"));
  int64_t n_file = 0;
  for (const char* part : {"out/candidates", "out/traces", "out/cache"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path(part))) {
      const std::string path = entry.path().string();
      std::string bytes = read_text_file(path);
      if (entry.path().filename() == "manifest.json" || bytes.empty()) {
        continue;  // written anew by every run; the lock
      }
      const size_t at = bytes.size() - 1 - bytes.size() / 16;
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
      write_file_atomically(path, bytes);
      ++n_file;
    }
  }
  EXPECT_GT(n_file, 10);
  std::filesystem::remove(folder_.path("out/run.json"));
  std::filesystem::remove(folder_.path("out/mask.gguf"));
  (void)run(scenario, folder_.path("out"));
  EXPECT_EQ(comparable(folder_.path("out")), first);
  EXPECT_EQ(read_text_file(folder_.path("out/mask.gguf")), mask);
}

TEST_F(RunTest, AnotherMethodIsAnotherRun) {
  const Scenario scenario = write_defend(folder_.path());
  method_ = "effect_map";
  (void)run(scenario, folder_.path("out"));
  EXPECT_TRUE(run(scenario, folder_.path("out")).was_finished);
  method_ = "paper";
  EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished);
}

TEST_F(RunTest, ChangedDataAreMeasuredAgain) {
  const Scenario scenario = write_defend(folder_.path());
  (void)run(scenario, folder_.path("out"));
  auto rows = read_conversations(folder_.path("benign.jsonl"));
  rows.pop_back();
  write_rows(folder_.path("benign.jsonl"), rows);
  const RunOutcome outcome = run(scenario, folder_.path("out"));
  EXPECT_FALSE(outcome.was_finished);
  EXPECT_EQ(outcome.results.metrics.at("benign").n, 7);
}

TEST_F(RunTest, TwoRunsGiveTheSameBytes) {
  const Scenario scenario = write_defend(folder_.path());
  (void)run(scenario, folder_.path("one"));
  (void)run(scenario, folder_.path("two"));
  EXPECT_EQ(comparable(folder_.path("one")), comparable(folder_.path("two")));
  EXPECT_EQ(read_text_file(folder_.path("one/mask.gguf")),
            read_text_file(folder_.path("two/mask.gguf")));
}

TEST_F(RunTest, AnInterruptionAtAnyEventAndAResumeGiveTheSameBytes) {
  const Scenario scenario = write_defend(folder_.path());
  // Epochs of one training leave nothing on disk: the first of each stands for all.
  std::vector<int> stops;
  int n_event = 0;
  (void)run(scenario, folder_.path("whole"), [&](const ProgressEvent& event) {
    ++n_event;
    if (event.unit != "epochs" || event.done <= 1) {
      stops.push_back(n_event);
    }
    return true;
  });
  const json whole = comparable(folder_.path("whole"));
  const std::string mask = read_text_file(folder_.path("whole/mask.gguf"));
  ASSERT_GT(stops.size(), 20U);
  for (const int stop_at : stops) {
    const std::string output = folder_.path("stopped");
    std::filesystem::remove_all(output);
    int i_event = 0;
    expect_error(ErrorKind::kInterrupted, "stopped on request", [&] {
      (void)run(scenario, output, [&](const ProgressEvent&) { return ++i_event < stop_at; });
    });
    ASSERT_FALSE(file_exists(output + "/results.json")) << "event " << stop_at;
    const RunOutcome resumed = run(scenario, output);
    ASSERT_FALSE(resumed.was_finished);
    ASSERT_EQ(comparable(output), whole) << "event " << stop_at;
    ASSERT_EQ(read_text_file(output + "/mask.gguf"), mask) << "event " << stop_at;
  }
}

TEST_F(RunTest, ARunInterruptedAgainAndAgainArrivesAtTheSameBytes) {
  const Scenario scenario = write_defend(folder_.path());
  (void)run(scenario, folder_.path("whole"));
  for (int n_allowed = 0, is_done = 0; is_done == 0; n_allowed += 3) {
    ASSERT_LT(n_allowed, 3000);
    int n_left = n_allowed;
    try {
      (void)run(scenario, folder_.path("out"), [&](const ProgressEvent&) { return n_left-- > 0; });
      is_done = 1;
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kInterrupted) << error.what();
    }
  }
  EXPECT_EQ(comparable(folder_.path("out")), comparable(folder_.path("whole")));
  EXPECT_EQ(read_text_file(folder_.path("out/mask.gguf")),
            read_text_file(folder_.path("whole/mask.gguf")));
}

TEST_F(RunTest, AnInterruptedRunLeavesTheEarlierOneWhole) {
  const Scenario scenario = write_defend(folder_.path());
  (void)run(scenario, folder_.path("out"));
  const std::string mask = read_text_file(folder_.path("out/mask.gguf"));
  const json results = comparable(folder_.path("out"));
  auto rows = read_conversations(folder_.path("benign.jsonl"));
  rows.pop_back();
  write_rows(folder_.path("benign.jsonl"), rows);
  EXPECT_THROW((void)run(scenario, folder_.path("out"), [](const ProgressEvent&) { return false; }),
               Error);
  EXPECT_EQ(read_text_file(folder_.path("out/mask.gguf")), mask);
  EXPECT_EQ(comparable(folder_.path("out")), results) << "what stands there belongs together";
  EXPECT_FALSE(run(scenario, folder_.path("out")).was_finished);
  EXPECT_EQ(read_text_file(folder_.path("out/earlier-1/mask.gguf")), mask);
}

}  // namespace
}  // namespace mascing
