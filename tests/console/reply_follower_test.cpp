// A reply that comes piece by piece looks at the end as if it had come whole.
#include "console/reply_follower.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace mascing::console {
namespace {

const ReplyFormat kFormat{{"<think>", {"</think>"}}, true};

/// What a page shows after these pieces; each change must be whole characters.
ReplyParts shown_after(const std::vector<std::string>& pieces, int64_t* n_whole = nullptr) {
  ReplyFollower follower(kFormat);
  ReplyParts shown;
  for (const std::string& piece : pieces) {
    for (const PartChange& change : follower.add(piece)) {
      std::string& part = change.is_reasoning ? shown.reasoning : shown.visible;
      part = change.is_whole ? change.text : part + change.text;
      EXPECT_TRUE(is_valid_utf8(change.text)) << piece;
      if (n_whole != nullptr && change.is_whole) {
        ++*n_whole;
      }
    }
  }
  return shown;
}

TEST(ReplyFollower, AgreesWithTheWholeReplyWhereverItIsCut) {
  const std::string text = "The mill\xE2\x80\x94old. </think>\n\nNo \xF0\x9F\x91\x91 seal. ";
  const ReplyParts whole = split_reply(text, kFormat);
  for (size_t n = 1; n <= text.size(); ++n) {
    std::vector<std::string> pieces;
    for (size_t i = 0; i < text.size(); i += n) {
      pieces.push_back(text.substr(i, n));
    }
    const ReplyParts shown = shown_after(pieces);
    EXPECT_EQ(shown.reasoning, whole.reasoning) << n;
    EXPECT_EQ(shown.visible, whole.visible) << n;
  }
  EXPECT_EQ(whole.visible, "No \xF0\x9F\x91\x91 seal.");
}

TEST(ReplyFollower, TakesBackAMarkThatCameInPieces) {
  int64_t n_whole = 0;
  const ReplyParts shown = shown_after({"Hm.", "</th", "ink>", "No."}, &n_whole);
  EXPECT_EQ(shown.reasoning, "Hm.");
  EXPECT_EQ(shown.visible, "No.");
  EXPECT_EQ(n_whole, 1);
}

TEST(ReplyFollower, SaysNothingOfPiecesThatChangeNothing) {
  ReplyFollower follower({});
  EXPECT_EQ(follower.add("").size(), 0U);
  EXPECT_EQ(follower.add("No").size(), 1U);
  EXPECT_EQ(follower.add("  ").size(), 0U);
  const auto changes = follower.add("seal");
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].text, "  seal");
}

}  // namespace
}  // namespace mascing::console
