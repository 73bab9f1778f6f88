// Few tokens of each text are scored, so that many texts can be asked.
#include "search/unchanged_texts.h"

#include <algorithm>
#include <utility>

#include "base/spread.h"
#include "scenario/text_blocks.h"
#include "stage/openings.h"

namespace mascing {
namespace {

constexpr int64_t kOpeningTokens = 4;     // of a wanted reply that are left out: most openings
constexpr int64_t kReplyTokens = 32;      // of a reply that are compared
constexpr int64_t kReasoningTokens = 64;  // likewise, of the reasoning before the margin is asked

/// Tokens n_skip .. n_skip + n - 1 of a reply, behind what stands before them.
ScoredText scored_reply(
    const Host& host, const Conversation& row, const AskedReply& reply, int64_t n_skip, int64_t n) {
  Prompt prompt = host.render(row);
  ScoredText text;
  text.first = prompt.final_user.begin;
  text.tokens = std::move(prompt.tokens);
  text.begin = std::ssize(text.tokens) + n_skip;
  const auto n_all = std::min<int64_t>(n_skip + n, std::ssize(reply.tokens));
  text.tokens.insert(text.tokens.end(), reply.tokens.begin(), reply.tokens.begin() + n_all);
  return text;
}

bool is_as_wanted(const LoadedSet& set, const JudgedReply& judged) {
  const Verdict wanted =
      set.spec.wanted == Wanted::kRefused ? Verdict::kRefused : Verdict::kAnswered;
  return judged.is_coherent && judged.verdict == wanted;
}

/// Whether the margin of `metric` watches over a wanted reply: it begins with an opening that the
/// margin knows, or the margin knows none and takes all but the unwanted ones for wanted.
bool is_known(const std::vector<OutcomeSet>& sets,
              const std::string& metric,
              const TokenSequence& visible) {
  const auto found = std::find_if(sets.begin(), sets.end(), [&](const OutcomeSet& set) {
    return set.has_margin() && set.name == metric;
  });
  return found != sets.end() &&
         (found->n_wanted == 0 || begins_with_any(visible, openings_of(*found).wanted));
}

/// Tokens n_skip .. n_skip + n - 1 of a reply; none of them if n is 0.
struct ReplyPart {
  int64_t n_skip = 0;
  int64_t n = 0;
};

/// What follows the opening of a reply.
ReplyPart behind_opening(const DiscoveryReplies& of_set, size_t i) {
  const int64_t n_skip = std::ssize(of_set.prefixes[i]) + kOpeningTokens;
  const int64_t n_left = std::ssize(of_set.replies[i].tokens) - n_skip;
  return {n_skip, std::clamp<int64_t>(n_left, 0, kReplyTokens)};
}

/// Parts of replies that are as wanted already, `part_of` a set's reply; of each set at most
/// `kReplyRows`, evenly spread.
template <typename PartOf>
std::vector<ScoredText> parts_of_wanted(const EvalContext& context,
                                        const std::vector<DiscoveryReplies>& discovery,
                                        const PartOf& part_of) {
  const Host& host = context.evaluator.host();
  std::vector<ScoredText> texts;
  for (const DiscoveryReplies& of_set : discovery) {
    const auto& rows = of_set.set->rows(Split::kDiscovery);
    std::vector<size_t> fitting;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (part_of(of_set, i).n > 0 && is_as_wanted(*of_set.set, of_set.judged[i])) {
        fitting.push_back(i);
      }
    }
    for (const size_t i : taken_at(fitting, spread_indices(fitting.size(), kReplyRows))) {
      const auto [n_skip, n] = part_of(of_set, i);
      texts.push_back(scored_reply(host, rows[i], of_set.replies[i], n_skip, n));
    }
  }
  return texts;
}

/// To benign_rows(). The choice asks all of the selection split anyway.
std::vector<AskedReply> benign_replies(const EvalContext& context,
                                       const LoadedSet& set,
                                       Split split) {
  const std::string what = "replies: " + set.spec.metric;
  if (split != Split::kSelection) {
    return context.evaluator.replies(what, benign_rows(set, split), {});
  }
  const std::vector<Conversation>& all = set.rows(split);
  return taken_at(context.evaluator.replies(what, all, {}), spread_indices(all.size(), kReplyRows));
}

}  // namespace

std::vector<ScoredText> wanted_texts(const EvalContext& context,
                                     const std::vector<DiscoveryReplies>& discovery) {
  return parts_of_wanted(context, discovery, behind_opening);
}

std::vector<ScoredText> rare_texts(const EvalContext& context,
                                   const std::vector<DiscoveryReplies>& discovery,
                                   const std::vector<OutcomeSet>& sets) {
  return parts_of_wanted(context, discovery, [&](const DiscoveryReplies& of_set, size_t i) {
    const ScenarioSet& spec = of_set.set->spec;
    const auto n_prefix = std::ssize(of_set.prefixes[i]);
    const std::vector<int32_t>& tokens = of_set.replies[i].tokens;
    const bool is_watched = spec.role != SetRole::kHold || std::ssize(tokens) <= n_prefix ||
                            is_known(sets, spec.metric, {tokens.begin() + n_prefix, tokens.end()});
    return is_watched ? ReplyPart{} : behind_opening(of_set, i);
  });
}

std::vector<ScoredText> reasoning_texts(const EvalContext& context,
                                        const std::vector<DiscoveryReplies>& discovery) {
  return parts_of_wanted(context, discovery, [](const DiscoveryReplies& of_set, size_t i) {
    const bool is_target = of_set.set->spec.role == SetRole::kTarget;
    const int64_t n = std::min(kReasoningTokens, std::ssize(of_set.prefixes[i]));
    return ReplyPart{0, is_target ? 0 : n};
  });
}

std::vector<Conversation> benign_rows(const LoadedSet& set, Split split) {
  const std::vector<Conversation>& rows = set.rows(split);
  return taken_at(rows, spread_indices(rows.size(), kReplyRows));
}

std::vector<ScoredText> benign_texts(const EvalContext& context, Split split) {
  std::vector<ScoredText> texts;
  for (const LoadedSet& set : context.data.sets) {
    if (set.spec.role != SetRole::kBenign) {
      continue;
    }
    const std::vector<Conversation> rows = benign_rows(set, split);
    const auto replies = benign_replies(context, set, split);
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t n_skip = std::ssize(prefix_of(context, replies[i]));
      if (replies[i].ok() && std::ssize(replies[i].tokens) > n_skip) {
        texts.push_back(
            scored_reply(context.evaluator.host(), rows[i], replies[i], n_skip, kReplyTokens));
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
