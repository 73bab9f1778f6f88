// Each conversation is cut behind each of its user messages and asked with the openings of its set.
#include "run/turn_margins.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/numeric.h"
#include "mascing/error.h"
#include "search/discovery_replies.h"
#include "search/margin_check.h"

namespace mascing {
namespace {

constexpr const char* kUser = "user";

int64_t n_user_message(const Conversation& row) {
  return std::count_if(row.messages.begin(), row.messages.end(), [](const Message& message) {
    return message.role == kUser;
  });
}

bool has_reasoning(const AskedSide& side) {
  const auto& replies = side.asked.replies;
  return std::any_of(replies.begin(), replies.end(), [](const AskedReply& reply) {
    return reply.n_reasoning_token > 0;
  });
}

}  // namespace

void TurnMargins::leave_out(int64_t n_turn, const std::string& reason) {
  result_.n_left_out += n_turn;
  if (n_turn > 0 && std::find(reasons_.begin(), reasons_.end(), reason) == reasons_.end()) {
    reasons_.push_back(reason);
  }
}

void TurnMargins::add_turns(const AskedSide& base,
                            const AskedSide& steered,
                            size_t i_row,
                            size_t i_transcript,
                            SetTurns& asked) {
  const Conversation& row = steered.rows[i_row];
  const AskedReply& reply = base.asked.replies.at(i_row);
  const int64_t n_message = std::ssize(row.messages);
  for (int64_t i = 0; i < n_message; ++i) {
    const bool is_last = i + 1 == n_message;
    if (row.messages[i].role != kUser) {
      continue;
    }
    if (asked.reasons_first && !is_last) {
      leave_out(1, "a model that reasons has not reasoned yet at the end of earlier messages");
      continue;
    }
    if (asked.reasons_first && (!reply.ok() || base.rows[i_row].messages != row.messages)) {
      leave_out(1, "the reasoning without the mask answers another conversation");
      continue;
    }
    Conversation cut = row;
    cut.messages.resize(i + 1);
    const TokenSequence prefix =
        asked.reasons_first ? prefix_of(context_of(context_, margins_), reply) : TokenSequence();
    auto prompt = opening_prompt(context_.evaluator.host(), cut, prefix);
    if (!prompt) {
      leave_out(1, "the chat template does not take the beginning of a conversation");
      continue;
    }
    asked.set.prompts.push_back(std::move(prompt->tokens));
    asked.set.firsts.push_back(prompt->first);
    asked.turns.push_back({i_transcript, i});
  }
}

void TurnMargins::ask(const SetTurns& asked, std::vector<Transcript>& transcripts) {
  const auto& [reasons_first, set, turns] = asked;
  const int64_t n_turn = std::ssize(turns);
  report(context_.evaluator.progress(),
         {"testing: margins of " + set.name, 0, n_turn, "messages", ""});
  std::vector<Question> questions;
  for (const Steering& steering : {Steering(), steering_}) {
    for (int64_t i = 0; i < n_turn; ++i) {
      questions.push_back({0, i, steering});
    }
  }
  const std::vector<OutcomeSet> sets = {set};
  const int64_t n_token_before = context_.evaluator.asked().n_prefill;
  const std::vector<double> answers = context_.evaluator.outcomes(sets, key_of(sets), questions);
  result_.n_token += context_.evaluator.asked().n_prefill - n_token_before;
  for (int64_t i = 0; i < n_turn; ++i) {
    const TurnMargin margin{turns[i].i_message, answers.at(i), answers.at(n_turn + i)};
    if (!std::isfinite(margin.base) || !std::isfinite(margin.steered)) {
      leave_out(1, "the model could not read a conversation");
      continue;
    }
    ++result_.n_turn;
    transcripts[turns[i].i_transcript].routing->margins.push_back(margin);
  }
}

void TurnMargins::add(const AskedSide& base,
                      const AskedSide& steered,
                      size_t first,
                      std::vector<Transcript>& transcripts) {
  SetTurns asked = {has_reasoning(base), {}, {}};
  for (size_t i = 0; i < steered.rows.size(); ++i) {
    const Transcript& transcript = transcripts.at(first + i);
    if (!transcript.routing) {
      continue;
    }
    const auto found = margins_.sets.find(transcript.metric);
    if (found == margins_.sets.end()) {
      const std::string reason =
          "no openings tell the replies of '" + transcript.metric + "' apart";
      leave_out(n_user_message(steered.rows[i]),
                margins_.reason.empty() ? reason : margins_.reason);
      continue;
    }
    if (!asked.set.has_margin()) {
      asked.set = found->second;
    }
    add_turns(base, steered, i, first + i, asked);
  }
  if (asked.turns.empty()) {
    return;
  }
  try {
    ask(asked, transcripts);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kHost) {
      throw;
    }
    leave_out(std::ssize(asked.turns), error.what());
  }
}

TurnMarginsResult TurnMargins::result() const {
  TurnMarginsResult result = result_;
  for (const std::string& reason : reasons_) {
    result.reason += (result.reason.empty() ? "" : "; ") + reason;
  }
  return result;
}

}  // namespace mascing
