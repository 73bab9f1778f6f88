// Conversations that go on: the same replies as from prompts computed anew, with less computed.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "demo.h"

namespace mascing {
namespace {

using testing::HasSubstr;

constexpr int64_t kTurns = 3;
constexpr ConverseOptions kGreedy{{0.0F, 0, 16}, 1};

/// What was said in each conversation, and what it cost.
struct Transcript {
  std::vector<std::vector<std::string>> replies;
  std::vector<std::string> errors;
  int64_t n_prefill = 0;
  int64_t n_generated = 0;
  size_t most_together = 0;
};

/// Rolls out the user's side of demo attacks; replies become part of the next prompt.
class Players {
 public:
  Players(const Host& host, size_t n) : host_(host) {
    for (const Conversation& row : demo_attacks(n)) {
      Conversation script = row;
      std::erase_if(script.messages, [](const Message& m) { return m.role != "user"; });
      scripts_.push_back(script);
      Conversation opening;
      opening.messages = {script.messages.front()};
      talks_.push_back(opening);
    }
  }

  [[nodiscard]] std::vector<GenerateRequest> requests(const Steering& steering = {}) const {
    std::vector<GenerateRequest> all;
    for (const Conversation& talk : talks_) {
      all.push_back({host_.render(talk).tokens, steering, all.size()});
    }
    return all;
  }

  std::vector<int32_t> next(const FinishedReply& reply) {
    Conversation& talk = talks_[reply.i_request];
    const Conversation& script = scripts_[reply.i_request];
    const auto i_turn = static_cast<size_t>(reply.i_reply) + 1;
    if (static_cast<int64_t>(i_turn) >= kTurns || i_turn >= script.messages.size()) {
      return {};
    }
    talk.messages.push_back({"assistant", reply.reply.value.text});
    talk.messages.push_back(script.messages[i_turn]);
    return host_.render(talk).tokens;
  }

