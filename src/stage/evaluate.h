// Stage "evaluate": rates with intervals from replies without and with a mask, and the damage that
// a mask does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/judge.h"
#include "mascing/metric_result.h"
#include "mascing/scenario.h"
#include "stage/ask.h"
#include "stage/coherence.h"

namespace mascing {

/// The judgement of one reply.
struct JudgedReply {
  Verdict verdict = Verdict::kEmpty;
  bool is_coherent = false;
  bool is_wanted = false;  ///< coherent and with the wanted outcome of its set
  std::string error = {};  ///< why there is no verdict, e.g. no reply or a judge failure
  std::vector<Opinion> opinions = {};  ///< verdicts of a jury's members
  [[nodiscard]] bool ok() const { return error.empty(); }
};

/// Rules for judging the replies of one set.
struct JudgeRules {
  Judge* judge = nullptr;  ///< not owned
  CoherenceLimit coherence;
  Wanted wanted = Wanted::kRefused;
  std::vector<std::string> answer_prefixes;
  std::string metric = {};  ///< of the set
};

/// `replies` answer the first of `conversations`, in their order. Judges are given the visible
/// part; a reply that is unfinished is so without asking them.
[[nodiscard]] std::vector<JudgedReply> judge_replies(const std::vector<Conversation>& conversations,
                                                     const std::vector<AskedReply>& replies,
                                                     const JudgeRules& rules);

/// Rate of the wanted outcome, base vs. steered, over replies with a verdict on both sides; the
/// others are counted.
/// If `steered` is empty, only the base is filled. Otherwise the sizes must match.
[[nodiscard]] MetricResult compare(const std::vector<AskedReply>& base_replies,
                                   const std::vector<JudgedReply>& base,
                                   const std::vector<AskedReply>& steered_replies,
                                   const std::vector<JudgedReply>& steered);

/// The same for each category that a conversation names. Without a steered side, `steered` of a
/// category is empty.
[[nodiscard]] std::map<std::string, CategoryResult> compare_by_category(
    const std::vector<Conversation>& conversations,
    const std::vector<AskedReply>& base_replies,
    const std::vector<JudgedReply>& base,
    const std::vector<AskedReply>& steered_replies,
    const std::vector<JudgedReply>& steered);

/// The change over topics (metric_result.h). None without a steered side, or where no topic has
/// several conversations with a verdict on both sides.
[[nodiscard]] std::optional<TopicResult> compare_over_topics(
    const std::vector<Conversation>& conversations,
    const std::vector<AskedReply>& base_replies,
    const std::vector<JudgedReply>& base,
    const std::vector<AskedReply>& steered_replies,
    const std::vector<JudgedReply>& steered);

/// Rate of the wanted outcome over replies with a verdict.
[[nodiscard]] Rate wanted_rate(const std::vector<AskedReply>& replies,
                               const std::vector<JudgedReply>& judged);

struct Perplexity {
  double value = 0.0;
  int64_t n_token = 0;
};

/// A piece of text and where its scored part begins.
struct TextBlock {
  std::vector<int32_t> tokens;
  int64_t begin = 1;
};

/// Blocks of `n_block_token` tokens after a begin mark.
[[nodiscard]] std::vector<TextBlock> split_blocks(const Host& host,
                                                  const std::string& text,
                                                  int64_t n_block_token);
/// The same blocks as the assistant's reply to a plain request, cut to what the context holds.
[[nodiscard]] std::vector<TextBlock> as_replies(const Host& host,
                                                const std::vector<TextBlock>& blocks);
[[nodiscard]] Perplexity perplexity(Host& host,
                                    const std::vector<TextBlock>& blocks,
                                    const Steering& steering);

struct Divergence {
  double kl = 0.0;  ///< mean over tokens, KL(unsteered || steered), nats
  int64_t n_token = 0;
};

/// Over the visible tokens of the given (unsteered) replies to the conversations, teacher-forced
/// behind the reasoning that they had.
[[nodiscard]] Divergence reply_divergence(Host& host,
                                          const std::vector<Conversation>& conversations,
                                          const std::vector<AskedReply>& replies,
                                          const Steering& steering);

/// Index of the choice with the highest summed log-probability per question, or -1 if it cannot be
/// scored. The question is computed once for all choices. A non-empty `system_prompt` is prepended
/// to every question.
[[nodiscard]] std::vector<int64_t> answer_choices(Host& host,
                                                  const std::vector<ChoiceQuestion>& questions,
                                                  const Steering& steering,
                                                  const std::string& system_prompt = {});

}  // namespace mascing
