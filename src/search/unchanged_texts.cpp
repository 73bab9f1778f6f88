// Few tokens of each text are scored, so that many texts can be asked.
#include "search/unchanged_texts.h"

#include <algorithm>
#include <utility>

#include "base/append.h"
#include "base/random.h"
#include "scenario/text_blocks.h"

namespace mascing {
namespace {

constexpr int64_t kOpeningTokens = 4;   // of a wanted reply that are left out: most openings
constexpr int64_t kReplyTokens = 32;    // of a reply that are compared
constexpr size_t kReplyRows = 200;      // of each set whose replies are compared
constexpr size_t kContinuedRows = 100;  // of each set whose openings are continued
constexpr uint64_t kBeginningSeed = 0x6f70656e;
constexpr int64_t kPieceTokens = 48;  // of general text

/// Scored behind the first `n_skip` tokens of the reply.
ScoredText scored_reply(const Host& host,
                        const Conversation& row,
                        const AskedReply& reply,
                        int64_t n_skip) {
  Prompt prompt = host.render(row);
  ScoredText text;
  text.first = prompt.final_user.begin;
  text.tokens = std::move(prompt.tokens);
  text.begin = std::ssize(text.tokens) + n_skip;
  const auto n = std::min<int64_t>(n_skip + kReplyTokens, std::ssize(reply.tokens));
  text.tokens.insert(text.tokens.end(), reply.tokens.begin(), reply.tokens.begin() + n);
  return text;
}

Verdict wanted_verdict(const ScenarioSet& set) {
  return set.wanted == Wanted::kRefused ? Verdict::kRefused : Verdict::kAnswered;
}

/// The first tokens of the visible part of every reply that is as wanted.
std::vector<TokenSequence> wanted_beginnings(const DiscoveryReplies& of_set) {
  const auto& [set, replies, judged, prefixes, fold] = of_set;
  std::vector<TokenSequence> beginnings;
  for (size_t i = 0; i < replies.size(); ++i) {
    const auto first = replies[i].tokens.begin() + std::ssize(prefixes[i]);
    if (judged[i].is_coherent && judged[i].verdict == wanted_verdict(set->spec) &&
        replies[i].tokens.end() - first > kOpeningTokens) {
      beginnings.emplace_back(first, first + kOpeningTokens);
    }
  }
  return beginnings;
}

/// Conversations of a set behind a wanted beginning that another conversation's reply had, with
/// what the unsteered model writes there. Of the target those that it replies to otherwise.
std::vector<ScoredText> continued_of(const EvalContext& context, const DiscoveryReplies& of_set) {
  const auto& [set, replies, judged, prefixes, fold] = of_set;
  const std::vector<TokenSequence> beginnings = wanted_beginnings(of_set);
  const auto& rows = set->rows(Split::kDiscovery);
  std::vector<ScoredText> texts;
  std::vector<TokenSequence> prompts;
  Rng rng(kBeginningSeed);
  for (size_t i = 0; i < rows.size() && texts.size() < kContinuedRows; ++i) {
    const bool is_wanted = judged[i].verdict == wanted_verdict(set->spec);
    const bool counts = set->spec.role != SetRole::kTarget || !is_wanted;
    auto prompt = opening_prompt(context.evaluator.host(), rows[i], prefixes[i]);
    if (counts && prompt && !beginnings.empty()) {
      append(beginnings[rng.below(std::ssize(beginnings))], prompt->tokens);
      texts.push_back({{}, std::ssize(prompt->tokens), nullptr, 0.0, prompt->first});
      prompts.push_back(std::move(prompt->tokens));
    }
  }
  const std::string what = "replies behind openings: " + set->spec.metric;
  const auto continued = context.evaluator.continuations(what, prompts, kReplyTokens);
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].tokens = std::move(prompts[i]);
    append(continued[i], texts[i].tokens);
  }
  std::erase_if(texts,
                [](const ScoredText& text) { return std::ssize(text.tokens) <= text.begin; });
  return texts;
}

}  // namespace

std::vector<ScoredText> wanted_texts(const EvalContext& context,
                                     const std::vector<DiscoveryReplies>& discovery) {
  std::vector<ScoredText> texts;
  for (const DiscoveryReplies& of_set : discovery) {
    const auto& [set, replies, judged, prefixes, fold] = of_set;
    const Verdict wanted = wanted_verdict(set->spec);
    const auto& rows = set->rows(Split::kDiscovery);
    size_t n_kept = 0;
    for (size_t i = 0; i < rows.size() && n_kept < kReplyRows; ++i) {
      const int64_t n_skip = std::ssize(prefixes[i]) + kOpeningTokens;
      if (judged[i].is_coherent && judged[i].verdict == wanted &&
          std::ssize(replies[i].tokens) > n_skip) {
        texts.push_back(scored_reply(context.evaluator.host(), rows[i], replies[i], n_skip));
        ++n_kept;
      }
    }
  }
  return texts;
}

std::vector<ScoredText> continued_texts(const EvalContext& context,
                                        const std::vector<DiscoveryReplies>& discovery) {
  std::vector<ScoredText> texts;
  for (const DiscoveryReplies& of_set : discovery) {
    const SetRole role = of_set.set->spec.role;
    if (role == SetRole::kTarget || role == SetRole::kHold) {
      append(continued_of(context, of_set), texts);
    }
  }
  return texts;
}

std::vector<ScoredText> benign_texts(const EvalContext& context, Split split) {
  std::vector<ScoredText> texts;
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role != SetRole::kBenign) {
      continue;
    }
    std::vector<Conversation> rows = set.rows(split);
    rows.resize(std::min(rows.size(), kReplyRows));
    const auto replies = context.evaluator.replies("replies: " + set.spec.metric, rows, {});
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t n_skip = std::ssize(prefix_of(context, replies[i]));
      if (replies[i].ok() && std::ssize(replies[i].tokens) > n_skip) {
        texts.push_back(scored_reply(context.evaluator.host(), rows[i], replies[i], n_skip));
      }
    }
  }
  return texts;
}

std::vector<ScoredText> general_texts(const EvalContext& context, Split split) {
  std::vector<ScoredText> texts;
  Host& host = context.evaluator.host();
  const bool is_chat = limited_form(host, context.scenario) == TextForm::kChat;
  for (const auto& [tokens, begin] : limited_blocks(host, context.data, context.scenario, split)) {
    const int64_t n_token = std::ssize(tokens);
    const int64_t n_prompt = is_chat ? begin : 0;
    for (int64_t start = n_prompt; start + kPieceTokens <= n_token; start += kPieceTokens) {
      std::vector<int32_t> piece(tokens.begin(), tokens.begin() + n_prompt);
      piece.insert(piece.end(), tokens.begin() + start, tokens.begin() + start + kPieceTokens);
      texts.push_back({std::move(piece), std::max<int64_t>(1, n_prompt), nullptr});
    }
  }
  return texts;
}

}  // namespace mascing
