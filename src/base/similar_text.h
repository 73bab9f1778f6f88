// Finds duplicate and near-duplicate texts, whatever their spelling: normalised words, sets of word
// triples, and an exact join of these sets by prefix filtering (Bayardo, Ma and Srikant 2007).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mascing {

/// Lower case, words separated by one space, no punctuation. Letters of ASCII, Latin-1, Greek and
/// Cyrillic lose their case; typographic and other Unicode punctuation counts as punctuation;
/// invisible characters (zero width, soft hyphen, byte order mark) vanish; characters of scripts
/// without spaces (from U+2E80 on) are words of their own. The text should be UTF-8; bytes that
/// are not stay as they are.
[[nodiscard]] std::string normalise_text(std::string_view text);

/// Small letters where normalise_text has them; all else stays, and so does the number of bytes.
[[nodiscard]] std::string fold_case(std::string_view text);

/// True unless letters or digits of one word stand right before and right behind `at`, which must
/// be the start of a character or the end. Scripts without spaces have a boundary everywhere.
[[nodiscard]] bool is_word_boundary(std::string_view text, size_t at);

/// 64 bits that depend on every byte; the same on all platforms. Not for hostile input.
[[nodiscard]] uint64_t hash_text(std::string_view text);

/// The set of word triples of a text, as sorted hashes. A text of fewer than three words is one
/// element; a text without words is the empty set.
[[nodiscard]] std::vector<uint64_t> word_triples(std::string_view text);

/// Jaccard index of two such sets: shared elements / all elements; 0 if both are empty.
[[nodiscard]] double jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b);

/// Two texts of different groups; `i` stands before `j`.
struct SimilarPair {
  int64_t i = 0;
  int64_t j = 0;
  double similarity = 0.0;  ///< Jaccard index of their word triples
};

/// Every pair of texts from different groups whose word triples have a Jaccard index of at least
/// `threshold` (in (0, 1]), without omissions. Texts of one group and one kind with the same
/// triples are represented by the first: a kind is whatever else the caller decides by. `groups`
/// and `kinds` have one number per text. Ordered by i, then j. Time is nearly linear if few pairs
/// are similar.
[[nodiscard]] std::vector<SimilarPair> find_similar(const std::vector<std::string>& texts,
                                                    const std::vector<int64_t>& groups,
                                                    const std::vector<int64_t>& kinds,
                                                    double threshold);

}  // namespace mascing