 private:
  const Host& host_;
  std::vector<Conversation> scripts_;
  std::vector<Conversation> talks_;
};

/// `anew`: by the plain loop over generate().
Transcript play(Host& host,
                size_t n,
                const ConverseOptions& options,
                bool anew,
                const Steering& steering = {}) {
  Players players(host, n);
  Transcript transcript;
  transcript.replies.resize(n);
  const NextPrompts next = [&](const std::vector<FinishedReply>& replies) {
    transcript.most_together = std::max(transcript.most_together, replies.size());
    std::vector<std::vector<int32_t>> prompts;
    for (const FinishedReply& reply : replies) {
      EXPECT_TRUE(reply.reply.ok()) << reply.reply.error;
      EXPECT_EQ(reply.i_reply, static_cast<int64_t>(transcript.replies[reply.i_request].size()));
      transcript.replies[reply.i_request].push_back(reply.reply.value.text);
      prompts.push_back(players.next(reply));
    }
    return prompts;
  };
  const HostCounters before = host.counters();
  if (anew) {
    host.Host::converse(players.requests(steering), options, next);
  } else {
    host.converse(players.requests(steering), options, next);
  }
  transcript.n_prefill = host.counters().n_prefill_token - before.n_prefill_token;
  transcript.n_generated = host.counters().n_generated_token - before.n_generated_token;
  return transcript;
}

TEST(Converse, GivesTheRepliesOfPromptsComputedAnewForLess) {
  const auto host = open_llama_host(demo_options());
  const Transcript plain = play(*host, 20, kGreedy, true);
  const Transcript kept = play(*host, 20, kGreedy, false);
  EXPECT_EQ(kept.replies, plain.replies);
  EXPECT_EQ(kept.n_generated, plain.n_generated);
  EXPECT_LT(static_cast<double>(kept.n_prefill), 0.6 * static_cast<double>(plain.n_prefill));
  EXPECT_EQ(play(*host, 20, kGreedy, false).replies, kept.replies) << "not repeatable";
}

TEST(Converse, ComputesNoTokenOfAPrefixTwice) {
  const auto host = open_llama_host(demo_options());
  const std::vector<int32_t> prompt = demo_prompts(*host, 1).front().tokens;
  const HostCounters before = host->counters();
  int64_t n_replies = 0;
  host->converse({{prompt, {}, 0}}, kGreedy, [&](const std::vector<FinishedReply>& replies) {
    // The reply as it was generated, and one token more: only what was never in a batch is
    // computed.
    std::vector<int32_t> next = prompt;
    const std::vector<int32_t>& reply = replies.front().reply.value.tokens;
    next.insert(next.end(), reply.begin(), reply.end());
    next.push_back(prompt.back());
    return std::vector<std::vector<int32_t>>{++n_replies == 1 ? next : std::vector<int32_t>()};
  });
  const int64_t n_new = host->counters().n_prefill_token - before.n_prefill_token -
                        static_cast<int64_t>(prompt.size());
  EXPECT_EQ(n_replies, 2);
  EXPECT_GE(n_new, 1);
  EXPECT_LE(n_new, 2) << "the last token of the reply and the new one, at most";
}

TEST(Converse, SamplesEachReplyFromAStreamOfItsOwn) {
  const auto host = open_llama_host(demo_options());
  const ConverseOptions sampled{{1.5F, 7, 16}, 1};
  // Not held against prompts computed anew: at this temperature last bits decide some tokens.
  EXPECT_EQ(play(*host, 6, sampled, false).replies, play(*host, 6, sampled, false).replies);
  // The same prompt again and again, as further attempts do.
  const std::vector<int32_t> prompt = demo_prompts(*host, 1).front().tokens;
  std::set<std::string> texts;
  host->converse({{prompt, {}, 0}}, sampled, [&](const std::vector<FinishedReply>& replies) {
    texts.insert(replies.front().reply.value.text);
    const bool goes_on = replies.front().i_reply < 5;
    return std::vector<std::vector<int32_t>>{goes_on ? prompt : std::vector<int32_t>()};
  });
  EXPECT_GT(texts.size(), 3U);
}

TEST(Converse, AFullCacheCostsTimeButChangesNothing) {
  const auto host = open_llama_host(demo_options());
  const Transcript wide = play(*host, 12, kGreedy, false);
  LlamaHostOptions options = demo_options();
  options.n_context = 256;
  options.n_parallel = 8;
  const auto narrow_host = open_llama_host(options);
  for (const int64_t n_together : {1, 4}) {
    const Transcript narrow = play(*narrow_host, 12, {kGreedy.sampling, n_together}, false);
    EXPECT_EQ(narrow.replies, wide.replies) << n_together;
  }
}

TEST(Converse, HandsRepliesOverTogether) {
  const auto host = open_llama_host(demo_options());
  const Transcript alone = play(*host, 16, kGreedy, false);
  const Transcript together = play(*host, 16, {kGreedy.sampling, 8}, false);
  EXPECT_EQ(together.replies, alone.replies);
  EXPECT_GE(together.most_together, 8U);
}

TEST(Converse, ASteeredConversationStaysSteered) {
  const auto host = open_llama_host(demo_options());
  const Steering steering{random_mask(host->describe(), 3), 2.0F};
  const Transcript steered = play(*host, 6, kGreedy, false, steering);
  EXPECT_EQ(steered.replies, play(*host, 6, kGreedy, true, steering).replies);
  EXPECT_NE(steered.replies, play(*host, 6, kGreedy, false).replies);
}

TEST(Converse, APromptThatIsTooLongFailsAloneAndAtItsTurn) {
  const auto host = open_llama_host(demo_options());
  const std::vector<int32_t> prompt = demo_prompts(*host, 1).front().tokens;
  const std::vector<int32_t> endless(static_cast<size_t>(host->context_size()) + 1, prompt.back());
  std::vector<std::vector<std::string>> errors(3);
  host->converse({{prompt, {}, 0}, {endless, {}, 1}, {prompt, {}, 2}},
                 kGreedy,
                 [&](const std::vector<FinishedReply>& replies) {
                   std::vector<std::vector<int32_t>> prompts;
                   for (const FinishedReply& reply : replies) {
                     errors[reply.i_request].push_back(reply.reply.error);
                     const bool is_first = reply.i_request == 0 && reply.i_reply == 0;
                     prompts.push_back(is_first ? endless : std::vector<int32_t>());
                   }
                   return prompts;
                 });
  ASSERT_EQ(errors[0].size(), 2U);
  EXPECT_EQ(errors[0][0], "");
  EXPECT_THAT(errors[0][1], HasSubstr("too long"));
  ASSERT_EQ(errors[1].size(), 1U);
  EXPECT_THAT(errors[1][0], HasSubstr("too long"));
  EXPECT_EQ(errors[2], std::vector<std::string>{""});
}

TEST(Converse, WhatTheCallerThrowsEndsTheWorkOfAllEngines) {
  LlamaHostOptions options = demo_options();
  options.n_thread = 2;
  const auto host = open_llama_host(options);
  Players players(*host, 12);
  int64_t n_call = 0;
  expect_error(ErrorKind::kInterrupted, "enough", [&] {
    host->converse(players.requests(), kGreedy, [&](const std::vector<FinishedReply>& replies) {
      if (++n_call > 3) {
        throw Error(ErrorKind::kInterrupted, "enough");
      }
      return std::vector<std::vector<int32_t>>(replies.size());
    });
  });
  EXPECT_EQ(n_call, 4);
  EXPECT_EQ(play(*host, 6, kGreedy, false).replies, play(*host, 6, kGreedy, true).replies);
}

}  // namespace
}  // namespace mascing
