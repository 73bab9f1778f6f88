// Collections on disk: the same bytes after any interruption, in shards, and merged again.
#include "measure/rollouts.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "mascing/conversation_file.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

using testing::HasSubstr;

std::vector<RolloutVerdict> judge_by_prefix(const std::vector<RolloutReply>& replies) {
  std::vector<RolloutVerdict> verdicts;
  for (const RolloutReply& reply : replies) {
    const bool is_refused = reply.reply.starts_with("I'm sorry");
    verdicts.push_back({is_refused ? Verdict::kRefused : Verdict::kAnswered});
  }
  return verdicts;
}

/// Twenty scripts of two turns; number 7 is too long.
std::vector<Conversation> scripts() {
  std::vector<Conversation> rows;
  std::string endless;
  for (int i = 0; i < 80; ++i) {
    endless += "word ";
  }
  for (int i = 0; i < 20; ++i) {
    Conversation row;
    row.id = "s" + std::to_string(i);
    row.topic = "topic" + std::to_string(i / 4);
    row.messages = {{"user", "the seal"},
                    {"user",
                     i == 7       ? endless
                     : i % 3 == 0 ? "the seal now"
                                  : "please the seal"}};
    rows.push_back(row);
  }
  return rows;
}

class RolloutFileTest : public testing::Test {
 protected:
  RolloutFileTest() { write_rows(folder_.path("scripts.jsonl"), scripts()); }

  [[nodiscard]] RolloutJob job(const std::string& output) const {
    RolloutJob job;
    job.inputs = {folder_.path("scripts.jsonl")};
    job.output = folder_.path(output);
    job.n_group = 4;
    job.options.sampling.n_max_token = 20;
    return job;
  }
  RolloutSummary collect(const RolloutJob& job, const Progress& progress = {}) {
    FakeHost host;
    RolloutSummary summary = collect_rollouts(host, job, judge_by_prefix, progress);
    n_generated_ = host.counters().n_generated_token;
    return summary;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    return read_text_file(folder_.path(name));
  }

  TemporaryFolder folder_;
  int64_t n_generated_ = 0;
};

TEST_F(RolloutFileTest, WritesLabelledConversationsInTheOrderOfTheInputs) {
  const RolloutSummary summary = collect(job("out.jsonl"));
  EXPECT_EQ(summary.n_script, 20);
  EXPECT_EQ(summary.n_label_0, 7);
  EXPECT_EQ(summary.n_label_1, 12);
  ASSERT_EQ(summary.failed.size(), 1U);
  EXPECT_EQ(summary.failed[0].id, "s7");
  EXPECT_THAT(summary.failed[0].reason, HasSubstr("turn 2: too long"));
  const auto rows = read_conversations(folder_.path("out.jsonl"));
  ASSERT_EQ(rows.size(), 19U);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].id, "s" + std::to_string(i < 7 ? i : i + 1));
    EXPECT_EQ(rows[i].label, rows[i].messages.back().content == "please the seal" ? 1 : 0);
    EXPECT_EQ(rows[i].turn, 2);
  }
}

TEST_F(RolloutFileTest, TurnsThatWereCutOffAreCountedAndMarked) {
  RolloutJob cut = job("cut.jsonl");
  cut.options.sampling.n_max_token = 4;
  const RolloutSummary summary = collect(cut);
  EXPECT_EQ(summary.n_cut, 19);
  EXPECT_EQ(summary.n_at_limit, 19);
  EXPECT_EQ(summary.n_with_cut, 19) << "conversations, however many of their replies";
  for (const Conversation& row : read_conversations(folder_.path("cut.jsonl"))) {
    EXPECT_EQ(row.n_cut_turn, 1);
  }
  EXPECT_EQ(collect(job("whole.jsonl")).n_cut, 0);
  EXPECT_THAT(read("whole.jsonl"), testing::Not(HasSubstr("cut_turns")));
}

