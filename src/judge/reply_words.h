// The words of a reply, sentence by sentence, in one spelling.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mascing {

struct ReplyWords {
  std::vector<std::string> words;
  /// Of each word: the sentence it stands in, from 0.
  std::vector<int64_t> sentences;
  int64_t n_sentence = 0;
  int64_t n_list_item = 0;  ///< lines that begin with "1.", "-" and the like
  int64_t n_line = 0;       ///< lines with words
  size_t n_byte_read = 0;   ///< of the text
};

/// Reads until `n_max_word` words are complete. Small letters without accents (Latin and Cyrillic),
/// contractions written out ("can't": can not), words with apostrophes in two, each Chinese or
/// Japanese sign a word; `,` and `:` are words, too. What stands in double quotes is left out,
/// except at the very start of the text; a quotation leaves the word `"`.
[[nodiscard]] ReplyWords read_words(std::string_view text, size_t n_max_word);

}  // namespace mascing
