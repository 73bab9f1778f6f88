// Prefix filtering: order the elements of all sets from rare to frequent. Two sets with a Jaccard
// index of t or more share one of the first |a| - ceil(t |a|) + 1 elements of either, so that only
// these prefixes are indexed and only sets that meet there are compared.
#include "base/similar_text.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/numeric.h"
#include "base/sorted_unique.h"
#include "base/text.h"

namespace mascing {
namespace {

constexpr char32_t kFirstOwnWord = 0x2E80;  // from here on scripts without spaces
constexpr size_t kCounters = size_t{1} << 20;

bool is_invisible(char32_t c) {
  return c == 0xAD || (c >= 0x200B && c <= 0x200F) || c == 0x2060 || c == 0xFEFF;
}

bool is_separator(char32_t c) {
  if (c < 0x80) {
    return !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z');
  }
  return (c >= 0x80 && c <= 0xBF) || c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c <= 0x206F) ||
         (c >= 0x2E00 && c <= 0x2E7F) || (c >= 0x3000 && c <= 0x303F) ||
         (c >= 0xFF01 && c <= 0xFF0F);
}

/// Small letters of the same length in UTF-8 only, so that sizes stay as they are.
char32_t lower(char32_t c) {
  const bool is_plus_32 = (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) ||
                          (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F);
  if (is_plus_32) {
    return c + 0x20;
  }
  return c >= 0x400 && c <= 0x40F ? c + 0x50 : c;
}

void append_utf8(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else {
    text += static_cast<char>(0xC0U | (c >> 6U));
    text += static_cast<char>(0x80U | (c & 0x3FU));
  }
}

/// Bytes that are no character stay.
void append_small(std::string& text, const Utf8Character& c, std::string_view bytes) {
  const char32_t small = lower(c.code);
  if (small != c.code) {
    append_utf8(text, small);
  } else {
    text += bytes;
  }
}

bool is_in_word(const Utf8Character& c) {
  return c.is_valid && !is_separator(c.code) && !is_invisible(c.code) && c.code < kFirstOwnWord;
}

uint64_t mix(uint64_t x) {
  x ^= x >> 30U;
  x *= 0xBF58476D1CE4E5B9U;
  x ^= x >> 27U;
  x *= 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

/// One set of triples that stands for all texts of its group and kind with the same triples.
struct Document {
  std::vector<uint64_t> triples;  // sorted
  std::vector<uint64_t> prefix;   // the rarest of them
  int64_t i_text = 0;
  int64_t group = 0;
};

std::vector<Document> make_documents(const std::vector<std::string>& texts,
                                     const std::vector<int64_t>& groups,
                                     const std::vector<int64_t>& kinds) {
  std::vector<Document> documents;
  std::map<std::tuple<int64_t, int64_t, std::vector<uint64_t>>, int64_t> seen;
  for (int64_t i = 0; i < std::ssize(texts); ++i) {
    std::vector<uint64_t> triples = word_triples(texts[i]);
    if (!triples.empty() && seen.try_emplace({groups[i], kinds[i], triples}, i).second) {
      documents.push_back({std::move(triples), {}, i, groups[i]});
    }
  }
  return documents;
}

/// Frequencies are counted in a table of fixed size: a collision only makes the order less
/// selective, as long as it is the same for all sets.
void choose_prefixes(std::vector<Document>& documents, double threshold) {
  std::vector<uint32_t> counts(kCounters, 0);
  for (const Document& document : documents) {
    for (const uint64_t triple : document.triples) {
      ++counts[triple % kCounters];
    }
  }
  const auto is_rarer = [&](uint64_t a, uint64_t b) {
    return std::make_pair(counts[a % kCounters], a) < std::make_pair(counts[b % kCounters], b);
  };
  for (Document& document : documents) {
    const double size = to_double(std::ssize(document.triples));
    // Rounded down a little: a product such as 0.8 * 5 must not reach the next whole number.
    const auto n_needed = static_cast<size_t>(std::max(1.0, std::ceil(threshold * size - 1e-9)));
    document.prefix = document.triples;
    std::sort(document.prefix.begin(), document.prefix.end(), is_rarer);
    document.prefix.resize(document.triples.size() - n_needed + 1);
  }
}

}  // namespace

std::string normalise_text(std::string_view text) {
  std::string words;
  words.reserve(text.size());
  bool is_between = false;
  size_t i = 0;
  while (i < text.size()) {
    const Utf8Character c = utf8_character(text, i);
    const std::string_view bytes = text.substr(i, c.n_byte);
    i += c.n_byte;
    if (is_invisible(c.code)) {
      continue;
    }
    if (is_separator(c.code)) {
      is_between = true;
      continue;
    }
    const bool is_own_word = c.is_valid && c.code >= kFirstOwnWord;
    if ((is_between || is_own_word) && !words.empty()) {
      words += ' ';
    }
    is_between = is_own_word;
    append_small(words, c, bytes);
  }
  return words;
}

std::string fold_case(std::string_view text) {
  std::string small;
  small.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Character c = utf8_character(text, i);
    append_small(small, c, text.substr(i, c.n_byte));
    i += c.n_byte;
  }
  return small;
}

