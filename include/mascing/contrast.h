// Stage "contrast": which label-0 conversations stand against those with label 1, so that neither
// topic nor number of turns tells the two classes apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/conversation.h"

namespace mascing {

enum class Contrast {
  kAll,       ///< all labelled conversations as they are
  kMatched,   ///< as many of each label in every topic, as alike in number of turns as can be
  kPrefixes,  ///< likewise; where label 0 is short, prefixes of label-1 conversations stand in
};

inline constexpr const char* kContrastWords = "all, matched or prefixes";
[[nodiscard]] const char* to_string(Contrast contrast);
/// Nothing for another word than those above.
[[nodiscard]] std::optional<Contrast> parse_contrast(const std::string& text);

struct ContrastReport {
  int64_t n_label_1 = 0;     ///< that were kept, each with a partner of label 0
  int64_t n_same_turns = 0;  ///< partners of the same topic and number of turns
  int64_t n_same_topic = 0;  ///< partners of the same topic and another number of turns
  int64_t n_prefix = 0;      ///< partners that are prefixes
  int64_t n_dropped_1 = 0;   ///< label 1 without a partner
  int64_t n_dropped_0 = 0;   ///< label 0 without a partner
};

struct ContrastSet {
  /// In the order given; prefixes stand at the end, with the id "<id>/before-<user turn>".
  std::vector<Conversation> rows;
  ContrastReport report;
};

/// Pairs every label-1 conversation with one of label 0: of its topic and number of user turns,
/// else of its topic and the nearest number of turns, else (kPrefixes) with a safe prefix of a
/// label-1 conversation of its topic: the turns before the one at which it broke, with the reply
/// that was still given. What finds no partner is left out. A label-1 conversation must therefore
/// end at the turn that broke it, as `mascing collect` writes it. Rows without a topic form one
/// topic, rows without a label pass unchanged. Same seed: same choice.
[[nodiscard]] ContrastSet match_contrast(const std::vector<Conversation>& labelled,
                                         Contrast contrast,
                                         uint64_t seed);

/// Number of user messages.
[[nodiscard]] int64_t count_user_turns(const Conversation& conversation);

}  // namespace mascing