TEST_F(RolloutFileTest, ConversationsThatEndWithinReasoningFailAndAreCounted) {
  FakeHost host;
  host.think("what is the harm", false);
  RolloutJob short_one = job("unfinished.jsonl");
  short_one.options.sampling.n_max_reasoning_token = 2;
  try {
    (void)collect_rollouts(host, short_one, judge_by_prefix, {});
    FAIL() << "all of them have failed";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInsufficient);
    EXPECT_THAT(error.hint(), HasSubstr("--reasoning off or skip"));
  }
  RolloutJob long_one = job("finished.jsonl");
  long_one.options.sampling.n_max_reasoning_token = 20;
  const RolloutSummary summary = collect_rollouts(host, long_one, judge_by_prefix, {});
  EXPECT_EQ(summary.n_unfinished, 0);
  EXPECT_EQ(summary.n_label_0, 7);
  EXPECT_EQ(summary.n_label_1, 12);
  EXPECT_THAT(read("finished.jsonl"), testing::Not(HasSubstr("harm")));
}

TEST_F(RolloutFileTest, AnInterruptionAtAnyPointChangesNoByte) {
  (void)collect(job("whole.jsonl"));
  int64_t n_report = 0;
  (void)collect(job("counted.jsonl"), [&](const ProgressEvent&) { return ++n_report > 0; });
  ASSERT_GT(n_report, 20);
  for (int64_t stop = 0; stop < n_report; stop += 3) {
    const std::string name = "stopped" + std::to_string(stop) + ".jsonl";
    int64_t n = 0;
    expect_error(ErrorKind::kInterrupted, "stopped on request", [&] {
      (void)collect(job(name), [&](const ProgressEvent&) { return n++ < stop; });
    });
    EXPECT_FALSE(file_exists(folder_.path(name)));
    const RolloutSummary summary = collect(job(name));
    EXPECT_EQ(read(name), read("whole.jsonl")) << stop;
    EXPECT_EQ(summary.n_changed, 0);
  }
}

TEST_F(RolloutFileTest, AJournalCutAnywhereIsGoneOnWith) {
  (void)collect(job("whole.jsonl"));
  const std::string journal = read("whole.jsonl.journal");
  for (size_t n_byte = 0; n_byte < journal.size(); n_byte += 331) {
    write_file_atomically(folder_.path("cut.jsonl.journal"), journal.substr(0, n_byte));
    (void)collect(job("cut.jsonl"));
    EXPECT_EQ(read("cut.jsonl"), read("whole.jsonl")) << n_byte;
  }
  // Rubbish in the middle: what follows it is rolled out again.
  std::string broken = journal;
  broken.replace(journal.size() / 2, 3, "\0\xff\n", 3);
  write_file_atomically(folder_.path("cut.jsonl.journal"), broken);
  (void)collect(job("cut.jsonl"));
  EXPECT_EQ(read("cut.jsonl"), read("whole.jsonl"));
}

// A conversation with a damaged line is rolled out again; the lines behind it stay.
TEST_F(RolloutFileTest, OneFlippedBitInAJournalIsNoticed) {
  (void)collect(job("whole.jsonl"));
  const std::string journal = read("whole.jsonl.journal");
  const size_t first = journal.find('\n') + 1;
  for (size_t i = first; i < journal.size(); i += 97) {
    std::string bad = journal;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    write_file_atomically(folder_.path("bad.jsonl.journal"), bad);
    const RolloutSummary summary = collect(job("bad.jsonl"));
    EXPECT_EQ(read("bad.jsonl"), read("whole.jsonl")) << i;
    EXPECT_GE(summary.n_kept, 18) << i;
  }
}

TEST_F(RolloutFileTest, LinesOfEarlierVersionsHaveNoChecksumAndCount) {
  (void)collect(job("whole.jsonl"));
  std::string old = read("whole.jsonl.journal");
  for (size_t at = old.find(",\"sum\":\""); at != std::string::npos; at = old.find(",\"sum\":\"")) {
    old.erase(at, 25);
  }
  write_file_atomically(folder_.path("old.jsonl.journal"), old);
  EXPECT_EQ(collect(job("old.jsonl")).n_kept, 20);
  EXPECT_EQ(read("old.jsonl"), read("whole.jsonl"));
}

