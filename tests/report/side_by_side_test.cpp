#include "report/side_by_side.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/ansi.h"
#include "report/columns.h"
#include "report/word_diff.h"

namespace mascing {
namespace {

using ::testing::ElementsAre;

TEST(WrapLines, BreaksBetweenWordsAndKeepsLineBreaks) {
  EXPECT_THAT(wrap_lines("the royal seal\nis safe", 9),
              ElementsAre("the royal", "seal", "is safe"));
  EXPECT_THAT(wrap_lines("", 9), ElementsAre(""));
  EXPECT_THAT(wrap_lines("a\n\nb", 9), ElementsAre("a", "", "b"));
}

TEST(WrapLines, BreaksLongWordsBetweenCharacters) {
  EXPECT_THAT(wrap_lines("\u00e4\u00f6\u00fc\u00df\u00e9", 2),
              ElementsAre("\u00e4\u00f6", "\u00fc\u00df", "\u00e9"));
  EXPECT_THAT(wrap_lines("abcde", 0), ElementsAre("a", "b", "c", "d", "e"));
}

TEST(WrapLines, LeavesOutWhatCouldDriveATerminal) {
  EXPECT_THAT(wrap_lines("a\x1b[2Jb\ac", 20), ElementsAre("a[2Jbc"));
}

TEST(SideBySide, StandsInColumnsWhereItIsWide) {
  const std::string text = side_by_side({"base", "one two"}, {"steered", "three\nfour"}, 93, false);
  const std::string gap(41, ' ');
  EXPECT_EQ(text,
            "base" + gap + " | steered" + std::string(38, ' ') + "\n" + "one two" +
                std::string(38, ' ') + " | three\n" + std::string(45, ' ') + " | four\n");
  for (const std::string& line : wrap_lines(text, 1000)) {
    EXPECT_LE(width_of(line), 93U);
  }
}

TEST(SideBySide, StandsOneBelowTheOtherWhereItIsNarrow) {
  EXPECT_EQ(side_by_side({"base", "one"}, {"steered", "two"}, 80, false),
            "base\n  one\nsteered\n  two\n");
}

std::string without_colour(std::string text) {
  for (const std::string code :
       {ansi::kBold, ansi::kRed, ansi::kGreen, ansi::kUnderlined, ansi::kReset}) {
    for (size_t at = text.find(code); at != std::string::npos; at = text.find(code)) {
      text.erase(at, code.size());
    }
  }
  return text;
}

TEST(SideBySide, ColourChangesNothingElse) {
  const TitledText left{"base", "the royal seal\nis   safe with the " + std::string(70, 'm')};
  const TitledText right{"steered", "no royal   seal\n\nis  given " + std::string(70, 'm')};
  for (const size_t width : {20, 80, 93}) {
    EXPECT_EQ(without_colour(side_by_side(left, right, width, true)),
              side_by_side(left, right, width, false));
  }
}

TEST(SideBySide, ColourMarksTheWordsThatOnlyOneTextHas) {
  EXPECT_EQ(side_by_side({"base", "the seal is here"}, {"steered", "no seal is"}, 80, true),
            "\x1b[1mbase\x1b[0m\n  \x1b[31m\x1b[4mthe\x1b[0m seal is \x1b[31m\x1b[4mhere\x1b[0m\n"
            "\x1b[1msteered\x1b[0m\n  \x1b[32m\x1b[4mno\x1b[0m seal is\n");
}

TEST(SideBySide, NoWordIsMarkedBesideARemark) {
  EXPECT_EQ(side_by_side({"base", "the seal"}, {"steered", "(identical)", true}, 80, true),
            "\x1b[1mbase\x1b[0m\n  the seal\n\x1b[1msteered\x1b[0m\n  (identical)\n");
}

TEST(WordDiff, KeepsTheLongestCommonSequence) {
  const WordMarks marks = differing_words({"a", "b", "c", "d"}, {"b", "x", "d", "a"});
  EXPECT_THAT(marks.left, ElementsAre(true, false, true, false));
  EXPECT_THAT(marks.right, ElementsAre(false, true, false, true));
  EXPECT_TRUE(differing_words({}, {}).left.empty());
  EXPECT_THAT(differing_words({}, {"a"}).right, ElementsAre(true));
}

TEST(WordDiff, MarksNothingWhereComparingWouldTakeTooLong) {
  const std::vector<std::string> long_text(3000, "a");
  EXPECT_THAT(differing_words(long_text, std::vector<std::string>(3000, "b")).left,
              testing::Each(false));
}

}  // namespace
}  // namespace mascing
