// A chat with the base and the steered model at once, and its line commands.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "cli/line_reader.h"
#include "mascing/conversation.h"
#include "mascing/host.h"
#include "mascing/mask_algebra.h"

namespace mascing::cli {

struct ChatAnswer {
  std::string text;  ///< reasoning included
  int64_t n_token = 0;
  bool hit_limit = false;
  std::string visible = {};  ///< without the reasoning, for the conversation that goes on
};

struct ChatTurn {
  std::string user;
  ChatAnswer base;
  ChatAnswer steered;
};

/// Each side continues from its own earlier replies.
class ChatSession {
 public:
  /// `host` must outlive the session.
  ChatSession(Host& host, const Sampling& sampling) : host_(host), sampling_(sampling) {}

  /// Replaces the masks. Throws Error{kMismatch} and keeps the old masks if one does not match the
  /// model or the others.
  void set_masks(std::vector<WeightedMask> masks);
  [[nodiscard]] const std::vector<WeightedMask>& masks() const { return masks_; }
  /// Sets the strength of every mask.
  void set_alpha(double alpha);
  /// Sets the system message, or removes it if `text` is empty, and clears the conversation.
  void set_system(const std::string& text);
  void reset();

  /// Sends `text` to both sides. Throws Error{kBadInput} and keeps the conversation unchanged if it
  /// is too long.
  ChatTurn say(const std::string& text);
  /// Repeats the last question with the current settings. Throws Error{kUsage} if there is none.
  ChatTurn say_again();

 private:
  void compose();
  ChatTurn ask(const std::string& text);

  Host& host_;
  Sampling sampling_;
  std::vector<WeightedMask> masks_;
  Steering steering_;
  std::string system_;
  std::vector<Message> base_;  ///< neither history includes the system message
  std::vector<Message> steered_;
};

/// Display options of the chat.
struct ChatView {
  size_t width = 0;             ///< columns; 0 = terminal width, or 80 without a terminal
  bool json = false;            ///< print one JSON object per turn
  bool is_interactive = false;  ///< questions are on the screen already; continue after errors
};

/// List of the chat commands, for /help and `--help`.
inline constexpr const char* kChatHelp =
    "/alpha [X]     set the strength of every mask (0 = off), or show it\n"
    "/mask [FILE[=X] ...]  set one or more masks, or show them\n"
    "/again         repeat the last question with the current settings\n"
    "/reset         clear the conversation\n"
    "/system [TEXT] set or remove the system message; clears the conversation\n"
    "/help          show this list\n"
    "/quit          exit\n"
    "Other input is sent to the model. To send text that starts with /, start it with //.\n";

/// Reads lines until end of input or /quit. In non-interactive mode the first error is thrown.
void chat(ChatSession& session, const ChatView& view, LineReader& lines, std::ostream& out);

}  // namespace mascing::cli
