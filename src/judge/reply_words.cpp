// One pass over the characters.
#include "judge/reply_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace mascing {
namespace {

// U+00C0 to U+00FF without accents; a blank is no letter.
constexpr std::string_view kLatin =
    "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty";

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kEndings = {{
    {"m", "am"},
    {"re", "are"},
    {"ve", "have"},
    {"ll", "will"},
    {"d", "would"},
    {"t", "not"},
}};

constexpr std::array<std::string_view, 11> kBeforeIs = {
    "it", "that", "there", "what", "here", "he", "she", "this", "how", "where", "who"};

bool is_between(uint32_t value, uint32_t low, uint32_t high) {
  return value >= low && value <= high;
}

bool is_han_or_kana(uint32_t value) {
  return is_between(value, 0x3040, 0x30FF) || is_between(value, 0x3400, 0x9FFF);
}

bool is_ascii_letter_or_digit(uint32_t value) {
  return is_between(value, 'a', 'z') || is_between(value, 'A', 'Z') || is_between(value, '0', '9');
}

class WordReader {
 public:
  WordReader(std::string_view text, size_t n_max_word) : text_(text), n_max_word_(n_max_word) {}

  ReplyWords read() {
    while (at_ < text_.size() && result_.words.size() < n_max_word_) {
      const Utf8Character character = utf8_character(text_, at_);
      take(character);
      at_ += character.n_byte;
    }
    end_sentence();
    result_.n_byte_read = at_;
    result_.n_sentence = sentence_;
    return std::move(result_);
  }

 private:
  void take(const Utf8Character& character) {
    const uint32_t value = character.code;
    if (is_ascii_letter_or_digit(value)) {
      add_letter(value <= 'Z' && value >= 'A' ? value + 32 : value);
    } else if (is_between(value, 0xC0, 0xFF) && kLatin[value - 0xC0] != ' ') {
      add_letter(static_cast<unsigned char>(kLatin[value - 0xC0]));
      if (value == 0xDF) {
        add_letter('s');
      }
    } else if (is_han_or_kana(value)) {
      end_word();
      word_ = text_.substr(at_, character.n_byte);
      end_word();
    } else if (is_between(value, 0x400, 0x4FF)) {
      add_cyrillic(value);
    } else if (value == 0x153) {
      add_letter('o');
      add_letter('e');
    } else if (!take_apostrophe(value)) {
      take_mark(value);
    }
  }

  void add_letter(uint32_t value) { word_ += static_cast<char>(value); }

  void add_cyrillic(uint32_t value) {
    const uint32_t small = is_between(value, 0x410, 0x42F)    ? value + 32
                           : value == 0x401 || value == 0x451 ? 0x435
                                                              : value;
    word_ += static_cast<char>(0xC0U | small >> 6U);
    word_ += static_cast<char>(0x80U | (small & 0x3FU));
  }

  bool take_apostrophe(uint32_t value) {
    const bool is_apostrophe =
        value == '\'' || value == 0x2019 || value == 0x2BC || value == 0x2032;
    if (is_apostrophe && !word_.empty()) {
      before_ = std::exchange(word_, "");
    }
    return is_apostrophe;
  }

  void take_mark(uint32_t value) {
    end_word();
    switch (value) {
      case '\n':
        end_line();
        break;
      case '.':
      case '!':
      case '?':
        end_sentence_at_mark();
        break;
      case 0x3002:  // Chinese marks
      case 0xFF01:
      case 0xFF1F:
        end_sentence();
        break;
      case ',':
      case 0xFF0C:
        push(",");
        break;
      case ':':
        push(":");
        break;
      case '-':
      case '*':
      case 0x2022:
        is_item_ = is_item_ || is_line_start_;
        break;
      case '"':
      case 0x201C:
      case 0x201D:
      case 0x201E:
      case 0xAB:
      case 0xBB:
        take_quote(value);
        break;
      default:
        break;
    }
  }

  void take_quote(uint32_t value) {
    if (is_quoted_) {
      is_quoted_ = false;
    } else if (value != 0x201D && value != 0xBB && !result_.words.empty()) {
      push("\"");
      is_quoted_ = true;
    }
  }

  // "1." at the start of a line is no sentence.
  void end_sentence_at_mark() {
    const bool is_end = at_ + 1 >= text_.size() || text_[at_ + 1] == ' ' ||
                        text_[at_ + 1] == '\n' || text_[at_ + 1] == '"' || text_[at_ + 1] == '*' ||
                        text_[at_ + 1] == ')';
    if (is_end && is_number_at_start()) {
      result_.words.pop_back();
      result_.sentences.pop_back();
      is_item_ = true;
      is_line_start_ = true;
    } else if (is_end) {
      end_sentence();
    }
  }

  [[nodiscard]] bool is_number_at_start() const {
    return n_in_line_ == 1 && !result_.words.empty() && result_.words.back().size() <= 2 &&
           result_.words.back().front() >= '0' && result_.words.back().front() <= '9';
  }

  void end_line() {
    end_sentence();
    is_quoted_ = false;
    result_.n_line += n_in_line_ > 0 ? 1 : 0;
    result_.n_list_item += is_item_ && n_in_line_ > 0 ? 1 : 0;
    n_in_line_ = 0;
    is_item_ = false;
    is_line_start_ = true;
  }

  void end_sentence() {
    end_word();
    if (!result_.sentences.empty() && result_.sentences.back() == sentence_) {
      ++sentence_;
    }
  }

  void end_word() {
    if (!before_.empty()) {
      end_contraction();
    }
    if (!word_.empty()) {
      push(std::exchange(word_, ""));
    }
  }

  void end_contraction() {
    std::string before = std::exchange(before_, "");
    const std::string_view ending = word_;
    if (ending == "t" && before.size() > 1 && before.back() == 'n') {
      before = before == "won"   ? "will"
               : before == "can" ? "can"
                                 : before.substr(0, before.size() - 1);
    }
    if (ending == "s") {
      const bool is_is = std::find(kBeforeIs.begin(), kBeforeIs.end(), before) != kBeforeIs.end();
      word_ = is_is ? "is" : before == "let" ? "us" : "";
    }
    const auto* const form = std::find_if(
        kEndings.begin(), kEndings.end(), [&](const auto& pair) { return pair.first == word_; });
    if (form != kEndings.end()) {
      word_ = form->second;
    }
    push(std::move(before));
  }

  void push(std::string word) {
    if (word == "cannot") {
      push("can");
      word = "not";
    }
    is_line_start_ = false;
    ++n_in_line_;
    if (!is_quoted_) {
      result_.words.push_back(std::move(word));
      result_.sentences.push_back(sentence_);
    }
  }

  std::string_view text_;
  size_t n_max_word_;
  size_t at_ = 0;
  ReplyWords result_;
  std::string word_;
  std::string before_;  // an apostrophe
  int64_t sentence_ = 0;
  int64_t n_in_line_ = 0;
  bool is_line_start_ = true;
  bool is_item_ = false;
  bool is_quoted_ = false;
};

}  // namespace

ReplyWords read_words(std::string_view text, size_t n_max_word) {
  WordReader reader(text, n_max_word);
  return reader.read();
}

}  // namespace mascing
