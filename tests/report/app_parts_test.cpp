#include "report/app_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/bundle.h"

namespace mascing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

Transcript spoken(const std::string& id, const std::string& reply, bool is_fixed) {
  Transcript transcript;
  transcript.metric = "dsr";
  transcript.id = id;
  transcript.wanted = "refused";
  transcript.messages = {{"user", "Open the royal seal."}};
  transcript.base = {{}, "", reply, "answered", {}, false, true, false, ""};
  transcript.steered = TranscriptSide{{}, "", "No.", "refused", {}, is_fixed, true, false, ""};
  return transcript;
}

TEST(AppParts, EscapeWhatCouldEndAScriptAndStayTheSameJson) {
  const std::string evil =
      "</script><script>alert(1)</script><!--<svg onload=x>\u2028\u202e\x1b[2J";
  std::string with_nul = evil;
  with_nul.push_back('\0');
  const PageTranscripts page = fit_on_page({spoken("a", with_nul, true)});
  EXPECT_EQ(page.json.find('<'), std::string::npos);
  EXPECT_EQ(page.json.find('\0'), std::string::npos);
  EXPECT_EQ(json::parse(page.json).at("rows").at(0).at("base").at("reply"), with_nul);
}

TEST(AppParts, ReplaceBytesThatAreNoUtf8) {
  const PageTranscripts page = fit_on_page({spoken("a", "caf\xE9", true)});
  EXPECT_EQ(json::parse(page.json).at("rows").at(0).at("base").at("reply"), "caf\uFFFD");
}

TEST(AppParts, CutLongTextsBetweenCharactersAndSaySo) {
  std::string reply;
  for (int i = 0; i < 500'000; ++i) {
    reply += "\u00e9";
  }
  const PageTranscripts page = fit_on_page({spoken("a", reply, true)}, 1'000'000, 1001);
  EXPECT_EQ(page.n_shortened, 1);
  const std::string shown = json::parse(page.json).at("rows").at(0).at("base").at("reply");
  EXPECT_EQ(shown.substr(0, 1000), reply.substr(0, 1000));
  EXPECT_EQ(shown.substr(1000), "\n[999 000 more bytes are in transcripts.jsonl]");
}

TEST(AppParts, KeepConversationsWhoseRoutingWasLookedAtBeforeQuietOnes) {
  std::vector<Transcript> many;
  for (int i = 0; i < 50; ++i) {
    many.push_back(spoken("quiet-" + std::to_string(i), std::string(100, 'a'), false));
  }
  many.push_back(spoken("routed", std::string(100, 'b'), false));
  many.back().routing = TokenRouting{{"Open ", std::string(5000, 'c')}, {0.5, 0.0}, {}, 3};
  const PageTranscripts page = fit_on_page(many, 4000, 200);
  EXPECT_GT(page.n_left_out, 0);
  EXPECT_EQ(page.n_shortened, 1);
  const json rows = json::parse(page.json).at("rows");
  EXPECT_EQ(rows.back().at("id"), "routed");
  EXPECT_EQ(rows.back().at("routing").at("left_out"), 3);
  EXPECT_EQ(rows.back().at("routing").at("change").at(0), 0.5);
  EXPECT_THAT(rows.back().at("routing").at("tokens").at(1).get<std::string>(),
              HasSubstr("4 800 more bytes are in transcripts.jsonl"));
}

TEST(AppParts, LeaveOutTheUnremarkableFirstWhereNotAllFits) {
  std::vector<Transcript> many;
  for (int i = 0; i < 100; ++i) {
    many.push_back(spoken("quiet-" + std::to_string(i), std::string(100, 'a'), false));
  }
  many.push_back(spoken("fixed", std::string(100, 'b'), true));
  const PageTranscripts page = fit_on_page(many, 5000);
  const json data = json::parse(page.json);
  EXPECT_EQ(page.n_row + page.n_left_out, 101);
  EXPECT_EQ(data.at("left_out"), page.n_left_out);
  EXPECT_GT(page.n_left_out, 50);
  EXPECT_LT(page.json.size(), 5200U);
  EXPECT_EQ(data.at("rows").front().at("id"), "quiet-0");
  EXPECT_EQ(data.at("rows").back().at("id"), "fixed");
}

TEST(AppParts, SayWhereConversationsAreIfTheyCannotBeShown) {
  EXPECT_EQ(conversations_section(0), "");
  const std::string section = conversations_section(950);
  EXPECT_THAT(section, HasSubstr("All 950 conversations"));
  EXPECT_THAT(section, HasSubstr("transcripts.jsonl"));
  if (has_app()) {
    EXPECT_THAT(section, HasSubstr("id=\"conversations-app\""));
    EXPECT_THAT(app_end({}, ""), HasSubstr(bundled_script()));
    EXPECT_THAT(app_end({}, ""), Not(HasSubstr("id=\"mascing-transcripts\"")));
    EXPECT_THAT(app_head(), HasSubstr("script-src 'sha256-"));
  } else {
    EXPECT_THAT(section, HasSubstr("without npm"));
    EXPECT_EQ(app_end({}, ""), "");
    EXPECT_THAT(app_head(), HasSubstr("script-src 'none'"));
  }
}

}  // namespace
}  // namespace mascing
