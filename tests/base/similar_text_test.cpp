// Normalised words, and the join against the plain comparison of all pairs.
#include "base/similar_text.h"

#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"

namespace mascing {
namespace {

TEST(NormaliseText, CasePunctuationSpacesAndInvisibleCharactersDoNotMatter) {
  const std::string plain = "i m the king s herald";
  EXPECT_EQ(normalise_text("I'm the King's herald!"), plain);
  EXPECT_EQ(normalise_text("  I\xE2\x80\x99m\tthe\xC2\xA0KING\xE2\x80\x99s \xE2\x80\x94 herald..."),
            plain);
  EXPECT_EQ(normalise_text("I'm the King's her\xE2\x80\x8B"
                           "ald"),
            plain);
  EXPECT_EQ(normalise_text("\xC3\x84pfel \xD0\x96\xD0\x98\xD0\x9B \xCE\xA9"),
            "\xC3\xA4pfel \xD0\xB6\xD0\xB8\xD0\xBB \xCF\x89");
  EXPECT_EQ(normalise_text("\xE7\x8E\x8B\xE5\x86\xA0"), "\xE7\x8E\x8B \xE5\x86\xA0");
  EXPECT_EQ(normalise_text("?!"), "");
  EXPECT_EQ(normalise_text(plain), plain);
}

// Overlong letters, a surrogate, stray and cut bytes: none is taken for the letter it resembles.
TEST(NormaliseText, BytesThatAreNoCharacterStayInTheirWord) {
  for (const char* bad : {"\xC3",
                          "\xC1\x81",
                          "\x80",
                          "\xAD",
                          "\xED\xA0\x80",
                          "\xE2\x80",
                          "\xE2\x80(",
                          "\xF0\x82\x82\xAC",
                          "\xFF"}) {
    const std::string kept = trim(normalise_text(bad));
    const std::string text = std::string("A") + bad + "b";
    const bool has_mark = std::string(bad).ends_with('(');
    EXPECT_EQ(normalise_text(text), has_mark ? "a" + kept + " b" : "a" + kept + "b");
    EXPECT_EQ(kept.size(), std::string(bad).size() - (has_mark ? 1 : 0));
    EXPECT_EQ(fold_case(text), "a" + text.substr(1)) << "a change of size moves what follows";
  }
}

TEST(FoldCase, ChangesLettersAndNoSizes) {
  EXPECT_EQ(fold_case("\xC3\x84pfel, \xD0\x96!"), "\xC3\xA4pfel, \xD0\xB6!");
  EXPECT_EQ(fold_case("A\xC3"), "a\xC3") << "cut within a character";
}

TEST(IsWordBoundary, LiesWhereNoWordGoesOn) {
  const std::string text =
      "\xC3\x9C"
      "bel, ab";
  EXPECT_TRUE(is_word_boundary(text, 0));
  EXPECT_FALSE(is_word_boundary(text, 2)) << "behind an umlaut";
  EXPECT_TRUE(is_word_boundary(text, 5));
  EXPECT_TRUE(is_word_boundary(text, text.size()));
  EXPECT_TRUE(is_word_boundary("\xE7\x8E\x8B\xE5\x86\xA0", 3));
  EXPECT_TRUE(
      is_word_boundary("a\x80\x80"
                       "b",
                       3))
      << "behind bytes that belong to no letter";
  EXPECT_TRUE(
      is_word_boundary("a\xFF"
                       "b",
                       1));
}

TEST(WordTriples, OrderCountsAndRepetitionDoesNot) {
  EXPECT_EQ(word_triples("a b c d").size(), 2U);
  EXPECT_EQ(word_triples("a b").size(), 1U);
  EXPECT_TRUE(word_triples("...").empty());
  EXPECT_NE(word_triples("a b c"), word_triples("c b a"));
  EXPECT_EQ(word_triples("a b c a b c"), word_triples("a b c a b c a b c"));
  EXPECT_DOUBLE_EQ(jaccard(word_triples("a b c d"), word_triples("b c d e")), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(jaccard({}, {}), 0.0);
}

// Texts of a small vocabulary, many of them changed copies of others.
std::vector<std::string> random_texts(int64_t n, Rng& rng) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < n; ++i) {
    if (i > 0 && rng.below(3) == 0) {
      std::string copy = texts[rng.below(i)];
      copy.insert(copy.size() / 2, rng.below(2) == 0 ? " owl" : "");
      texts.push_back(copy + (rng.below(2) == 0 ? " please" : "."));
      continue;
    }
    std::string text;
    const int64_t n_word = 1 + rng.below(25);
    for (int64_t k = 0; k < n_word; ++k) {
      text += 'w';
      text += std::to_string(rng.below(12)) + " ";
    }
    texts.push_back(text);
  }
  return texts;
}

TEST(FindSimilar, FindsExactlyThePairsOfThePlainComparison) {
  Rng rng(5);
  for (const double threshold : {0.5, 0.8, 1.0}) {
    const auto texts = random_texts(150, rng);
    std::vector<int64_t> groups;
    for (size_t i = 0; i < texts.size(); ++i) {
      groups.push_back(rng.below(3));
    }
    std::vector<std::vector<uint64_t>> triples;
    for (const std::string& text : texts) {
      triples.push_back(word_triples(text));
    }
    std::set<std::pair<int64_t, int64_t>> found;
    for (const SimilarPair& pair : find_similar(texts, groups, groups, threshold)) {
      EXPECT_LT(pair.i, pair.j);
      EXPECT_NE(groups[pair.i], groups[pair.j]);
      EXPECT_DOUBLE_EQ(pair.similarity, jaccard(triples[pair.i], triples[pair.j]));
      found.emplace(pair.i, pair.j);
    }
    // Of texts with the same triples in one group the first stands for all.
    const auto stands = [&](size_t i) {
      for (size_t k = 0; k < i; ++k) {
        if (groups[k] == groups[i] && triples[k] == triples[i]) {
          return false;
        }
      }
      return !triples[i].empty();
    };
    std::set<std::pair<int64_t, int64_t>> expected;
    for (size_t i = 0; i < texts.size(); ++i) {
      for (size_t j = i + 1; j < texts.size(); ++j) {
        if (groups[i] != groups[j] && stands(i) && stands(j) &&
            jaccard(triples[i], triples[j]) >= threshold) {
          expected.emplace(i, j);
        }
      }
    }
    EXPECT_FALSE(expected.empty());
    EXPECT_EQ(found, expected) << threshold;
  }
}

TEST(FindSimilar, ManyCopiesInOneGroupGiveOnePair) {
  std::vector<std::string> texts(2000, "how would one forge the royal seal");
  std::vector<int64_t> groups(2000, 0);
  texts.push_back("How would one forge the royal seal?");
  groups.push_back(1);
  const auto pairs = find_similar(texts, groups, groups, 0.8);
  ASSERT_EQ(pairs.size(), 1U);
  EXPECT_EQ(pairs[0].i, 0);
  EXPECT_EQ(pairs[0].j, 2000);
}

TEST(FindSimilar, CopiesOfAnotherKindStandForThemselves) {
  const std::vector<std::string> texts(3, "how would one forge the royal seal");
  const auto pairs = find_similar(texts, {0, 0, 1}, {5, 6, 5}, 0.8);
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(pairs[0].i, 0);
  EXPECT_EQ(pairs[1].i, 1);
}

}  // namespace
}  // namespace mascing
