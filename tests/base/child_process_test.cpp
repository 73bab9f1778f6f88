#include "base/child_process.h"

#include <chrono>
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"

namespace mascing {
namespace {

std::vector<std::string> shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

double seconds_of(const std::vector<std::string>& command, double timeout_s, ChildResult& result) {
  const auto start = std::chrono::steady_clock::now();
  result = run_child(command, "", {timeout_s, 1000});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(ChildProcess, GetsItsInputAndGivesItsOutput) {
  const ChildResult result = run_child({"cat"}, "a\nb\n", {});
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.output, "a\nb\n");
  EXPECT_EQ(result.complaints, "");
}

TEST(ChildProcess, PassesArgumentsAsTheyAre) {
  EXPECT_EQ(run_child({"printf", "%s|%s", "a b", "$HOME"}, "", {}).output, "a b|$HOME");
}

TEST(ChildProcess, MovesMoreThanAPipeHoldsBothWays) {
  const std::string input(3'000'000, 'x');
  const ChildResult result = run_child({"cat"}, input, {60.0, 1U << 22});
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.output, input);
}

TEST(ChildProcess, NeedNotReadItsInput) {
  const std::string input(3'000'000, 'x');
  EXPECT_TRUE(run_child({"true"}, input, {}).ok());
  EXPECT_EQ(run_child(shell("exec <&-; sleep 0.1; echo done"), input, {}).output, "done\n");
}

TEST(ChildProcess, SaysHowItEnded) {
  ChildResult result = run_child(shell("echo no >&2; exit 3"), "", {});
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.complaints, "no\n");
  result = run_child(shell("kill -9 $$"), "", {});
  EXPECT_EQ(result.exit_code, 128 + 9);
}

TEST(ChildProcess, IsKilledWithItsChildrenWhenItsTimeIsUp) {
  for (const char* script : {"sleep 30", "sleep 30 & sleep 30", "exec >&- 2>&-; sleep 30"}) {
    ChildResult result;
    EXPECT_LT(seconds_of(shell(script), 0.2, result), 5.0) << script;
    EXPECT_TRUE(result.has_timed_out) << script;
    EXPECT_FALSE(result.ok());
  }
}

TEST(ChildProcess, WhatItLeavesBehindDoesNotHoldUsUpBeyondTheTimeout) {
  ChildResult result;
  EXPECT_LT(seconds_of(shell("echo early; sleep 30 &"), 0.3, result), 5.0);
  EXPECT_EQ(result.output, "early\n");
}

// Programs inherit that it is ignored: nobody then learns how a child ended.
TEST(ChildProcess, WhereItsEndIsNotToldItDoesNotHoldUsUpAndIsNoSuccess) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  ChildResult result;
  EXPECT_LT(seconds_of(shell("echo done"), 60.0, result), 30.0);
  std::signal(SIGCHLD, before);
  EXPECT_EQ(result.output, "done\n");
  EXPECT_EQ(result.exit_code, -1);
  EXPECT_FALSE(result.ok());
  EXPECT_FALSE(result.has_timed_out);
  EXPECT_THAT(result.complaints, testing::HasSubstr("SIGCHLD"));
}

TEST(ChildProcess, MayBeGivenMoreTimeThanTheClockHolds) {
  EXPECT_TRUE(run_child({"true"}, "", {1e300, 1000}).ok());
}

TEST(ChildProcess, IsKilledWhenItWritesTooMuch) {
  ChildResult result;
  EXPECT_LT(seconds_of({"yes"}, 30.0, result), 5.0);
  EXPECT_TRUE(result.is_too_long);
  EXPECT_FALSE(result.has_timed_out);
  EXPECT_EQ(result.output.size(), 1000U);
}

TEST(ChildProcess, AProgramThatIsNotThereIsAnError) {
  expect_error(ErrorKind::kSystem, "/no/such/program", [] {
    (void)run_child({"/no/such/program"}, "", {});
  });
  expect_error(ErrorKind::kUsage, "no program", [] { (void)run_child({}, "", {}); });
}

}  // namespace
}  // namespace mascing
