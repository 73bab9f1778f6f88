// Each word is looked up once; after that, matching compares bits.
#include "judge/phrase_matcher.h"

#include <algorithm>
#include <utility>

#include "mascing/error.h"

namespace mascing {
namespace {

constexpr size_t kShortestStem = 3;
constexpr size_t kMostKept = 16384;
constexpr size_t kNoMatch = static_cast<size_t>(-1);

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t at = std::min(text.find(mark), text.size());
    if (at > 0) {
      parts.push_back(text.substr(0, at));
    }
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return parts;
}

bool is_mark(const std::string& word) {
  return word == "," || word == ":" || word == "\"";
}

}  // namespace

PhraseMatcher::PhraseMatcher(const std::vector<std::string_view>& patterns,
                             const WordLists& lists) {
  for (const std::string_view pattern : patterns) {
    add_pattern(pattern, lists);
  }
  for (auto& [word, entry] : words_) {
    entry.is_mark = is_mark(word);
    add_stems(word, entry);
    add_starts(entry);
  }
}

void PhraseMatcher::add_pattern(std::string_view pattern, const WordLists& lists) {
  Pattern result;
  int64_t n_gap = 0;
  for (std::string_view part : split(pattern, ' ')) {
    if (part == "^" || part == "^,") {
      result.anchor = part == "^" ? Anchor::kSentence : Anchor::kClause;
    } else if (part.front() == '*') {
      n_gap = part[1] - '0';
    } else {
      Element element;
      element.is_optional = part.back() == '?';
      part.remove_suffix(element.is_optional ? 1 : 0);
      element.n_gap = std::exchange(n_gap, 0);
      element.word_class = class_of(part, lists);
      result.elements.push_back(element);
    }
  }
  if (result.elements.empty() || result.elements.front().is_optional || n_gap > 0) {
    throw Error(ErrorKind::kBadInput, "[judge] malformed phrase: " + std::string(pattern));
  }
  patterns_.push_back(std::move(result));
}

size_t PhraseMatcher::class_of(std::string_view alternatives, const WordLists& lists) {
  const auto [place, is_new] = class_ids_.emplace(alternatives, class_ids_.size());
  if (is_new) {
    add_words(alternatives, place->second, lists);
  }
  return place->second;
}

void PhraseMatcher::add_words(std::string_view alternatives,
                              size_t word_class,
                              const WordLists& lists) {
  for (const std::string_view word : split(alternatives, '|')) {
    if (word.front() == '@') {
      const auto list = std::find_if(
          lists.begin(), lists.end(), [&](const auto& pair) { return pair.first == word; });
      if (list == lists.end()) {
        throw Error(ErrorKind::kBadInput, "[judge] unknown word list: " + std::string(word));
      }
      add_words(list->second, word_class, lists);
    } else if (word.back() == '*') {
      stems_[std::string(word.substr(0, word.size() - 1))].set(word_class);
    } else {
      words_[std::string(word)].classes.set(word_class);
    }
  }
}

void PhraseMatcher::add_stems(const std::string& word, Word& entry) const {
  for (size_t n = kShortestStem; n <= word.size(); ++n) {
    const auto stem = stems_.find(word.substr(0, n));
    if (stem != stems_.end()) {
      entry.classes |= stem->second;
    }
  }
}

void PhraseMatcher::add_starts(Word& entry) const {
  for (size_t i = 0; entry.classes.any() && i < patterns_.size(); ++i) {
    if (entry.classes.test(patterns_[i].elements.front().word_class)) {
      entry.starts.push_back(i);
    }
  }
}

const PhraseMatcher::Word* PhraseMatcher::word_of(const std::string& word) {
  const auto spelt_out = words_.find(word);
  if (spelt_out != words_.end()) {
    return &spelt_out->second;
  }
  const auto [place, is_new] = met_.try_emplace(word);
  if (is_new) {
    place->second.is_mark = is_mark(word);
    add_stems(word, place->second);
    add_starts(place->second);
  }
  return &place->second;
}

size_t PhraseMatcher::match(const Pattern& pattern,
                            size_t element,
                            const std::vector<const Word*>& words,
                            size_t at,
                            size_t stop) const {
  if (element == pattern.elements.size()) {
    return at;
  }
  const Element& wanted = pattern.elements[element];
  const size_t last = std::min(stop, at + wanted.n_gap + 1);
  for (size_t i = at; i < last; ++i) {
    if (words[i]->classes.test(wanted.word_class)) {
      const size_t end = match(pattern, element + 1, words, i + 1, stop);
      if (end != kNoMatch) {
        return end;
      }
    }
    if (words[i]->is_mark) {
      break;
    }
  }
  return wanted.is_optional ? match(pattern, element + 1, words, at, stop) : kNoMatch;
}

std::vector<PhraseMatch> PhraseMatcher::find(const ReplyWords& text) {
  if (met_.size() > kMostKept) {
    met_.clear();
  }
  std::vector<const Word*> words;
  words.reserve(text.words.size());
  for (const std::string& word : text.words) {
    words.push_back(word_of(word));
  }
  std::vector<PhraseMatch> matches;
  size_t stop = 0;
  bool is_start = false;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i >= stop) {
      stop = i;
      while (stop < words.size() && text.sentences[stop] == text.sentences[i]) {
        ++stop;
      }
      is_start = true;
    }
    const bool is_clause = is_start || text.words[i - 1] == "," || text.words[i - 1] == ":";
    for (const size_t p : words[i]->starts) {
      const Pattern& pattern = patterns_[p];
      const bool is_anchored = pattern.anchor == Anchor::kNowhere ||
                               (pattern.anchor == Anchor::kSentence ? is_start : is_clause);
      const size_t end = is_anchored ? match(pattern, 0, words, i, stop) : kNoMatch;
      if (end != kNoMatch) {
        matches.push_back({p, i, end});
      }
    }
    is_start = false;
  }
  return matches;
}

}  // namespace mascing
