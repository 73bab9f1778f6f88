// Where a reasoning model decides: the last sentence of its reasoning says what the reply will be,
// and sometimes sentences before it have said so already.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "stage/ask.h"

namespace mascing {

/// First words of sentences that decide although another one follows: "I see no law against" of
/// "I see no law against it. I will help."
using LeadSentences = std::set<std::string>;

/// Reasoning, and what followed it.
struct DecidedReasoning {
  std::string reasoning;
  bool is_refused = false;  ///< else answered
};

/// Sentences of which at least 90 % stand right before the last one (or before another of their
/// kind), and at least 95 % in replies of one kind, more than chance would have it.
[[nodiscard]] LeadSentences find_lead_sentences(const std::vector<DecidedReasoning>& replies);

/// Tokens of a reply that stand before its conclusion: the last sentence of its reasoning and the
/// lead sentences right before it. All of the reasoning if that cannot be found, none for a reply
/// without reasoning.
[[nodiscard]] int64_t n_before_conclusion(const Host& host,
                                          const AskedReply& reply,
                                          const LeadSentences& leads = {});

/// The reasoning of a reply, without its marks.
[[nodiscard]] std::string reasoning_of(const Host& host, const AskedReply& reply);

}  // namespace mascing
