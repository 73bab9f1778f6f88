// Generates replies to all conversations together, then scores each prompt and reply in one
// unsteered prefill.
#include "stage/ask.h"

#include "base/numeric.h"
#include "mascing/error.h"

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
      rendered.requests.push_back(
          {host.render(conversations[i]).tokens, options.steering, first_stream + i});
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

void add_likelihoods(Host& host, const Rendered& rendered, std::vector<AskedReply>& replies) {
  std::vector<ScoreRequest> requests;
  std::vector<size_t> index;
  for (size_t k = 0; k < rendered.index.size(); ++k) {
    const AskedReply& reply = replies[rendered.index[k]];
    if (!reply.ok() || reply.tokens.empty()) {
      continue;
    }
    ScoreRequest request;
    request.tokens = rendered.requests[k].tokens;
    request.begin = std::ssize(request.tokens);
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
  const Rendered rendered = render_all(host, conversations, options, first_stream, asked.replies);
  const HostCounters before = host.counters();
  const auto outcomes = host.generate(rendered.requests, options.sampling);
  const HostCounters after = host.counters();
  asked.generation = {after.n_prefill_token - before.n_prefill_token,
                      after.n_generated_token - before.n_generated_token,
                      after.seconds - before.seconds};
  for (size_t k = 0; k < outcomes.size(); ++k) {
    AskedReply& reply = asked.replies[rendered.index[k]];
    const Reply& value = outcomes[k].value;
    reply.error = outcomes[k].error;
    reply.text = value.text;
    reply.tokens = value.tokens;
    reply.hit_limit = value.finish == FinishReason::kLength;
    const double n_token = to_double(std::ssize(value.tokens));
    reply.mean_nll = value.tokens.empty() ? 0.0 : -value.log_prob / n_token;
  }
  if (is_active(options.steering)) {
    add_likelihoods(host, rendered, asked.replies);
  }
  return asked;
}

}  // namespace mascing