TEST_F(RolloutFileTest, AFinishedCollectionIsNotPlayedAgain) {
  (void)collect(job("out.jsonl"));
  const std::string before = read("out.jsonl");
  const RolloutSummary again = collect(job("out.jsonl"));
  EXPECT_EQ(again.n_kept, 20);
  EXPECT_EQ(n_generated_, 0);
  EXPECT_EQ(again.failed.size(), 1U);
  EXPECT_EQ(read("out.jsonl"), before);
}

TEST_F(RolloutFileTest, CorrectedRowsAreNotReplaced) {
  RolloutJob kept = job("out.jsonl");
  kept.keep_corrections = true;
  (void)collect(kept);
  const std::string collected = read("out.jsonl");
  std::string corrected = collected;
  corrected.replace(corrected.find("\"label\":1"), 9, "\"label\":0");
  write_file_atomically(kept.output, corrected);
  expect_error(ErrorKind::kUsage, "not as they were collected (1)", [&] { (void)collect(kept); });
  EXPECT_EQ(read("out.jsonl"), corrected);
  std::filesystem::remove(kept.output);
  (void)collect(kept);
  EXPECT_EQ(read("out.jsonl"), collected);
  write_file_atomically(kept.output, corrected);
  (void)collect(job("out.jsonl"));
  EXPECT_EQ(read("out.jsonl"), collected) << "a damaged cache is made anew";
}

TEST_F(RolloutFileTest, ARowKnowsItsScriptWhateverWasAddedOrLeftOut) {
  RolloutJob with_system = job("out.jsonl");
  with_system.system_prompt = "You are a page.";
  (void)collect(with_system);
  const std::vector<Conversation> all = scripts();
  for (const Conversation& row : read_conversations(folder_.path("out.jsonl"))) {
    EXPECT_EQ(conversation_hash(row), conversation_hash(all[std::stoi(row.id.substr(1))]));
  }
  Conversation foreign = all[0];
  foreign.script = "act two";
  write_rows(folder_.path("foreign.jsonl"), {foreign});
  EXPECT_EQ(read_conversations(folder_.path("foreign.jsonl"))[0].script, "");
}

TEST_F(RolloutFileTest, AnotherJobDoesNotTouchTheJournal) {
  (void)collect(job("out.jsonl"));
  const std::string before = read("out.jsonl.journal");
  RolloutJob other = job("out.jsonl");
  other.options.n_history = 1;
  expect_error(ErrorKind::kUsage, "other conversations, options", [&] { (void)collect(other); });
  write_file_atomically(folder_.path("out.jsonl.journal"), "not a journal\n");
  expect_error(ErrorKind::kUsage, "delete it", [&] { (void)collect(job("out.jsonl")); });
  EXPECT_EQ(read("out.jsonl.journal"), "not a journal\n");
  EXPECT_THAT(before, HasSubstr("mascing.collect"));
}

TEST_F(RolloutFileTest, AVerdictThatFailedIsAskedForAgain) {
  (void)collect(job("whole.jsonl"));
  bool has_ink = false;
  const JudgeReplies judge = [&](const std::vector<RolloutReply>& replies) {
    std::vector<RolloutVerdict> verdicts = judge_by_prefix(replies);
    for (size_t i = 0; i < replies.size(); ++i) {
      const bool is_hard = replies[i].messages.back().content == "the seal now";
      verdicts[i].error = is_hard && !has_ink ? "out of ink" : "";
    }
    return verdicts;
  };
  FakeHost host;
  const RolloutJob failing = job("out.jsonl");
  const RolloutSummary first = collect_rollouts(host, failing, judge, {});
  ASSERT_EQ(first.failed.size(), 8U);
  EXPECT_THAT(first.failed[0].reason, HasSubstr("out of ink"));
  EXPECT_EQ(first.n_label_0, 0);
  has_ink = true;
  const RolloutSummary second = collect_rollouts(host, failing, judge, {});
  ASSERT_EQ(second.failed.size(), 1U);
  EXPECT_EQ(second.failed[0].id, "s7");
  EXPECT_EQ(second.n_kept, 13);
  EXPECT_EQ(read("out.jsonl"), read("whole.jsonl"));
}

