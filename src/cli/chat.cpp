// Base and steered replies are two requests of one call, so they share decodes.
#include "cli/chat.h"

#include <cmath>
#include <iostream>
#include <memory>
#include <sstream>

#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/mask_options.h"
#include "cli/messages.h"
#include "cli/options.h"
#include "mascing/error.h"
#include "mascing/reply_parts.h"
#include "report/side_by_side.h"

namespace mascing::cli {
namespace {

constexpr size_t kNarrow = 80;

size_t terminal_width() {
  winsize size{};
  const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : kNarrow;
}

ChatAnswer answer_of(const Result<Reply>& outcome, const ReplyFormat& format) {
  if (!outcome.ok()) {
    throw Error(ErrorKind::kBadInput,
                "[chat] the model failed to reply: " + outcome.error,
                "start a new conversation with /reset");
  }
  return {outcome.value.text,
          std::ssize(outcome.value.tokens),
          outcome.value.finish == FinishReason::kLength,
          split_reply(outcome.value.text, format).visible};
}

std::string shown(const ChatAnswer& answer) {
  return trim(answer.text) + (answer.hit_limit ? " [cut off: --max-tokens]" : "");
}

double number_of(const std::string& word) {
  std::istringstream stream(word);
  double value = 0.0;
  if (!(stream >> value) || !stream.eof() || !(std::fabs(value) <= kMaxStrength)) {
    throw Error(ErrorKind::kUsage,
                "[chat] /alpha \"" + printable(word) + "\" is not a valid strength",
                "use a number between -" + format_number(kMaxStrength, 0) + " and " +
                    format_number(kMaxStrength, 0) + ", such as /alpha 0.8; 0 turns steering off");
  }
  return value;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  return words;
}

/// Handles one input line at a time.
class Console {
 public:
  Console(ChatSession& session, const ChatView& view, std::ostream& out)
      : session_(session), view_(view), out_(out) {}

  /// Returns false if the line ends the session.
  bool take(const std::string& line) {
    const std::string text = trim(line);
    if (text.empty()) {
      return true;
    }
    if (!is_valid_utf8(text)) {
      throw Error(ErrorKind::kUsage,
                  "[chat] the line is not UTF-8: " + printable(text),
                  "set the terminal to UTF-8, or convert the file: iconv -f latin1 -t utf-8");
    }
    if (text.front() != '/' || text.rfind("//", 0) == 0) {
      show(session_.say(text.front() == '/' ? text.substr(1) : text));
      return true;
    }
    const size_t end = std::min(text.find(' '), text.size());
    return command(text.substr(1, end - 1), trim(text.substr(end)));
  }

 private:
  bool command(const std::string& name, const std::string& rest) {
    if (name == "quit" || name == "exit" || name == "q") {
      return false;
    }
    if (name == "alpha") {
      if (!rest.empty()) {
        session_.set_alpha(number_of(rest));
      }
      say(masks_text());
    } else if (name == "mask") {
      if (!rest.empty()) {
        session_.set_masks(read_masks(words_of(rest)));
      }
      say(masks_text());
    } else if (name == "again") {
      show(session_.say_again());
    } else if (name == "reset") {
      session_.reset();
      say("Conversation cleared.");
    } else if (name == "system") {
      session_.set_system(rest);
      say(rest.empty() ? "System message removed; conversation cleared."
                       : "System message set; conversation cleared.");
    } else if (name == "help") {
      say(trim(kChatHelp));
    } else {
      complain(name);
    }
    return true;
  }

  [[noreturn]] static void complain(const std::string& name) {
    const std::string near =
        closest_match(name, {"alpha", "mask", "again", "reset", "system", "help", "quit"});
    throw Error(ErrorKind::kUsage,
                "[chat] unknown command /" + printable(name) +
                    (near.empty() ? "" : "; did you mean /" + near + "?"),
                "/help lists the commands; to send text that starts with /, start it with //");
  }

  [[nodiscard]] std::string masks_text() const {
    std::string text;
    for (const WeightedMask& mask : session_.masks()) {
      text +=
          (text.empty() ? "" : ", ") + mask.name + " at alpha " + format_number(mask.strength, 2);
    }
    return text.empty() ? "no mask" : text;
  }

  [[nodiscard]] std::string steered_title() const {
    std::string text;
    for (const WeightedMask& mask : session_.masks()) {
      text += (text.empty() ? "" : " + ") + format_number(mask.strength, 2);
    }
    return "steered, alpha " + text;
  }

