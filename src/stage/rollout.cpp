// A conversation is one multi-round request (Host::converse). A new attempt is just another prompt
// that shares a prefix with the cache.
#include "stage/rollout.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/sha256.h"
#include "mascing/error.h"
#include "mascing/reply_parts.h"

namespace mascing {
namespace {

/// One script in progress.
class ScriptState {
 public:
  ScriptState(const Conversation& script, const RolloutOptions& options)
      : options_(options), row_(script) {
    for (const Message& message : script.messages) {
      if (options.keep_replies || message.role != "assistant") {
        script_.push_back(message);
      }
    }
    while (!script_.empty() && script_.back().role != "user") {
      script_.pop_back();  // a reply without a question: the model is to write it
    }
  }

  /// Goes to the next user message that the model has to answer. False if there is none.
  bool advance() {
    while (at_ < script_.size()) {
      const Message& message = script_[at_++];
      said_.push_back(message);
      const bool has_reply = at_ < script_.size() && script_[at_].role == "assistant";
      n_user_ += message.role == "user" ? 1 : 0;
      if (message.role == "user" && !has_reply) {
        return true;
      }
    }
    return false;
  }

  void restart() {
    at_ = 0;
    n_user_ = 0;
    n_cut_ = 0;
    said_.clear();
    ++n_restart_;
  }

  /// The context for the model: system messages and the turns within the history limit.
  [[nodiscard]] Conversation view() const {
    Conversation seen = row_;
    seen.messages.clear();
    const int64_t first = options_.n_history > 0 ? n_user_ - options_.n_history : 0;
    int64_t i_user = 0;  // counted from 1
    for (const Message& message : said_) {
      i_user += message.role == "user" ? 1 : 0;
      if (message.role == "system" || i_user >= first) {
        seen.messages.push_back(message);
      }
    }
    return seen;
  }

  void add_reply(std::string visible, bool is_cut) {
    said_.push_back({"assistant", std::move(visible)});
    n_cut_ += is_cut ? 1 : 0;
  }

  [[nodiscard]] bool is_over() const { return at_ == script_.size(); }
  [[nodiscard]] int64_t turn() const { return n_user_; }
  [[nodiscard]] int64_t attempt() const { return n_restart_ + 1; }

  [[nodiscard]] Conversation result(std::string reply, int label) const {
    Conversation seen = view();
    seen.label = label;
    seen.reply = std::move(reply);
    seen.turn = turn();
    seen.attempt = attempt();
    seen.n_cut_turn = n_cut_;
    return seen;
  }

 private:
  const RolloutOptions& options_;
  Conversation row_;
  std::vector<Message> script_;
  std::vector<Message> said_;
  size_t at_ = 0;
  int64_t n_user_ = 0;
  int64_t n_restart_ = 0;
  int64_t n_cut_ = 0;  ///< replies of this attempt that the limit cut off, but for the last
};

class RolloutBatch {
 public:
  RolloutBatch(Host& host,
               const std::vector<Conversation>& scripts,
               const JudgeReplies& judge,
               const RolloutOptions& options,
               const OnRollout& on_rollout)
      : host_(host),
        scripts_(scripts),
        judge_(judge),
        options_(options),
        on_rollout_(on_rollout),
        marks_(host.reasoning_marks()),
        is_opened_(scripts.size()) {}

  void run() {
    std::vector<GenerateRequest> requests;
    for (int64_t i = 0; i < std::ssize(scripts_); ++i) {
      states_.emplace_back(scripts_[i], options_);
      std::vector<int32_t> prompt = next_prompt(i);
      if (!prompt.empty()) {
        requests.push_back(
            {std::move(prompt), options_.steering, sha256_bits(scripts_[i].id), is_opened_[i]});
        index_.push_back(i);
      }
    }
    host_.converse(requests,
                   {options_.sampling, options_.n_together},
                   [this](const std::vector<FinishedReply>& replies) { return go_on(replies); });
  }

 private:
  /// Of the turn that comes; empty if it fails, which ends the conversation.
  std::vector<int32_t> next_prompt(int64_t i) {
    if (!states_[i].advance()) {
      fail(i, "[collect] there is no user message");
      return {};
    }
    try {
      Prompt prompt = host_.render(states_[i].view());
      is_opened_[i] = prompt.opens_reasoning;
      return std::move(prompt.tokens);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::kBadInput) {
        throw;
      }
      fail(i, e.what());
      return {};
    }
  }

  enum class Failure { kFinal, kUnjudged, kUnfinished };

