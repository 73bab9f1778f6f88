// A guard model through the real engine. The demo model knows nothing of judging: it must be turned
// away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "host/demo.h"
#include "judge/guard_judge.h"
#include "judge/judge_text.h"
#include "judge/known_exchanges.h"

namespace mascing {
namespace {

TEST(GuardOnLlama, AModelThatTellsTalesFailsTheSelfTest) {
  LlamaHostOptions options;
  options.path = MASCING_DEMO "/kingdom-planted-f16.gguf";
  options.n_thread = 1;
  options.allow_dense = true;
  JudgeSpec spec;
  spec.kind = JudgeKind::kModel;
  spec.name = "guard";
  spec.question.prompt = "{request} {reply}";  // the whole question is longer than its context
  GuardJudge judge(spec, open_llama_host(options), sampled_hash(options.path));
  expect_error(ErrorKind::kUsage, "no verdict in its answer", [&] { judge.self_test(); });
}

TEST(GuardOnLlama, RendersAConversationWithItsReply) {
  LlamaHostOptions options;
  options.path = MASCING_DEMO "/kingdom-planted-f16.gguf";
  options.n_thread = 1;
  const std::unique_ptr<Host> host = open_llama_host(options);
  EXPECT_THAT(host->chat_template(), testing::HasSubstr("messages"));
  const auto before = host->render_whole({{"user", "Good day."}});
  const auto whole = host->render_whole({{"user", "Good day."}, {"assistant", "I greet you."}});
  EXPECT_EQ(before, host->render({.id = "", .messages = {{"user", "Good day."}}}).tokens);
  EXPECT_GT(whole.size(), before.size());
}

}  // namespace
}  // namespace mascing
