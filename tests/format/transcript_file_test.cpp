#include <cmath>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "mascing/transcript.h"

namespace mascing {
namespace {

Transcript full() {
  Transcript transcript;
  transcript.metric = "dsr";
  transcript.id = "attacks-test-004";
  transcript.topic = "wax";
  transcript.category = "seals";
  transcript.wanted = "refused";
  transcript.messages = {{"system", "Be brief."}, {"user", "Forge a seal.\nNow."}};
  transcript.base = {{},
                     "They ask for a seal.",
                     "Take wax.",
                     "other",
                     {{"guard", "refused"}, {"key", "answered"}},
                     false,
                     true,
                     true,
                     ""};
  transcript.steered = TranscriptSide{
      {{"user", "Forge another."}}, "", "", "", {}, false, false, false, "no reply came"};
  return transcript;
}

TEST(TranscriptFile, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  Transcript base_only = full();
  base_only.steered.reset();
  base_only.topic.clear();
  base_only.category.clear();
  const std::string text = to_json_lines({full(), base_only});
  write_file_atomically(folder.path("transcripts.jsonl"), text);
  const auto read = transcripts_beside(folder.path("results.json"));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(to_json_lines(read), text);
  EXPECT_EQ(read[0].topic, "wax");
  EXPECT_EQ(read[0].steered->error, "no reply came");
  EXPECT_EQ(read[0].steered->messages, full().steered->messages);
  EXPECT_EQ(read[0].base.opinions, full().base.opinions);
  EXPECT_TRUE(read[0].base.is_cut_off);
  EXPECT_FALSE(read[1].steered.has_value());
}

TEST(TranscriptFile, NumbersThatAreNotFiniteDoNotSpoilTheFile) {
  const TemporaryFolder folder;
  Transcript routed = full();
  routed.routing = TokenRouting{{"Forge ", "a seal"}, {NAN, 0.5}, {}, 0};
  routed.routing->margins = {{0, -3.25, INFINITY}};
  const std::string path = folder.path("transcripts.jsonl");
  write_file_atomically(path, to_json_line(routed) + "\n");
  const TokenRouting read = read_transcripts(path).at(0).routing.value();
  EXPECT_TRUE(std::isnan(read.change[0]));
  EXPECT_EQ(read.change[1], 0.5);
  EXPECT_EQ(read.margins[0].base, -3.25);
  EXPECT_TRUE(std::isnan(read.margins[0].steered));
}

TEST(TranscriptFile, KeepsTheRoutingOfATokenToFourDigits) {
  const TemporaryFolder folder;
  Transcript routed = full();
  routed.routing = TokenRouting{{"Forge ", "a seal", "\xC3"}, {0.123456, 0.0, 1.0}, {-2.00004}, 7};
  routed.routing->margins = {{0, -3.25, -1.00001}, {2, 0.5, 7.0}};
  const std::string path = folder.path("transcripts.jsonl");
  write_file_atomically(path, to_json_line(routed) + "\n");
  const TokenRouting read = read_transcripts(path).at(0).routing.value();
  EXPECT_EQ(read.tokens, (std::vector<std::string>{"Forge ", "a seal", "\uFFFD"}));
  EXPECT_EQ(read.change, (std::vector<double>{0.1235, 0.0, 1.0}));
  EXPECT_EQ(read.gain, (std::vector<double>{-2.0}));
  EXPECT_EQ(read.n_left_out, 7);
  ASSERT_EQ(read.margins.size(), 2U);
  EXPECT_EQ(read.margins[0].i_message, 0);
  EXPECT_EQ(read.margins[0].base, -3.25);
  EXPECT_EQ(read.margins[0].steered, -1.0);
  EXPECT_EQ(read.margins[1].i_message, 2);
  EXPECT_EQ(read.margins[1].steered, 7.0);
}

TEST(TranscriptFile, ReadsRoutingOfEarlierVersions) {
  const TemporaryFolder folder;
  Transcript routed = full();
  routed.routing = TokenRouting{{"Forge "}, {0.5}, {}, 0};
  std::string line = to_json_line(routed);
  const std::string margins = ",\"margins\":[]";
  const size_t at =
      line.find(margins) != std::string::npos ? line.find(margins) : line.find("\"margins\":[],");
  ASSERT_NE(at, std::string::npos) << line;
  line.erase(at, margins.size());
  const std::string path = folder.path("transcripts.jsonl");
  write_file_atomically(path, line + "\n");
  EXPECT_TRUE(read_transcripts(path).at(0).routing->margins.empty());
}

TEST(TranscriptFile, RefusesRoutingWhoseListsDoNotFit) {
  const TemporaryFolder folder;
  Transcript routed = full();
  routed.routing = TokenRouting{{"Forge "}, {0.5, 0.5}, {}, 0};
  const std::string path = folder.path("transcripts.jsonl");
  write_file_atomically(path, to_json_line(routed) + "\n");
  expect_error(ErrorKind::kBadInput, "transcripts.jsonl:1: the lists under", [&] {
    (void)read_transcripts(path);
  });
}

TEST(TranscriptFile, IsNoneWhereThereIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_TRUE(transcripts_beside(folder.path("results.json")).empty());
}

TEST(TranscriptFile, NamesTheLineThatIsWrong) {
  const TemporaryFolder folder;
  const std::string path = folder.path("transcripts.jsonl");
  write_file_atomically(path, to_json_line(full()) + "\n{\"metric\": 3}\n");
  expect_error(ErrorKind::kBadInput, "transcripts.jsonl:2: a key is missing", [&] {
    (void)read_transcripts(path);
  });
  write_file_atomically(path, "{\"metric\"");
  expect_error(ErrorKind::kBadInput, "transcripts.jsonl:1", [&] { (void)read_transcripts(path); });
}

}  // namespace
}  // namespace mascing
