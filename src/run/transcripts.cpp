// Only what a reader needs: texts and verdicts, no tokens.
#include "run/transcripts.h"

#include "base/text.h"
#include "mascing/reply_parts.h"

namespace mascing {
namespace {

/// What stands before the visible part, without the marks where they are known ones.
std::string reasoning_of(const AskedReply& reply) {
  if (reply.n_reasoning_token == 0 && !reply.is_unfinished) {
    return "";
  }
  std::string reasoning = split_reply(reply.text).reasoning;
  if (!reasoning.empty()) {
    return reasoning;
  }
  const size_t end = reply.visible.empty() ? std::string::npos : reply.text.rfind(reply.visible);
  return trim(reply.text.substr(0, end));
}

TranscriptSide side_of(const AskedReply& reply, const JudgedReply& judged) {
  TranscriptSide side;
  side.reasoning = reasoning_of(reply);
  side.reply = reply.visible;
  side.verdict = judged.ok() ? to_string(judged.verdict) : "";
  for (const Opinion& opinion : judged.opinions) {
    side.opinions[opinion.judge] = to_string(opinion.verdict);
  }
  side.is_wanted = judged.is_wanted;
  side.is_coherent = judged.is_coherent;
  side.is_cut_off = reply.hit_limit;
  side.error = reply.ok() ? judged.error : reply.error;
  return side;
}

}  // namespace

std::vector<Transcript> transcripts_of(const ScenarioSet& set,
                                       const AskedSide& base,
                                       const AskedSide& steered) {
  std::vector<Transcript> transcripts;
  for (size_t i = 0; i < base.rows.size(); ++i) {
    const Conversation& row = base.rows[i];
    Transcript transcript;
    transcript.metric = set.metric;
    transcript.id = row.id;
    transcript.topic = row.topic;
    transcript.category = row.category;
    transcript.wanted = set.wanted == Wanted::kRefused ? "refused" : "answered";
    transcript.messages = row.messages;
    transcript.base = side_of(base.asked.replies.at(i), base.asked.judged.at(i));
    if (!steered.rows.empty()) {
      transcript.steered = side_of(steered.asked.replies.at(i), steered.asked.judged.at(i));
      if (steered.rows.at(i).messages != row.messages) {
        transcript.steered->messages = steered.rows[i].messages;
      }
    }
    transcripts.push_back(std::move(transcript));
  }
  return transcripts;
}

}  // namespace mascing
