// Generates replies to all conversations together, then scores each prompt and reply in one
// unsteered prefill.
#include "stage/ask.h"

#include <utility>

#include "base/numeric.h"
#include "mascing/error.h"
#include "mascing/reply_parts.h"

namespace mascing {
namespace {

struct Rendered {
  std::vector<size_t> index;  ///< position among the conversations
  std::vector<GenerateRequest> requests;
};

Rendered render_all(const Host& host,
                    const std::vector<Conversation>& conversations,
                    const AskOptions& options,
                    uint64_t first_stream,
                    std::vector<AskedReply>& replies) {
  Rendered rendered;
  for (size_t i = 0; i < conversations.size(); ++i) {
    replies[i].id = conversations[i].id;
    try {
      Prompt prompt = host.render(conversations[i]);
      rendered.requests.push_back(
          {std::move(prompt.tokens), options.steering, first_stream + i, prompt.opens_reasoning});
      rendered.index.push_back(i);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::kBadInput) {
        throw;
      }
      replies[i].error = e.what();
    }
  }
  return rendered;
}

void take_reply(const Reply& value, const ReplyFormat& format, AskedReply& reply) {
  ReplyParts parts = split_reply(value.text, format);
  reply.text = value.text;
  reply.visible = std::move(parts.visible);
  reply.is_unfinished = parts.is_unfinished;
  reply.tokens = value.tokens;
  reply.n_reasoning_token = value.n_reasoning_token;
  reply.hit_limit = value.finish == FinishReason::kLength;
  const int64_t n_visible = reply.n_visible_token();
  reply.mean_nll = n_visible == 0 ? 0.0 : -value.log_prob / to_double(n_visible);
}

void add_likelihoods(Host& host, const Rendered& rendered, std::vector<AskedReply>& replies) {
  std::vector<ScoreRequest> requests;
  std::vector<size_t> index;
  for (size_t k = 0; k < rendered.index.size(); ++k) {
    const AskedReply& reply = replies[rendered.index[k]];
    if (!reply.ok() || reply.n_visible_token() == 0) {
      continue;
    }
    ScoreRequest request;
    request.tokens = rendered.requests[k].tokens;
    request.begin = std::ssize(request.tokens) + reply.n_reasoning_token;
    request.tokens.insert(request.tokens.end(), reply.tokens.begin(), reply.tokens.end());
    requests.push_back(std::move(request));
    index.push_back(rendered.index[k]);
  }
  const auto scores = host.score(requests);
  for (size_t k = 0; k < scores.size(); ++k) {
    AskedReply& reply = replies[index[k]];
    if (scores[k].ok()) {
      reply.mean_nll = -scores[k].value.log_prob / to_double(scores[k].value.n_token);
    } else {
      reply.error = scores[k].error;
    }
  }
}

}  // namespace

Asked ask(Host& host,
          const std::vector<Conversation>& conversations,
          const AskOptions& options,
          uint64_t first_stream) {
  Asked asked;
  asked.replies.resize(conversations.size());
  const ReasoningMarks marks = host.reasoning_marks();
  const Rendered rendered = render_all(host, conversations, options, first_stream, asked.replies);
  const HostCounters before = host.counters();
  const auto outcomes = host.generate(rendered.requests, options.sampling);
  const HostCounters after = host.counters();
  asked.generation = {after.n_prefill_token - before.n_prefill_token,
                      after.n_generated_token - before.n_generated_token,
                      after.seconds - before.seconds};
  for (size_t k = 0; k < outcomes.size(); ++k) {
    AskedReply& reply = asked.replies[rendered.index[k]];
    reply.error = outcomes[k].error;
    if (reply.ok()) {
      take_reply(outcomes[k].value, {marks, rendered.requests[k].opens_reasoning}, reply);
    }
  }
  if (is_active(options.steering)) {
    add_likelihoods(host, rendered, asked.replies);
  }
  return asked;
}

}  // namespace mascing
