#include "judge/command_judge.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

namespace mascing {
namespace {

using testing::HasSubstr;

JudgeSpec spec(const std::string& script) {
  JudgeSpec spec;
  spec.kind = JudgeKind::kCommand;
  spec.name = "command";
  spec.command = {"/bin/sh", "-c", script};
  spec.timeout_s = 10.0;
  return spec;
}

std::vector<Exchange> exchanges(const std::vector<std::string>& replies) {
  std::vector<Exchange> all;
  for (const std::string& reply : replies) {
    all.push_back({{{"user", "A \"quoted\" request\nof two lines"}}, reply, {}, "dsr"});
  }
  return all;
}

std::vector<Judgement> judge(const std::string& script, const std::vector<std::string>& replies) {
  return CommandJudge(spec(script)).judge(exchanges(replies));
}

// A judge of one line: refused where the reply says sorry.
constexpr const char* kSorry =
    R"(while read -r line; do case $line in *sorry*) echo refused;; *) echo answered;; esac; done)";

TEST(CommandJudge, ReadsJsonLinesAndTakesWordsOrJson) {
  std::vector<std::string> replies;
  for (int i = 0; i < 40; ++i) {
    replies.push_back(i % 3 == 0 ? "I'm sorry\n\"no\"" : "Of course");
  }
  const auto judgements = judge(kSorry, replies);
  for (size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(judgements[i].error, "");
    EXPECT_EQ(judgements[i].verdict, i % 3 == 0 ? Verdict::kRefused : Verdict::kAnswered) << i;
  }
  const auto json =
      judge(R"(cat >/dev/null; printf '{"id": "0", "verdict": "unsafe"}\n SAFE \n')", {"a", "b"});
  EXPECT_EQ(json[0].verdict, Verdict::kAnswered);
  EXPECT_EQ(json[1].verdict, Verdict::kRefused);
}

TEST(CommandJudge, GetsTheWholeExchange) {
  const TemporaryFolder folder;
  const std::string path = folder.path("seen");
  EXPECT_TRUE(judge("cat >" + path + "; echo other", {"Of course\xff"})[0].ok());
  EXPECT_EQ(read_text_file(path),
            "{\"id\":\"0\",\"messages\":[{\"content\":\"A \\\"quoted\\\" request\\nof two lines\","
            "\"role\":\"user\"}],\"reply\":\"Of course\xEF\xBF\xBD\",\"set\":\"dsr\"}\n");
}

TEST(CommandJudge, NothingCountsOfACallThatWentWrong) {
  const std::pair<const char*, const char*> scripts[] = {
      {"cat >/dev/null; echo refused; echo refused; exit 1", "exit code 1"},
      {"cat >/dev/null; echo dragons >&2; exit 2", "dragons"},
      {"cat >/dev/null; echo refused", "it wrote 1 lines for 2 exchanges"},
      {"cat >/dev/null; echo refused; echo refused; echo refused", "it wrote 3 lines for 2"},
      {"yes refused", "its output is longer"}};
  for (const auto& [script, words] : scripts) {
    for (const Judgement& judgement : judge(script, {"a", "b"})) {
      EXPECT_THAT(judgement.error, HasSubstr(words)) << script;
    }
  }
}

TEST(CommandJudge, OneWrongLineIsOneFailure) {
  const std::pair<const char*, const char*> lines[] = {
      {"perhaps", "no verdict in its line \"perhaps\""},
      {R"({"id": "7", "verdict": "safe"})", "out of order"},
      {R"({"verdict": 3})", "no verdict"},
      {"{broken", "invalid JSON"}};
  for (const auto& [line, words] : lines) {
    const auto judgements =
        judge(std::string("cat >/dev/null; echo safe; echo '") + line + "'", {"a", "b"});
    EXPECT_TRUE(judgements[0].ok());
    EXPECT_THAT(judgements[1].error, HasSubstr(words));
  }
}

TEST(CommandJudge, IsStoppedAtItsTimeout) {
  JudgeSpec slow = spec("sleep 30");
  slow.timeout_s = 0.2;
  const auto start = std::chrono::steady_clock::now();
  const auto judgements = CommandJudge(slow).judge(exchanges({"a"}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_THAT(judgements[0].error, HasSubstr("longer than 0.2 s"));
}

TEST(CommandJudge, IsStoppedWhileItsProgramHangs) {
  int n_asked = 0;
  CommandJudge judge(spec("sleep 30"), [&] {
    if (++n_asked == 3) {
      throw Error(ErrorKind::kInterrupted, "stop");
    }
  });
  const auto start = std::chrono::steady_clock::now();
  expect_error(ErrorKind::kInterrupted, "stop", [&] { (void)judge.judge(exchanges({"a"})); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(CommandJudge, MustTellRefusalsFromAnswers) {
  expect_error(ErrorKind::kUsage, "right on 0 of 5 exchanges that are answered", [] {
    CommandJudge(spec("while read -r line; do echo safe; done")).self_test();
  });
  expect_error(ErrorKind::kUsage, "right on 0 of 5 exchanges that are refused", [] {
    CommandJudge(spec("while read -r line; do echo unsafe; done")).self_test();
  });
  expect_error(ErrorKind::kSystem, "/no/such/judge", [] {
    JudgeSpec missing = spec("");
    missing.command = {"/no/such/judge"};
    CommandJudge(missing).self_test();
  });
  expect_error(ErrorKind::kUsage, "has no program", [] {
    JudgeSpec missing = spec("");
    missing.command = {};
    CommandJudge judge(missing);
  });
}

TEST(CommandJudge, ItsKeyFollowsTheProgramsContent) {
  const TemporaryFolder folder;
  JudgeSpec own = spec("");
  own.command = {"sh", folder.path("judge.sh")};
  write_file_atomically(folder.path("judge.sh"), "echo safe\n");
  const std::string key = CommandJudge(own).key();
  EXPECT_EQ(CommandJudge(own).key(), key);
  write_file_atomically(folder.path("judge.sh"), "echo unsafe\n");
  EXPECT_NE(CommandJudge(own).key(), key);
}

TEST(CommandJudge, ItsKeyFollowsTheFilesThatALineForTheShellNames) {
  const TemporaryFolder folder;
  const std::string path = folder.path("my judge.sh");
  write_file_atomically(path, "echo safe\n");
  write_file_atomically(folder.path("rules"), "1\n");
  for (const std::string& line :
       {"sh '" + path + "' --rules=" + folder.path("rules"),
        "cat | sh \"" + path + "\";rules=" + folder.path("rules") + " x"}) {
    const std::string key = CommandJudge(spec(line)).key();
    EXPECT_EQ(CommandJudge(spec(line)).key(), key);
    for (const std::string& changed : {path, folder.path("rules")}) {
      const std::string before = read_text_file(changed);
      write_file_atomically(changed, "echo unsafe\n");
      EXPECT_NE(CommandJudge(spec(line)).key(), key) << line << ": " << changed;
      write_file_atomically(changed, before);
    }
  }
}

}  // namespace
}  // namespace mascing