bool is_word_boundary(std::string_view text, size_t at) {
  if (at == 0 || at >= text.size()) {
    return true;
  }
  size_t before = at - 1;
  while (before > 0 && (static_cast<unsigned char>(text[before]) & 0xC0U) == 0x80U) {
    --before;
  }
  const Utf8Character last = utf8_character(text, before);
  return before + last.n_byte != at || !is_in_word(last) || !is_in_word(utf8_character(text, at));
}

uint64_t hash_text(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a, its low bits mixed up into the high ones
  for (const unsigned char c : text) {
    hash = (hash ^ c) * 0x100000001B3U;
  }
  return mix(hash);
}

std::vector<uint64_t> word_triples(std::string_view text) {
  const std::string words = normalise_text(text);
  std::vector<size_t> starts;
  for (size_t at = 0; at < words.size();) {
    starts.push_back(at);
    const size_t space = words.find(' ', at);
    at = space == std::string::npos ? words.size() : space + 1;
  }
  if (starts.empty()) {
    return {};
  }
  std::vector<uint64_t> triples;
  starts.push_back(words.size() + 1);
  const size_t n_word = starts.size() - 1;
  const size_t n_in = std::min<size_t>(3, n_word);
  for (size_t i = 0; i + n_in <= n_word; ++i) {
    const size_t size = starts[i + n_in] - 1 - starts[i];
    triples.push_back(hash_text(std::string_view(words).substr(starts[i], size)));
  }
  return sorted_unique(std::move(triples));
}

double jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  int64_t n_shared = 0;
  auto at = b.begin();
  for (const uint64_t element : a) {
    at = std::lower_bound(at, b.end(), element);
    if (at == b.end()) {
      break;
    }
    n_shared += *at == element ? 1 : 0;
  }
  return ratio_or_zero(n_shared, std::ssize(a) + std::ssize(b) - n_shared);
}

namespace {

/// What has been read so far, found again by the elements it has in its prefix.
class Meetings {
 public:
  Meetings(const std::vector<Document>& documents, double threshold)
      : documents_(documents),
        threshold_(threshold),
        last_met_(documents.size(), documents.size()) {}

  /// Compares document j with the earlier ones that share an element of its prefix, each once.
  void add(size_t j) {
    for (const uint64_t element : documents_[j].prefix) {
      std::vector<size_t>& met = holders_[element];
      for (const size_t i : met) {
        compare(i, j);
      }
      met.push_back(j);
    }
  }

  [[nodiscard]] std::vector<SimilarPair> take() { return std::move(pairs_); }

 private:
  void compare(size_t i, size_t j) {
    const Document& earlier = documents_[i];
    const Document& later = documents_[j];
    if (earlier.group == later.group || last_met_[i] == j) {
      return;
    }
    last_met_[i] = j;
    const double similarity = jaccard(earlier.triples, later.triples);
    if (similarity >= threshold_) {
      pairs_.push_back({earlier.i_text, later.i_text, similarity});
    }
  }

  const std::vector<Document>& documents_;
  double threshold_;
  std::vector<size_t> last_met_;
  std::unordered_map<uint64_t, std::vector<size_t>> holders_;  ///< element -> documents
  std::vector<SimilarPair> pairs_;
};

}  // namespace

std::vector<SimilarPair> find_similar(const std::vector<std::string>& texts,
                                      const std::vector<int64_t>& groups,
                                      const std::vector<int64_t>& kinds,
                                      double threshold) {
  std::vector<Document> documents = make_documents(texts, groups, kinds);
  choose_prefixes(documents, threshold);
  Meetings meetings(documents, threshold);
  for (size_t j = 0; j < documents.size(); ++j) {
    meetings.add(j);
  }
  std::vector<SimilarPair> pairs = meetings.take();
  std::sort(pairs.begin(), pairs.end(), [](const SimilarPair& a, const SimilarPair& b) {
    return std::make_pair(a.i, a.j) < std::make_pair(b.i, b.j);
  });
  return pairs;
}

}  // namespace mascing