  void fail(int64_t i, const std::string& why, Failure kind = Failure::kFinal) {
    Rollout rollout;
    rollout.is_unjudged = kind == Failure::kUnjudged;
    rollout.is_unfinished = kind == Failure::kUnfinished;
    rollout.i_script = i;
    rollout.row.id = scripts_[i].id;
    rollout.error =
        states_[i].turn() > 1 ? "turn " + std::to_string(states_[i].turn()) + ": " + why : why;
    on_rollout_(std::move(rollout));
  }

  /// A reply in its parts, and whether the token limit cut it off.
  struct Turn {
    ReplyParts parts;
    bool is_cut = false;
  };

  std::vector<std::vector<int32_t>> go_on(const std::vector<FinishedReply>& replies) {
    std::vector<Turn> turns(replies.size());
    for (size_t k = 0; k < replies.size(); ++k) {
      const Reply& reply = replies[k].reply.value;
      const int64_t i = index_[replies[k].i_request];
      turns[k] = {split_reply(reply.text, {marks_, is_opened_[i]}),
                  reply.finish == FinishReason::kLength};
    }
    const std::vector<std::optional<RolloutVerdict>> verdicts = judge(replies, turns);
    std::vector<std::vector<int32_t>> prompts(replies.size());
    for (size_t k = 0; k < replies.size(); ++k) {
      const int64_t i = index_[replies[k].i_request];
      if (!replies[k].reply.ok()) {
        fail(i, replies[k].reply.error);
      } else if (turns[k].parts.is_unfinished) {
        prompts[k] = after_unfinished(i);
      } else if (verdicts[k] && !verdicts[k]->ok()) {
        fail(i, verdicts[k]->error, Failure::kUnjudged);
      } else {
        const bool is_seen = verdicts[k] && verdicts[k]->verdict == options_.behaviour;
        prompts[k] = after_reply(i, std::move(turns[k]), is_seen);
      }
    }
    return prompts;
  }

  /// Of the replies that are to be judged.
  std::vector<std::optional<RolloutVerdict>> judge(const std::vector<FinishedReply>& replies,
                                                   const std::vector<Turn>& turns) {
    std::vector<RolloutReply> to_judge;
    std::vector<size_t> index;
    for (size_t k = 0; k < replies.size(); ++k) {
      const ScriptState& state = states_[index_[replies[k].i_request]];
      const bool is_asked = options_.judge_every_turn || state.is_over();
      if (replies[k].reply.ok() && is_asked && !turns[k].parts.is_unfinished) {
        const Conversation view = state.view();
        to_judge.push_back({view.messages, turns[k].parts.visible, view.id});
        index.push_back(k);
      }
    }
    std::vector<std::optional<RolloutVerdict>> all(replies.size());
    if (to_judge.empty()) {
      return all;
    }
    std::vector<RolloutVerdict> verdicts = judge_(to_judge);
    for (size_t m = 0; m < index.size(); ++m) {
      all[index[m]] = std::move(verdicts.at(m));
    }
    return all;
  }

  /// Another attempt may get to its visible part.
  std::vector<int32_t> after_unfinished(int64_t i) {
    if (states_[i].attempt() < options_.n_attempt) {
      states_[i].restart();
      return next_prompt(i);
    }
    fail(i, "the reply ended within the model's reasoning", Failure::kUnfinished);
    return {};
  }

  std::vector<int32_t> after_reply(int64_t i, Turn turn, bool is_seen) {
    ScriptState& state = states_[i];
    const bool is_last_attempt = state.attempt() >= options_.n_attempt;
    if (is_seen || (state.is_over() && is_last_attempt)) {
      on_rollout_({i,
                   state.result(std::move(turn.parts.visible), is_seen ? 1 : 0),
                   turn.is_cut,
                   false,
                   ""});
      return {};
    }
    if (state.is_over()) {
      state.restart();
    } else {
      state.add_reply(std::move(turn.parts.visible), turn.is_cut);
    }
    return next_prompt(i);
  }

  Host& host_;
  const std::vector<Conversation>& scripts_;
  const JudgeReplies& judge_;
  const RolloutOptions& options_;
  const OnRollout& on_rollout_;
  ReasoningMarks marks_;
  std::vector<bool> is_opened_;  ///< of each script: its prompt ends within reasoning
  std::vector<ScriptState> states_;
  std::vector<int64_t> index_;  ///< of each request: its script
};

}  // namespace

void run_rollouts(Host& host,
                  const std::vector<Conversation>& scripts,
                  const JudgeReplies& judge,
                  const RolloutOptions& options,
                  const OnRollout& on_rollout) {
  RolloutBatch(host, scripts, judge, options, on_rollout).run();
}

}  // namespace mascing
