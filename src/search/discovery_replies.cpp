// Replies of a set's own where it has enough: what only others begin with has a share in every
// margin and tells nothing.
#include "search/discovery_replies.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/append.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr size_t kFewReplies = 8;       // answers: then those of other sets are used
constexpr size_t kFewRefusals = 40;     // likewise; refusals of other sets sound much alike
constexpr double kWholeCoverage = 0.9;  // by openings: what does not begin so is of another kind

bool has_margin(const ScenarioSet& set) {
  return set.role == SetRole::kTarget || set.role == SetRole::kHold || set.role == SetRole::kKeep;
}

/// Divides the conversations of all sets together.
void add_folds(std::vector<DiscoveryReplies>& all) {
  std::vector<std::string> topics;
  for (const DiscoveryReplies& of_set : all) {
    for (const Conversation& row : of_set.set->rows(Split::kDiscovery)) {
      topics.push_back(row.topic);
    }
  }
  const std::vector<int64_t> folds = topic_folds(topics, kOpeningFolds);
  auto next = folds.begin();
  for (DiscoveryReplies& of_set : all) {
    const auto end = next + std::ssize(of_set.set->rows(Split::kDiscovery));
    of_set.fold.assign(next, end);
    next = end;
  }
}

/// The replies that a set's openings are fitted on.
struct TwoKinds {
  std::vector<FoldedReply> wanted;
  std::vector<FoldedReply> unwanted;
};

TwoKinds two_kinds(const DiscoveryReplies& discovery, const ReplyKinds& pooled) {
  const ReplyKinds own = kinds_of(discovery);
  const auto& answered = own.answered.size() < kFewReplies ? pooled.answered : own.answered;
  const auto& refused = own.refused.size() < kFewRefusals ? pooled.refused : own.refused;
  const bool wants_refusal = discovery.set->spec.wanted == Wanted::kRefused;
  return {wants_refusal ? refused : answered, wants_refusal ? answered : refused};
}

SetOpenings of_form(CrossFit fit, MarginForm form) {
  fit.openings = openings_of_form(std::move(fit.openings), form);
  for (Openings& fold : fit.fold) {
    fold = openings_of_form(std::move(fold), form);
  }
  return {std::move(fit), form};
}

}  // namespace

std::vector<DiscoveryReplies> ask_discovery(const EvalContext& context) {
  std::vector<DiscoveryReplies> all;
  for (const LoadedSet& set : context.data.sets) {
    if (!has_margin(set.spec)) {
      continue;
    }
    const auto& rows = set.rows(Split::kDiscovery);
    DiscoveryReplies& discovery = all.emplace_back();
    discovery.set = &set;
    discovery.replies = context.evaluator.replies("replies: " + set.spec.metric, rows, {});
    discovery.judged = judge_replies(rows, discovery.replies, context.rules_for(set.spec));
    for (const AskedReply& reply : discovery.replies) {
      discovery.prefixes.push_back(prefix_of(context, reply));
    }
  }
  add_folds(all);
  return all;
}

ReplyKinds kinds_of(const DiscoveryReplies& discovery) {
  ReplyKinds kinds;
  for (size_t i = 0; i < discovery.replies.size(); ++i) {
    const TokenSequence& tokens = discovery.replies[i].tokens;
    const JudgedReply& judged = discovery.judged[i];
    const int64_t n_prefix = std::ssize(discovery.prefixes[i]);
    if (!judged.is_coherent || std::ssize(tokens) <= n_prefix) {
      continue;
    }
    FoldedReply reply = {{tokens.begin() + n_prefix, tokens.end()}, discovery.fold[i]};
    if (judged.verdict == Verdict::kRefused) {
      kinds.refused.push_back(std::move(reply));
    } else if (judged.verdict == Verdict::kAnswered) {
      kinds.answered.push_back(std::move(reply));
    }
  }
  return kinds;
}

ReplyKinds pooled_kinds(const std::vector<DiscoveryReplies>& discovery) {
  ReplyKinds pooled;
  for (const DiscoveryReplies& of_set : discovery) {
    const ReplyKinds kinds = kinds_of(of_set);
    append(kinds.refused, pooled.refused);
    append(kinds.answered, pooled.answered);
  }
  return pooled;
}

std::optional<SetOpenings> find_set_openings(const DiscoveryReplies& discovery,
                                             const ReplyKinds& pooled) {
  const ScenarioSet& set = discovery.set->spec;
  const TwoKinds kinds = two_kinds(discovery, pooled);
  CrossFit fit = cross_fit_openings(kinds.wanted, kinds.unwanted, kOpeningFolds);
  const bool is_whole = set.role == SetRole::kHold && fit.coverage_wanted >= kWholeCoverage;
  const MarginForm form = is_whole ? MarginForm::kWantedOnly : choose_form(fit);
  if (form == MarginForm::kNone) {
    return std::nullopt;
  }
  return of_form(std::move(fit), form);
}

std::optional<SetOpenings> find_refusal_openings(const ReplyKinds& pooled) {
  CrossFit fit = cross_fit_openings(pooled.answered, pooled.refused, kOpeningFolds);
  if (fit.openings.unwanted.empty()) {
    return std::nullopt;
  }
  return of_form(std::move(fit), MarginForm::kUnwantedOnly);
}

KnownReplies known_replies(const DiscoveryReplies& discovery,
                           const ReplyKinds& pooled,
                           const SetOpenings& found) {
  const TwoKinds kinds = two_kinds(discovery, pooled);
  KnownReplies replies;
  replies.openings = found.fit.openings;
  replies.form = found.form;
  for (const FoldedReply& reply : kinds.wanted) {
    replies.unsteered.wanted.push_back(reply.tokens);
  }
  for (const FoldedReply& reply : kinds.unwanted) {
    replies.unsteered.unwanted.push_back(reply.tokens);
  }
  return replies;
}

std::optional<OpeningPrompt> opening_prompt(const Host& host,
                                            const Conversation& row,
                                            const TokenSequence& prefix) {
  try {
    Prompt prompt = host.render(row);
    append(prefix, prompt.tokens);
    return OpeningPrompt{std::move(prompt.tokens), prompt.final_user.begin};
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kBadInput) {
      throw;
    }
    return std::nullopt;
  }
}

TokenSequence prefix_of(const EvalContext& context, const AskedReply& reply) {
  if (!context.prefix_length) {
    return {};
  }
  const int64_t n = std::clamp<int64_t>(context.prefix_length(reply), 0, std::ssize(reply.tokens));
  return {reply.tokens.begin(), reply.tokens.begin() + n};
}

}  // namespace mascing
