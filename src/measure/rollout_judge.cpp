// See the header.
#include "measure/rollout_judge.h"

#include <algorithm>

namespace mascing {
namespace {

constexpr const char* kPlayedSide = "played";
constexpr int64_t kCostlyTogether = 16;  // as many as a program or the cache takes at a time

}  // namespace

JudgeReplies judged_by(Judge& judge, const PlayQuestion& question, AgreementCount* agreement) {
  return [&judge, question, agreement](const std::vector<PlayedReply>& replies) {
    std::vector<Exchange> exchanges;
    exchanges.reserve(replies.size());
    for (const PlayedReply& played : replies) {
      exchanges.push_back({played.messages, played.reply, question.answer_prefixes, question.set});
    }
    std::vector<PlayVerdict> verdicts;
    verdicts.reserve(replies.size());
    for (const Judgement& judgement : judge.judge(exchanges)) {
      if (agreement != nullptr) {
        const PlayedReply& played = replies[verdicts.size()];
        agreement->add({question.set, played.id, kPlayedSide, played.reply, {}},
                       judgement.opinions);
      }
      verdicts.push_back({judgement.verdict, judgement.error});
    }
    return verdicts;
  };
}

bool sees_small_talk(const JudgeOptions& options, const PlayQuestion& question) {
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
        return spec.kind != JudgeKind::kAnswerKey;
      });
  return is_costly ? kCostlyTogether : 1;
}

}  // namespace mascing
