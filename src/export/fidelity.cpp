// Processes one text at a time. Of the exact side's outputs, a piece is kept until the others are
// compared with it.
#include "export/fidelity.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/softmax.h"
#include "format/expert_choice.h"
#include "mascing/error.h"
#include "mascing/reply_parts.h"

namespace mascing {
namespace {

struct Texts {
  std::vector<TraceRequest> requests;  ///< prompt and the exact mask's reply
  int64_t n_reply = 0;
  int64_t n_changed = 0;
  int64_t n_decision = 0;
  int64_t n_unfinished = 0;
};

double divergence(const float* p, const float* q, int64_t n) {
  const double norm_p = log_normaliser(p, n);
  const double norm_q = log_normaliser(q, n);
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    const double log_p = p[i] - norm_p;
    sum += std::exp(log_p) * (log_p - (q[i] - norm_q));
  }
  return std::max(sum, 0.0);
}

void compare_decisions(const ReplyParts& wanted,
                       const ReplyParts& got,
                       const FidelityOptions& options,
                       Texts& texts) {
  if (wanted.is_unfinished || got.is_unfinished) {
    ++texts.n_unfinished;
  } else if (options.is_refusal) {
    texts.n_decision +=
        options.is_refusal(wanted.visible) != options.is_refusal(got.visible) ? 1 : 0;
  }
}

Texts generate_both(Host& exact,
                    Host& exported,
                    const std::vector<Conversation>& conversations,
                    const Steering& steering,
                    const FidelityOptions& options) {
  std::vector<GenerateRequest> steered;
  std::vector<GenerateRequest> plain;
  for (const Conversation& conversation : conversations) {
    try {
      const Prompt prompt = exact.render(conversation);
      steered.push_back({prompt.tokens, steering, 0, prompt.opens_reasoning});
      plain.push_back({prompt.tokens, {}, 0, prompt.opens_reasoning});
    } catch (const Error& failure) {
      if (failure.kind() != ErrorKind::kBadInput) {
        throw;
      }
    }
  }
  Sampling sampling;
  sampling.n_max_token = options.n_max_token;
  sampling.n_max_reasoning_token = options.n_max_reasoning_token;
  const auto wanted = exact.generate(steered, sampling);
  const auto got = exported.generate(plain, sampling);
  Texts texts;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i].ok() || !got[i].ok()) {
      continue;
    }
    ++texts.n_reply;
    texts.n_changed += wanted[i].value.text != got[i].value.text ? 1 : 0;
    const ReplyFormat format{exact.reasoning_marks(), steered[i].opens_reasoning};
    compare_decisions(split_reply(wanted[i].value.text, format),
                      split_reply(got[i].value.text, format),
                      options,
                      texts);
    TraceRequest request;
    request.tokens = steered[i].tokens;
    const std::vector<int32_t>& reply = wanted[i].value.tokens;
    request.tokens.insert(request.tokens.end(), reply.begin(), reply.end());
    request.span.end = std::min<int64_t>(std::ssize(request.tokens), exact.context_size());
    texts.requests.push_back(std::move(request));
  }
  return texts;
}

/// Experts chosen in one text, [T, L, K] flat. Where the token decides all are -1, as on the other
/// side.
std::vector<int32_t> read_choices(Host& host,
                                  const TraceRequest& request,
                                  const std::vector<LayerChoice>& layers) {
  const ModelInfo& info = host.describe();
  const int64_t k = std::clamp<int64_t>(info.n_expert_used, 1, info.n_expert);
  std::vector<int32_t> choices(request.span.end * info.n_layer * k, -1);
  std::vector<int32_t> chosen;
  (void)host.observe({request}, [&](const RouterView& view) {
    if (layers[view.i_layer].is_by_token) {
      return;
    }
    choose_experts(layers[view.i_layer], view.steered, info.n_expert, k, chosen);
    std::copy(chosen.begin(),
              chosen.end(),
              choices.begin() + (view.i_token * info.n_layer + view.i_layer) * k);
  });
  return choices;
}

void compare_choices(const std::vector<int32_t>& a,
                     const std::vector<int32_t>& b,
                     int64_t n_layer,
                     int64_t k,
                     FidelityRecord& record) {
  std::vector<int32_t> shared;
  const int64_t n_row = std::ssize(a) / k;
  for (int64_t i = 0; i < n_row; ++i) {
    shared.clear();
    const auto from = i * k;
    std::set_intersection(a.begin() + from,
                          a.begin() + from + k,
                          b.begin() + from,
                          b.begin() + from + k,
                          std::back_inserter(shared));
    const int64_t n_shared = std::ssize(shared);
    record.overlap[i % n_layer] += ratio(n_shared, k);
    record.same_experts[i % n_layer] += n_shared == k ? 1.0 : 0.0;
  }
}

