// A jury is asked once about all replies of a turn; its members' opinions come with the verdicts.
#include "measure/rollout_judge.h"

#include <algorithm>

namespace mascing {
namespace {

constexpr const char* kRolloutSide = "played";
constexpr int64_t kCostlyTogether = 16;  // the batch size of command judges and of the cache

}  // namespace

JudgeReplies judged_by(Judge& judge, const RolloutQuestion& question, AgreementCount* agreement) {
  return [&judge, question, agreement](const std::vector<RolloutReply>& replies) {
    std::vector<Exchange> exchanges;
    exchanges.reserve(replies.size());
    for (const RolloutReply& rollout : replies) {
      exchanges.push_back(
          {rollout.messages, rollout.reply, question.answer_prefixes, question.set});
    }
    std::vector<RolloutVerdict> verdicts;
    verdicts.reserve(replies.size());
    for (const Judgement& judgement : judge.judge(exchanges)) {
      if (agreement != nullptr) {
        const RolloutReply& rollout = replies[verdicts.size()];
        agreement->add({question.set, rollout.id, kRolloutSide, rollout.reply, {}},
                       judgement.opinions);
      }
      verdicts.push_back({judgement.verdict, judgement.error});
    }
    return verdicts;
  };
}

bool sees_small_talk(const JudgeOptions& options, const RolloutQuestion& question) {
  if (question.behaviour == Verdict::kRefused ||
      (options.uses_prefixes && !question.answer_prefixes.empty())) {
    return true;
  }
  return std::any_of(options.also.begin(), options.also.end(), [&](const JudgeSpec& spec) {
    return spec.sets.empty() || question.set.empty() ||
           std::find(spec.sets.begin(), spec.sets.end(), question.set) != spec.sets.end();
  });
}

int64_t judged_together(const JudgeOptions& options) {
  const bool is_costly =
      std::any_of(options.also.begin(), options.also.end(), [](const JudgeSpec& spec) {
        return spec.kind == JudgeKind::kModel || spec.kind == JudgeKind::kEndpoint ||
               spec.kind == JudgeKind::kCommand;
      });
  return is_costly ? kCostlyTogether : 1;
}

}  // namespace mascing