TEST_F(RolloutFileTest, ShardsSideBySideOrMergedAreTheWhole) {
  (void)collect(job("whole.jsonl"));
  RolloutJob merged = job("merged.jsonl");
  std::string side_by_side;
  for (int64_t i = 1; i <= 3; ++i) {
    RolloutJob part = job("part" + std::to_string(i) + ".jsonl");
    part.shard = {i, 3};
    EXPECT_LT(collect(part).n_script, 20);
    side_by_side += read("part" + std::to_string(i) + ".jsonl");
    merged.merge.push_back(part.output);
  }
  EXPECT_EQ(side_by_side, read("whole.jsonl"));
  (void)collect(merged);
  EXPECT_EQ(n_generated_, 0);
  EXPECT_EQ(read("merged.jsonl"), read("whole.jsonl"));
  // A shard that was lost is rolled out.
  RolloutJob lost = job("lost.jsonl");
  lost.merge = {merged.merge[0], merged.merge[2]};
  (void)collect(lost);
  EXPECT_GT(n_generated_, 0);
  EXPECT_EQ(read("lost.jsonl"), read("whole.jsonl"));
}

TEST_F(RolloutFileTest, RefusesWhatDoesNotFit) {
  RolloutJob twice = job("out.jsonl");
  twice.inputs.push_back(twice.inputs.front());
  expect_error(ErrorKind::kBadInput, "occurs twice", [&] { (void)collect(twice); });
  RolloutJob many = job("out.jsonl");
  many.shard = {1, 6};
  expect_error(ErrorKind::kUsage, "only 5 groups of 4", [&] { (void)collect(many); });
  RolloutJob other = job("other.jsonl");
  other.options.n_history = 1;
  (void)collect(other);
  RolloutJob merged = job("out.jsonl");
  merged.merge = {other.output};
  expect_error(ErrorKind::kMismatch, "different collections", [&] { (void)collect(merged); });
  merged.merge = {folder_.path("none.jsonl")};
  expect_error(ErrorKind::kBadInput, "none.jsonl", [&] { (void)collect(merged); });
  write_rows(folder_.path("scripts.jsonl"), {scripts()[7]});
  expect_error(ErrorKind::kInsufficient, "none of 1", [&] { (void)collect(job("failed.jsonl")); });
}

TEST(Shards, TakeNeighbouringBlocksAndLeaveNoneOut) {
  for (int64_t n = 1; n <= 7; ++n) {
    int64_t end = 0;
    for (int64_t i = 1; i <= n; ++i) {
      const ShardRange range = blocks_of({i, n}, 7, "blocks");
      EXPECT_EQ(range.begin, end);
      EXPECT_GE(range.end - range.begin, 7 / n);
      EXPECT_LE(range.end - range.begin, 7 / n + 1);
      end = range.end;
    }
    EXPECT_EQ(end, 7);
  }
  expect_error(ErrorKind::kUsage, "only 7 blocks", [] { (void)blocks_of({1, 8}, 7, "blocks"); });
}

TEST(Shards, AreWrittenAsOneOfSeveral) {
  EXPECT_EQ(parse_shard("2/4").i, 2);
  EXPECT_EQ(parse_shard("2/4").n, 4);
  EXPECT_TRUE(parse_shard("1/1").is_whole());
  for (const char* text : {"",
                           "2",
                           "2/",
                           "/4",
                           "0/4",
                           "5/4",
                           "2/4x",
                           "2 / 4",
                           "-1/4",
                           "1/0",
                           "99999999999999999999/4"}) {
    expect_error(ErrorKind::kUsage, "--shard", [&] { (void)parse_shard(text); });
  }
}

}  // namespace
}  // namespace mascing