  void show(const ChatTurn& turn) {
    if (view_.json) {
      show_json(turn);
      return;
    }
    if (!view_.is_interactive) {
      out_ << "> " << printable(turn.user, turn.user.size()) << '\n';
    }
    const bool is_same = turn.base.text == turn.steered.text;
    const size_t width = view_.width > 0 ? view_.width : terminal_width();
    out_ << side_by_side({"base", shown(turn.base)},
                         {steered_title(), is_same ? "(identical)" : shown(turn.steered), is_same},
                         width,
                         wants_colour())
         << '\n'
         << std::flush;
  }

  void show_json(const ChatTurn& turn) {
    const auto object = [](const ChatAnswer& answer) {
      return nlohmann::json{
          {"text", answer.text}, {"tokens", answer.n_token}, {"hit_limit", answer.hit_limit}};
    };
    nlohmann::json masks = nlohmann::json::array();
    for (const WeightedMask& mask : session_.masks()) {
      masks.push_back({{"file", mask.name}, {"alpha", mask.strength}});
    }
    const nlohmann::json line = {{"user", turn.user},
                                 {"masks", masks},
                                 {"base", object(turn.base)},
                                 {"steered", object(turn.steered)}};
    out_ << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n'
         << std::flush;
  }

  /// Status messages go to stderr, not to the data on stdout.
  static void say(const std::string& text) { std::cerr << text << '\n'; }

  ChatSession& session_;
  const ChatView& view_;
  std::ostream& out_;
};

}  // namespace

void ChatSession::set_masks(std::vector<WeightedMask> masks) {
  std::swap(masks_, masks);
  try {
    compose();
    if (steering_.mask) {
      require_same_model(*steering_.mask, host_.describe());
    }
  } catch (...) {
    std::swap(masks_, masks);
    compose();
    throw;
  }
}

void ChatSession::set_alpha(double alpha) {
  for (WeightedMask& mask : masks_) {
    mask.strength = alpha;
  }
  compose();
}

void ChatSession::compose() {
  steering_ = {};
  if (!masks_.empty()) {
    const Mask sum = compose_masks(masks_);
    steering_.alpha = sum.alpha;
    steering_.mask = std::make_shared<const Mask>(sum);
  }
}

void ChatSession::set_system(const std::string& text) {
  system_ = text;
  reset();
}

void ChatSession::reset() {
  base_.clear();
  steered_.clear();
}

ChatTurn ChatSession::say(const std::string& text) {
  return ask(text);
}

ChatTurn ChatSession::say_again() {
  if (base_.empty()) {
    throw Error(ErrorKind::kUsage, "[chat] there is no previous question", "ask something first");
  }
  const std::vector<Message> base = base_;
  const std::vector<Message> steered = steered_;
  const std::string text = base[base.size() - 2].content;
  base_.resize(base.size() - 2);
  steered_.resize(steered.size() - 2);
  try {
    return ask(text);
  } catch (...) {
    base_ = base;
    steered_ = steered;
    throw;
  }
}

ChatTurn ChatSession::ask(const std::string& text) {
  const auto prompt = [&](const std::vector<Message>& before) {
    Conversation conversation;
    if (!system_.empty()) {
      conversation.messages.push_back({"system", system_});
    }
    conversation.messages.insert(conversation.messages.end(), before.begin(), before.end());
    conversation.messages.push_back({"user", text});
    return host_.render(conversation);
  };
  const Prompt base = prompt(base_);
  const Prompt steered = prompt(steered_);
  const auto outcomes = host_.generate({{base.tokens, {}, 0, base.opens_reasoning},
                                        {steered.tokens, steering_, 0, steered.opens_reasoning}},
                                       sampling_);
  const ReasoningMarks marks = host_.reasoning_marks();
  ChatTurn turn{text,
                answer_of(outcomes.at(0), {marks, base.opens_reasoning}),
                answer_of(outcomes.at(1), {marks, steered.opens_reasoning})};
  base_.push_back({"user", text});
  base_.push_back({"assistant", turn.base.visible});
  steered_.push_back({"user", text});
  steered_.push_back({"assistant", turn.steered.visible});
  return turn;
}

void chat(ChatSession& session, const ChatView& view, LineReader& lines, std::ostream& out) {
  Console console(session, view, out);
  for (std::string line; lines.read("you> ", line);) {
    try {
      if (!console.take(line)) {
        return;
      }
    } catch (const Error& error) {
      if (!view.is_interactive || error.kind() == ErrorKind::kInterrupted) {
        throw;
      }
      std::cerr << error_text(error.what(), error.hint(), "");
    }
  }
}

}  // namespace mascing::cli
