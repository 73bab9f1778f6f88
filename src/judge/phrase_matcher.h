// Finds phrases, written as short patterns over words, in a reply.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "judge/reply_words.h"

namespace mascing {

struct PhraseMatch {
  size_t phrase = 0;  ///< index among the patterns
  size_t begin = 0;   ///< words of the reply
  size_t end = 0;
};

/// A pattern is words with blanks between: `a|b` is either, `a?` may be left out, `help*` is any
/// word that begins so, `*3` up to three words but no `,` or `:`, `@verbs` a list of words with a
/// name,
/// `^` in front the start of a sentence (after a comma or colon counts, too, written `^,`). A
/// phrase lies within one sentence. It does not begin with what may be left out.
class PhraseMatcher {
 public:
  using WordLists = std::vector<std::pair<std::string_view, std::string_view>>;

  PhraseMatcher(const std::vector<std::string_view>& patterns, const WordLists& lists);

  /// In the order of the text. Words that were met are kept, so this is not thread-safe.
  [[nodiscard]] std::vector<PhraseMatch> find(const ReplyWords& text);

 private:
  static constexpr size_t kClasses = 1024;
  using Classes = std::bitset<kClasses>;

  struct Element {
    size_t word_class = 0;
    int64_t n_gap = 0;  // words that may stand before
    bool is_optional = false;
  };
  enum class Anchor { kNowhere, kSentence, kClause };
  struct Pattern {
    Anchor anchor = Anchor::kNowhere;
    std::vector<Element> elements;
  };
  struct Word {
    Classes classes;
    std::vector<size_t> starts;  // patterns that may begin with it
    bool is_mark = false;
  };

  void add_pattern(std::string_view pattern, const WordLists& lists);
  size_t class_of(std::string_view alternatives, const WordLists& lists);
  void add_words(std::string_view alternatives, size_t word_class, const WordLists& lists);
  void add_stems(const std::string& word, Word& entry) const;
  void add_starts(Word& entry) const;
  [[nodiscard]] const Word* word_of(const std::string& word);
  [[nodiscard]] size_t match(const Pattern& pattern,
                             size_t element,
                             const std::vector<const Word*>& words,
                             size_t at,
                             size_t stop) const;

  std::vector<Pattern> patterns_;
  std::unordered_map<std::string, size_t> class_ids_;
  std::unordered_map<std::string, Word> words_;
  std::unordered_map<std::string, Classes> stems_;
  std::unordered_map<std::string, Word> met_;  // words of replies that no pattern spells out
};

}  // namespace mascing
