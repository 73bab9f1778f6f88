// A conversation with a model and its steered self at once, and the lines that drive it.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/mask_algebra.h"

namespace mascing::cli {

struct ChatAnswer {
  std::string text;
  int64_t n_token = 0;
  bool hit_limit = false;
};

struct ChatTurn {
  std::string user;
  ChatAnswer base;
  ChatAnswer steered;
};

/// Each side goes on from its own earlier replies.
class ChatSession {
 public:
  /// `host` must outlive the session.
  ChatSession(Host& host, const Sampling& sampling) : host_(host), sampling_(sampling) {}

  /// Replaces the masks. Throws Error{kMismatch}, leaving them as they were, if one does not fit
  /// the model or the others.
  void set_masks(std::vector<WeightedMask> masks);
  [[nodiscard]] const std::vector<WeightedMask>& masks() const { return masks_; }
  /// The strength of every mask.
  void set_alpha(double alpha);
  /// An empty text takes the system message away. The conversation begins anew.
  void set_system(const std::string& text);
  void reset();

  /// Asks both. Throws Error{kBadInput}, leaving the conversation as it was, if it has become too
  /// long.
  ChatTurn say(const std::string& text);
  /// The last question once more, as things are now. Throws Error{kUsage} if there is none.
  ChatTurn say_again();

 private:
  void compose();
  ChatTurn ask(const std::string& text);

  Host& host_;
  Sampling sampling_;
  std::vector<WeightedMask> masks_;
  Steering steering_;
  std::string system_;
  std::vector<Message> base_;  ///< both sides without the system message
  std::vector<Message> steered_;
};

/// How the talk is shown.
struct ChatView {
  size_t width = 0;             ///< columns; 0 = those of the terminal, 80 where there is none
  bool json = false;            ///< one object per turn instead
  bool is_interactive = false;  ///< prompts, and goes on after a mistake
};

/// What `mascing chat` was told about /commands, also for `--help`.
inline constexpr const char* kChatHelp =
    "/alpha 0.5     strength of every mask (0 = as without); /alpha alone says what it is\n"
    "/mask FILE[=X] other masks, added up; /mask alone says which\n"
    "/again         the last question once more, as things are now\n"
    "/reset         forget the conversation\n"
    "/system TEXT   a system message, or none; the conversation begins anew\n"
    "/help          this list\n"
    "/quit          the end\n"
    "Anything else is said to the model; begin with // to say something that begins with /.\n";

/// Reads lines until the end or /quit. Without a terminal the first mistake is thrown.
void chat(ChatSession& session, const ChatView& view, std::istream& in, std::ostream& out);

}  // namespace mascing::cli
