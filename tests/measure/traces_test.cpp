#include "measure/traces.h"

#include <utility>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/temporary_folder.h"
#include "host/fake_host.h"
#include "mascing/version.h"
#include "measure/cache.h"

namespace mascing {
namespace {

Conversation row_on_the_seal() {
  Conversation row;
  row.id = "one";
  row.messages = {{"user", "please the seal"}};
  row.label = 1;
  return row;
}

TEST(CollectTraces, AreMadeAgainForAHostThatMayAnswerOtherwise) {
  const TemporaryFolder folder;
  FakeHost host;
  const Conversation row = row_on_the_seal();
  const auto n_traced = [&](int64_t n_thread, const std::string& host_key) {
    const int64_t before = host.counters().n_prefill_token;
    const std::string context = context_key(host.describe(), n_thread, host_key);
    const Traced traced =
        collect_traces(host, {{"dsr", {row}}}, {folder.path("traces"), {}, {}, context}, {});
    EXPECT_EQ(traced.traces.traces.size(), 1U);
    EXPECT_EQ(traced.traces.traces.at(0).conversation, conversation_hash(row));
    const int64_t n_token = host.counters().n_prefill_token - before;
    EXPECT_EQ(traced.n_kept, n_token == 0 ? 1 : 0);
    return n_token;
  };
  EXPECT_GT(n_traced(1, "reasoning on"), 0);
  EXPECT_EQ(n_traced(1, "reasoning on"), 0) << "from the store";
  EXPECT_GT(n_traced(1, "reasoning off"), 0);
  EXPECT_GT(n_traced(2, "reasoning off"), 0);
  EXPECT_EQ(n_traced(1, "reasoning off"), 0) << "still there";
}

/// Fails on the first conversation that it is asked for, once.
class HostWithAHiccup : public FakeHost {
 public:
  std::vector<Result<RouterTrace>> trace(const std::vector<TraceRequest>& requests) override {
    auto results = FakeHost::trace(requests);
    if (!std::exchange(has_failed_, true)) {
      results.at(0).error = "a hiccup";
    }
    return results;
  }

 private:
  bool has_failed_ = false;
};

TEST(CollectTraces, WhatFailedOnceIsNamedEvenIfItWouldNotFailAgain) {
  const TemporaryFolder folder;
  HostWithAHiccup host;
  Conversation other = row_on_the_seal();
  other.id = "two";
  other.messages[0].content = "the mill";
  const Traced traced = collect_traces(
      host, {{"dsr", {row_on_the_seal(), other}}}, {folder.path("traces"), {}, {}, "key"}, {});
  EXPECT_EQ(traced.traces.traces.size(), 1U);
  ASSERT_EQ(traced.skipped.size(), 1U);
  EXPECT_EQ(traced.skipped[0].id, "one");
  EXPECT_NE(traced.skipped[0].reason.find("trace into a new folder"), std::string::npos);
}

TEST(ContextKey, HasVersionModelThreadsAndOptions) {
  ModelInfo info;
  info.identity = "f00d";
  EXPECT_EQ(context_key(info, 2, "8/512"),
            std::string("[\"") + version() + "\",\"f00d\",2,\"8/512\"]");
}

TEST(CollectTraces, AnIdThatASetHasTwiceIsRefusedBeforeAnythingIsTraced) {
  const TemporaryFolder folder;
  FakeHost host;
  const Conversation row = row_on_the_seal();
  const TraceStoreOptions store{folder.path("traces"), {}, {}, "key"};
  for (const std::vector<TraceInput>& twice :
       {std::vector<TraceInput>{{"dsr", {row, row}}}, {{"dsr", {row}}, {"dsr", {row}}}}) {
    expect_error(ErrorKind::kBadInput, "set 'dsr' has id 'one' twice", [&] {
      (void)collect_traces(host, twice, store, {});
    });
  }
  EXPECT_EQ(host.counters().n_prefill_token, 0);
  const Traced of_two_sets = collect_traces(host, {{"dsr", {row}}, {"osr", {row}}}, store, {});
  EXPECT_EQ(of_two_sets.traces.traces.size(), 2U);
}

}  // namespace
}  // namespace mascing
