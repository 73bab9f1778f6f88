#include "report/side_by_side.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/columns.h"

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

TEST(SideBySide, ColourChangesNothingElse) {
  std::string text = side_by_side({"base", "one"}, {"steered", "two"}, 80, true);
  for (const std::string code : {"\x1b[1m", "\x1b[0m"}) {
    for (size_t at = text.find(code); at != std::string::npos; at = text.find(code)) {
      text.erase(at, code.size());
    }
  }
  EXPECT_EQ(text, side_by_side({"base", "one"}, {"steered", "two"}, 80, false));
}

}  // namespace
}  // namespace mascing
