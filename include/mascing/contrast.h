// Stage "contrast": selects label-0 conversations to pair with those of label 1, so that neither
// topic nor number of turns separates the classes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/conversation.h"

namespace mascing {

enum class Contrast {
  kAll,       ///< all labelled conversations
  kMatched,   ///< equal label counts per topic, with numbers of turns as similar as possible
  kPrefixes,  ///< likewise; missing label-0 partners are prefixes of label-1 conversations
};

inline constexpr const char* kContrastWords = "all, matched or prefixes";
[[nodiscard]] const char* to_string(Contrast contrast);
/// Empty for any word other than those above.
[[nodiscard]] std::optional<Contrast> parse_contrast(const std::string& text);

struct ContrastReport {
  int64_t n_label_1 = 0;     ///< kept, each with a label-0 partner
  int64_t n_same_turns = 0;  ///< partners with the same topic and number of turns
  int64_t n_same_topic = 0;  ///< partners with the same topic but a different number of turns
  int64_t n_prefix = 0;      ///< partners that are prefixes
  int64_t n_dropped_1 = 0;   ///< label 1 without a partner
  int64_t n_dropped_0 = 0;   ///< label 0 without a partner
};

struct ContrastSet {
  /// In input order, followed by prefixes with the id "<id>/before-<user turn>".
  std::vector<Conversation> rows;
  ContrastReport report;
};

/// Pairs every label-1 conversation with one of label 0 that has the same topic and number of user
/// turns, or else the same topic and the closest number of turns, or else (kPrefixes) with a safe
/// prefix of a label-1 conversation of the topic, which ends with the reply before the turn that
/// showed the behaviour. Unpaired conversations are dropped. Label-1 conversations must end at the
/// turn that showed the behaviour, as written by `mascing collect`. Rows without a topic form one
/// topic; rows without a label are passed through. Same seed, same result.
[[nodiscard]] ContrastSet match_contrast(const std::vector<Conversation>& labelled,
                                         Contrast contrast,
                                         uint64_t seed);

/// Number of user messages.
[[nodiscard]] int64_t count_user_turns(const Conversation& conversation);

}  // namespace mascing