/// Distances of a piece of a text, summed over its tokens.
struct PieceDistances {
  double exported = 0.0;
  double unsteered = 0.0;
};

/// Of one token after the other to the rows of `wanted`, the first of which is of the first token.
double distance_to(const std::vector<float>& wanted, Host& host, const TraceRequest& request) {
  const int64_t n_vocab = host.describe().n_vocab;
  double sum = 0.0;
  (void)host.observe_outputs({request}, [&](const OutputView& view) {
    const int64_t i_row = view.i_token - request.span.begin;
    sum += divergence(wanted.data() + i_row * n_vocab, view.logits, n_vocab);
  });
  return sum;
}

PieceDistances compare_piece(Host& exact,
                             Host& exported,
                             const TraceRequest& plain,
                             const Steering& steering) {
  const int64_t n_vocab = exact.describe().n_vocab;
  TraceRequest steered = plain;
  steered.steering = steering;
  std::vector<float> wanted(plain.span.size() * n_vocab);
  (void)exact.observe_outputs({steered}, [&](const OutputView& view) {
    std::copy_n(view.logits, n_vocab, wanted.begin() + (view.i_token - plain.span.begin) * n_vocab);
  });
  return {distance_to(wanted, exported, plain), distance_to(wanted, exact, plain)};
}

void compare_outputs(Host& exact,
                     Host& exported,
                     const TraceRequest& text,
                     const Steering& steering,
                     int64_t n_at_once,
                     FidelityRecord& record) {
  for (int64_t begin = 0; begin < text.span.end; begin += n_at_once) {
    TraceRequest piece = text;
    piece.span = {begin, std::min(text.span.end, begin + n_at_once)};
    piece.tokens.resize(piece.span.end);
    const PieceDistances found = compare_piece(exact, exported, piece, steering);
    record.divergence += found.exported;
    record.divergence_unsteered += found.unsteered;
  }
}

std::vector<LayerChoice> layer_choices(const RouterTraits& traits, int64_t n_layer) {
  std::vector<LayerChoice> layers;
  for (int64_t l = 0; l < n_layer; ++l) {
    layers.push_back(layer_choice(traits, l));
  }
  return layers;
}

void average(FidelityRecord& record) {
  const double n = to_double(record.n_token);
  record.divergence /= n;
  record.divergence_unsteered /= n;
  for (size_t l = 0; l < record.overlap.size(); ++l) {
    record.overlap[l] /= n;
    record.same_experts[l] /= n;
  }
}

}  // namespace

FidelityRecord compare_forms(Host& exact,
                             Host& exported,
                             const std::vector<Conversation>& conversations,
                             const Steering& steering,
                             const FidelityOptions& options,
                             const Progress& progress) {
  const ModelInfo& info = exact.describe();
  const Texts texts = generate_both(exact, exported, conversations, steering, options);
  if (texts.requests.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[check] none of the conversations could be run",
                "use conversations that end with a user message and fit the context");
  }
  FidelityRecord record;
  record.n_reply = texts.n_reply;
  record.n_reply_changed = texts.n_changed;
  record.n_decision_changed = texts.n_decision;
  record.n_unfinished = texts.n_unfinished;
  record.overlap.assign(info.n_layer, 0.0);
  record.same_experts = record.overlap;
  const int64_t k = std::clamp<int64_t>(info.n_expert_used, 1, info.n_expert);
  const int64_t n_at_once = std::max<int64_t>(
      1, options.n_output_byte / (info.n_vocab * static_cast<int64_t>(sizeof(float))));
  const std::vector<LayerChoice> layers = layer_choices(options.traits, info.n_layer);
  const int64_t n_text = std::ssize(texts.requests);
  for (int64_t i = 0; i < n_text; ++i) {
    const TraceRequest& plain = texts.requests[i];
    TraceRequest steered = plain;
    steered.steering = steering;
    record.n_token += plain.span.end;
    compare_choices(read_choices(exact, steered, layers),
                    read_choices(exported, plain, layers),
                    info.n_layer,
                    k,
                    record);
    compare_outputs(exact, exported, plain, steering, n_at_once, record);
    report(progress, {"check", i + 1, n_text, "conversations", ""});
  }
  average(record);
  return record;
}

}  // namespace mascing
