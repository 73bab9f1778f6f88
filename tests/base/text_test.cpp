#include "base/text.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace mascing {
namespace {

TEST(Utf8, AcceptsWellFormedText) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("plain"));
  EXPECT_TRUE(is_valid_utf8("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF"));
}

TEST(Utf8, MakesTextsWhole) {
  EXPECT_EQ(whole_utf8("plain \xC3\xA9"), "plain \xC3\xA9");
  EXPECT_EQ(whole_utf8("cut \xF0\x9F\x98"), "cut ") << "the end cuts a character";
  EXPECT_EQ(whole_utf8("cut \xE2"), "cut ");
  EXPECT_EQ(whole_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(whole_utf8("a\xE2\x28z"), "a\xEF\xBF\xBD(z");
  EXPECT_EQ(whole_utf8("\xC0"), "\xEF\xBF\xBD") << "begins nothing";
}

TEST(Utf8, RefusesOverlongSurrogatesAndBrokenSequences) {
  for (const char* bad : {"\x80",
                          "\xC0\x80",
                          "\xC1\xBF",
                          "\xE0\x9F\xBF",
                          "\xED\xA0\x80",
                          "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80",
                          "\xF5\x80\x80\x80",
                          "\xFF",
                          "\xE2\x82",
                          "\xC3(",
                          "\xE2(\xAC"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  }
}

/// UTF-8 of a code point, by the definition.
std::string utf8_of(char32_t c) {
  const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  if (n == 1) {
    return std::string(1, static_cast<char>(c));
  }
  std::string bytes(n, '\0');
  for (size_t k = n - 1; k > 0; --k, c >>= 6U) {
    bytes[k] = static_cast<char>(0x80U | (c & 0x3FU));
  }
  bytes[0] = static_cast<char>((n == 2 ? 0xC0U : n == 3 ? 0xE0U : 0xF0U) | c);
  return bytes;
}

TEST(Utf8, EveryCharacterHasItsCode) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;
    const std::string text = "a" + utf8_of(c) + "z";
    const Utf8Character found = utf8_character(text, 1);
    ASSERT_EQ(found.is_valid, !is_surrogate) << static_cast<uint32_t>(c);
    ASSERT_EQ(found.code, is_surrogate ? 0xFFFD : c);
    ASSERT_EQ(found.n_byte, is_surrogate ? 1 : text.size() - 2) << static_cast<uint32_t>(c);
  }
}

TEST(Utf8, BytesThatAreNoCharacterStandAlone) {
  for (const std::string bad : {"\x80",
                                "\xC0\x80",
                                "\xC1\x81",
                                "\xE0\x9F\xBF",
                                "\xED\xA0\x80",
                                "\xF0\x8F\xBF\xBF",
                                "\xF4\x90\x80\x80",
                                "\xF5\x80\x80\x80",
                                "\xFF",
                                "\xE2\x82",
                                "\xF0\x9F\x98",
                                "\xC3"}) {
    const std::string text = bad + "z";
    for (size_t i = 0; i < bad.size(); ++i) {
      const Utf8Character found = utf8_character(text, i);
      EXPECT_FALSE(found.is_valid) << bad << " at " << i;
      EXPECT_EQ(found.code, 0xFFFD) << bad << " at " << i;
      EXPECT_EQ(found.n_byte, 1U) << bad << " at " << i;
    }
    EXPECT_EQ(utf8_character(text, bad.size()).code, U'z') << bad;
    EXPECT_FALSE(utf8_character(bad, 0).is_valid) << "at the end of the text";
    EXPECT_TRUE(is_control_character(bad)) << bad;
  }
  EXPECT_TRUE(is_control_character("ab")) << "not one character";
  EXPECT_FALSE(is_control_character("\uFFFD"));
  EXPECT_FALSE(is_control_character(""));
}

