// Counts along llama.cpp's own division into tokens, which needs no stack.
#include "host/llama/template_limits.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <jinja/lexer.h>

#include "mascing/error.h"

namespace mascing {
namespace {

using Token = jinja::token;

constexpr size_t kMostTemplateBytes = size_t{256} << 10;
constexpr int64_t kMostNested = 100;
constexpr int64_t kMostChained = 1000;

[[noreturn]] void refuse_template(const std::string& why) {
  throw Error(ErrorKind::kBadInput,
              "[host] the model's chat template " + why,
              "no model needs that; tokenizer.chat_template in the file is damaged");
}

/// What the parser has open at a token: the blocks around it, and within its tag the brackets
/// around it with the tokens that may belong to one expression.
class OpenParts {
 public:
  void take(Token::type type, std::string_view word) {
    if (type == Token::open_statement || type == Token::open_expression) {
      chains_ = {0};
      is_first_ = type == Token::open_statement;
      is_open_set_ = false;
    } else if (type == Token::close_statement || type == Token::close_expression) {
      if (is_open_set_) {
        blocks_.push_back(1);
      }
      chains_.clear();
    } else if (!chains_.empty()) {
      take_inside(type, word);
    }
  }

  /// An elif is a block within the block before it.
  [[nodiscard]] int64_t n_nested() const { return sum_of(blocks_) + std::ssize(chains_); }
  [[nodiscard]] int64_t n_chained() const { return sum_of(chains_); }

 private:
  static int64_t sum_of(const std::vector<int64_t>& numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), int64_t{0});
  }

  void take_inside(Token::type type, std::string_view word) {
    if (std::exchange(is_first_, false)) {
      take_statement(word);
    }
    ++chains_.back();
    if (type == Token::open_paren || type == Token::open_square_bracket ||
        type == Token::open_curly_bracket) {
      chains_.push_back(0);
    } else if (type == Token::close_paren || type == Token::close_square_bracket ||
               type == Token::close_curly_bracket) {
      chains_.resize(std::max<size_t>(1, chains_.size() - 1));
    } else if (type == Token::comma) {
      chains_.back() = 0;
    } else if (type == Token::equals && chains_.size() == 1) {
      is_open_set_ = false;  // it has its value
    }
  }

  void take_statement(std::string_view word) {
    constexpr std::array<std::string_view, 5> kBlocks = {"if", "for", "macro", "call", "filter"};
    if (std::find(kBlocks.begin(), kBlocks.end(), word) != kBlocks.end()) {
      blocks_.push_back(1);
    } else if (word == "elif" && !blocks_.empty()) {
      ++blocks_.back();
    } else if (word.starts_with("end") && word != "endgeneration" && !blocks_.empty()) {
      blocks_.pop_back();
    }
    is_open_set_ = word == "set";
  }

  std::vector<int64_t> blocks_;  // 1 and their elifs
  std::vector<int64_t> chains_;  // tokens since the last comma, bracket by bracket; none in text
  bool is_first_ = false;        // the next token is a statement's name
  bool is_open_set_ = false;     // a set that is no block has an equals sign
};

}  // namespace

void require_sane_template(const std::string& source) {
  if (source.size() > kMostTemplateBytes) {
    refuse_template("has " + std::to_string(source.size()) + " bytes, expected at most " +
                    std::to_string(kMostTemplateBytes));
  }
  jinja::lexer_result read;
  try {
    read = jinja::lexer().tokenize(source);
  } catch (const std::exception&) {
    return;  // the parser stops at the same place, and says what it is
  }
  OpenParts open;
  for (const Token& token : read.tokens) {
    open.take(token.t, token.value);
    if (open.n_nested() > kMostNested) {
      refuse_template("has blocks or brackets nested more than " + std::to_string(kMostNested) +
                      " deep");
    }
    if (open.n_chained() > kMostChained) {
      refuse_template("has a tag of more than " + std::to_string(kMostChained) +
                      " words and signs within one another");
    }
  }
}

}  // namespace mascing
