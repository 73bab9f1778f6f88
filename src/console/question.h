// A question to the console: its JSON form and its limits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/mask_algebra.h"
#include "mascing/text_requests.h"

namespace mascing::console {

inline constexpr int64_t kMaxBodyBytes = int64_t{1} << 20;   ///< of a request
inline constexpr int64_t kMaxTextBytes = int64_t{32} << 10;  ///< of one message
inline constexpr int64_t kMaxTurns = 100;                    ///< earlier turns

/// An earlier question with the visible part of both replies.
struct Turn {
  std::string user = {};
  std::string base = {};
  std::string steered = {};
};

struct Question {
  std::string system = {};  ///< empty = no system message
  std::vector<Turn> turns = {};
  std::string text = {};
  std::vector<double> strengths = {};  ///< one a mask
  Sampling sampling = {};
};

/// What holds where a question does not say.
struct Defaults {
  std::string system = {};
  std::vector<double> strengths = {};
  Sampling sampling = {};  ///< no question may ask for more tokens
};

/// Reads {"text", "turns": [{"user", "base", "steered"}], "system", "strengths", "temperature",
/// "seed", "max_tokens"}; only "text" is needed. Throws Error{kUsage} naming what is wrong: an
/// unknown key, a wrong type, a limit.
[[nodiscard]] Question parse_question(const std::string& body, const Defaults& defaults);

/// The question as the base model's user, or the steered one's, asks it.
[[nodiscard]] Conversation conversation_of(const Question& question, bool is_steered);

}  // namespace mascing::console