TEST(Trim, RemovesSpaceAtBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(ToLowerAscii, LeavesOtherBytesAlone) {
  EXPECT_EQ(to_lower_ascii("AbZ\xC3\x89"), "abz\xC3\x89");
}

TEST(ClosestMatch, FindsASlipOfThePenAndNothingElse) {
  const std::vector<std::string> words = {"alpha", "lambda", "seed"};
  EXPECT_EQ(closest_match("alhpa", words), "alpha");
  EXPECT_EQ(closest_match("LAMDA", words), "lambda");
  EXPECT_EQ(closest_match("threshold", words), "");
  EXPECT_EQ(closest_match("", words), "");
  EXPECT_EQ(closest_match("alpha", {}), "");
}

TEST(PercentNumber, HasOneDecimalUnlessAskedForOthers) {
  EXPECT_EQ(percent_number(0.9876), "98.8");
  EXPECT_EQ(percent_number(0.9876, 0), "99");
  EXPECT_EQ(percent_number(0.98764, 2), "98.76");
  EXPECT_EQ(percent_number(-0.0001), "0.0") << "there is no negative zero";
}

TEST(FormatNumber, WritesAPointAndTheWantedDecimals) {
  EXPECT_EQ(format_number(0.98765, 2), "0.99");
  EXPECT_EQ(format_number(-3.0, 0), "-3");
  EXPECT_EQ(format_number(1e300, 1).size(), 303U);
  EXPECT_EQ(format_number(std::nan(""), 2), "nan");
  EXPECT_EQ(format_number(-std::numeric_limits<double>::infinity(), 2), "-inf");
}

TEST(Printable, HidesControlBytesAndCutsLongText) {
  EXPECT_EQ(printable("a\n\x1B[2J"), "a??[2J");
  EXPECT_EQ(printable("\xFFx"), "?x");
  EXPECT_EQ(printable("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(printable("caf\xC3\xA9s", 4), "caf\xC3\xA9...");
  EXPECT_EQ(printable(std::string(100, 'x'), 3), "xxx...");
}

TEST(Printable, HidesC1AndMarksThatTurnTheWriting) {
  EXPECT_EQ(printable("a\xC2\x9B"
                      "2J"),
            "a?2J");
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "evil\xE2\x81\xA6\xD8\x9C\xE2\x80\xA8"),
            "?evil???");
  EXPECT_EQ(printable("na\xC3\xAFve \xE2\x80\x9Cok\xE2\x80\x9D \xF0\x9F\x99\x82"),
            "na\xC3\xAFve \xE2\x80\x9Cok\xE2\x80\x9D \xF0\x9F\x99\x82");
}

TEST(Printable, HidesWhatNobodySeesButNotWhatEmojiNeed) {
  for (const char* hidden : {"\u00AD",
                             "\u180E",
                             "\u200B",
                             "\u2028",
                             "\u2029",
                             "\u2060",
                             "\u3164",
                             "\uFE00",
                             "\uFEFF",
                             "\U000E0041",
                             "\U000E0100"}) {
    EXPECT_EQ(printable(std::string("a") + hidden + "b"), "a?b");
  }
  for (const char* shown :
       {"\u2764\uFE0F", "\U0001F469\u200D\U0001F680", "\u0645\u200C\u0647", "\u00A0", "\u202F"}) {
    EXPECT_EQ(printable(shown), shown);
  }
}

TEST(FormatStrength, TakesTwoDigitsOrAsManyAsItNeeds) {
  EXPECT_EQ(format_strength(0.0), "0.00");
  EXPECT_EQ(format_strength(1.0), "1.00");
  EXPECT_EQ(format_strength(double{0.8F}), "0.80") << "a mask keeps single precision";
  EXPECT_EQ(format_strength(0.125), "0.125");
  EXPECT_EQ(format_strength(-1.375), "-1.375");
  EXPECT_EQ(format_strength(0.0123), "0.0123");
  EXPECT_EQ(format_strength(1e-12), "0.000000000") << "no more than nine";
  EXPECT_EQ(format_strength(std::nan("")), "nan");
}

TEST(FormatNumber, HasNoNegativeZero) {
  EXPECT_EQ(format_number(-0.004, 2), "0.00");
  EXPECT_EQ(format_number(-0.0, 0), "0");
  EXPECT_EQ(format_number(-0.005001, 2), "-0.01");
}

TEST(ShellQuoted, LeavesPlainWordsAndQuotesTheRest) {
  EXPECT_EQ(shell_quoted("out/mask-s0.gguf"), "out/mask-s0.gguf");
  EXPECT_EQ(shell_quoted("my mask.gguf"), "'my mask.gguf'");
  EXPECT_EQ(shell_quoted("it's $(x)"), "'it'\\''s $(x)'");
  EXPECT_EQ(shell_quoted(""), "''");
}

}  // namespace
}  // namespace mascing
