// What goes wrong with the files of an import, and what is counted.
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "base/files.h"
#include "format/import_fixture.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ImportTest, RowsOfAnyFormatMayBeJson) {
  const Imported imported = import_text("a.json", R"([{"Goal": "Hex the well", "Target": "Sure"},
 {"GOAL": "Pick the lock", "target": "Sure", "extra": [1, 2]}])");
  EXPECT_EQ(imported.file().format, "advbench");
  ASSERT_EQ(imported.rows.size(), 2U);
  EXPECT_EQ(imported.rows[1].id, "a:2");
}

TEST_F(ImportTest, DuplicatesAreCountedAcrossFilesAndCanBeKept) {
  write_file_atomically(folder_.path("a.txt"), "Forge the seal.\nForge the seal.\nSing!\n");
  write_file_atomically(folder_.path("b.txt"), "forge  the \xE2\x80\x9CSEAL\xE2\x80\x9D\nDance\n");
  const std::vector<std::string> files = {folder_.path("a.txt"), folder_.path("b.txt")};
  const Imported imported = import_files(files);
  EXPECT_EQ(imported.rows.size(), 3U);
  EXPECT_EQ(imported.report.files[0].n_exact_duplicate, 1);
  EXPECT_EQ(imported.report.files[1].n_exact_duplicate, 0);
  EXPECT_EQ(imported.report.files[1].n_near_duplicate, 1);
  const Imported all = import_files(files, with_duplicates());
  EXPECT_EQ(all.rows.size(), 5U);
  EXPECT_EQ(all.rows[1].id, "a:2");
}

TEST_F(ImportTest, IdsStayUnique) {
  const std::string row = R"({"id": "x", "messages": [{"role": "user", "content": ")";
  const Imported imported = import_text("a.jsonl", row + "one\"}]}\n" + row + "two\"}]}\n");
  ASSERT_EQ(imported.rows.size(), 2U);
  EXPECT_EQ(imported.rows[0].id, "x");
  EXPECT_EQ(imported.rows[1].id, "a:2");
  EXPECT_EQ(imported.file().n_renamed, 1);
  const std::vector<std::string> twice = {folder_.path("a.jsonl"), folder_.path("a.jsonl")};
  const Imported both = import_files(twice, with_duplicates());
  EXPECT_THAT(both.rows[2].id, HasSubstr("a-2:1"));
}

TEST_F(ImportTest, BrokenQuotesAreACountedSkipAndTheNextRowIsRead) {
  const Imported imported = import_text(
      "a.csv", "prompt,category\n\"He said \"forge\" it\",bad\n\"Sing, bard\",good\nx,y,z\n");
  ASSERT_EQ(imported.rows.size(), 1U);
  EXPECT_EQ(imported.rows[0].messages[0].content, "Sing, bard");
  ASSERT_EQ(imported.file().skips.size(), 2U);
  EXPECT_EQ(imported.skip().reason, "broken_quotes");
  EXPECT_THAT(imported.skip().lines, ElementsAre(2));
  EXPECT_EQ(imported.file().skips[1].reason, "wrong_columns");
  EXPECT_THAT(imported.file().skips[1].lines, ElementsAre(4));
}

TEST_F(ImportTest, AQuoteThatIsNeverClosedIsAnErrorWithItsLine) {
  expect_refusal(ErrorKind::kBadInput,
                 "a.csv: line 3: a quote is never closed",
                 "a.csv",
                 "goal,target\nSing,Sure\n\"Forge,Sure\nHex,Sure\n");
}

TEST_F(ImportTest, WrongColumnsAreNamed) {
  expect_refusal(ErrorKind::kBadInput,
                 "line 1: no known format has the columns owl, cat",
                 "a.csv",
                 "owl,cat\n1,2\n");
  expect_refusal(ErrorKind::kBadInput, "--column request=NAME", "a.csv", "owl,cat\n1,2\n");
  expect_refusal(ErrorKind::kBadInput,
                 "needs \"forbidden_prompt\"",
                 "a.csv",
                 "goal,target\n1,2\n",
                 of_format("strongreject"));
  expect_refusal(ErrorKind::kBadInput, "line 1 has owl", "a.jsonl", "{\"owl\": 1}\n");
  expect_refusal(ErrorKind::kUsage, "did you mean harmbench?", "a.csv", "x", of_format("harmbnch"));
  expect_refusal(ErrorKind::kInsufficient, "it has a header but no rows", "a.csv", "goal,target\n");
}

TEST_F(ImportTest, InvalidUtf8AndNulBytesAreCountedSkips) {
  const std::string nul("Hex\0well,Sure\n", 14);
  const Imported imported = import_text("a.csv",
                                        "goal,target\nf\xFC"
                                        "r,Sure\n" +
                                            nul + "Sing,Sure\n");
  EXPECT_EQ(imported.rows.size(), 1U);
  ASSERT_EQ(imported.file().skips.size(), 2U);
  EXPECT_EQ(imported.skip().reason, "invalid_utf8");
  EXPECT_THAT(imported.skip().lines, ElementsAre(2));
  EXPECT_EQ(imported.file().skips[1].reason, "nul_byte");
  EXPECT_THAT(imported.file().skips[1].lines, ElementsAre(3));
}

TEST_F(ImportTest, BrokenJsonLinesAreCountedSkips) {
  const Imported imported = import_text("a.jsonl",
                                        "{\"prompt\": \"one\"}\n{\"prompt\": \"two\"\n"
                                        "{\"prompt\": 3}\n[]\n{\"prompt\": {}}\n"
                                        "{\"prompt\": \"  \"}\n{\"other\": 1}\n");
  EXPECT_EQ(imported.rows.size(), 2U) << "a number is taken as its digits";
  ASSERT_EQ(imported.file().skips.size(), 3U);
  EXPECT_EQ(imported.skip().reason, "invalid_json");
  EXPECT_THAT(imported.skip().lines, ElementsAre(2, 4));
  EXPECT_EQ(imported.file().skips[1].reason, "wrong_type");
  EXPECT_EQ(imported.file().skips[2].reason, "empty_request");
  EXPECT_THAT(imported.file().skips[2].lines, ElementsAre(6, 7));
}

TEST_F(ImportTest, ALineOfFiftyMegabytesIsACountedSkip) {
  const std::string huge(50'000'000, 'x');
  const Imported lines =
      import_text("a.jsonl", "{\"prompt\": \"" + huge + "\"}\n{\"prompt\": \"one\"}\n");
  EXPECT_EQ(lines.rows.size(), 1U);
  EXPECT_EQ(lines.skip().reason, "too_long");
  EXPECT_THAT(lines.skip().lines, ElementsAre(1));
  const Imported cells = import_text("a.csv", "goal,target\n" + huge + ",Sure\nSing,Sure\n");
  EXPECT_EQ(cells.rows.size(), 1U);
  EXPECT_EQ(cells.skip().reason, "too_long");
  EXPECT_THAT(cells.skip().lines, ElementsAre(2));
  const Imported commas =
      import_text("b.csv", "goal,target\n" + std::string(1'000'000, ',') + "\nSing,Sure\n");
  EXPECT_EQ(commas.skip().reason, "too_long");
}

TEST_F(ImportTest, OtherFilesByMistakeAreNamed) {
  expect_refusal(ErrorKind::kBadInput, "is compressed (gzip)", "a.csv", "\x1F\x8B\x08 data");
  expect_refusal(ErrorKind::kBadInput, "ZIP archive", "a.csv", "PK\x03\x04 data");
  expect_refusal(ErrorKind::kBadInput, "iconv", "a.csv", std::string("\xFF\xFEg\0o\0", 6));
  expect_refusal(ErrorKind::kInsufficient, "the file is empty", "a.csv", "");
  expect_refusal(ErrorKind::kInsufficient, "the file is empty", "a.csv", "\xEF\xBB\xBF \n\n");
  expect_refusal(ErrorKind::kBadInput, "the file is truncated", "a.json", "[{\"prompt\": \"x\"},");
  expect_refusal(ErrorKind::kBadInput,
                 "unexpected content after the end of the array",
                 "a.json",
                 "[{\"prompt\": \"x\"}]\nx");
  expect_error(ErrorKind::kBadInput, "none.csv: no such file", [&] {
    (void)import_files({folder_.path("none.csv")});
  });
  expect_error(
      ErrorKind::kBadInput, "Is a directory", [&] { (void)import_files({folder_.path()}); });
}

TEST_F(ImportTest, ChatsOfOtherSpellingsAndUnknownRoles) {
  const Imported imported = import_text(
      "a.jsonl",
      R"({"conversations": [{"role": "user", "content": [{"type": "text", "text": "Sing"}]}]}
{"conversations": [{"from": "tool", "value": "x"}]}
{"conversations": [{"from": "gpt", "value": "x"}]}
{"conversations": [{"from": "human"}]}
{"conversations": [["human", "x"]]}
{"conversations": 3}
)");
  ASSERT_EQ(imported.rows.size(), 1U);
  EXPECT_EQ(imported.rows[0].messages[0].content, "Sing");
  std::vector<std::string> reasons;
  for (const ImportSkip& skip : imported.file().skips) {
    reasons.push_back(skip.reason);
  }
  EXPECT_THAT(reasons,
              ElementsAre("unknown_role", "no_user_message", "missing_field", "wrong_type"));
}

TEST_F(ImportTest, CountsAddUpAndCallersCanStop) {
  const Imported imported = import_files(
      {import_fixture("xstest.csv"), import_fixture("plain.txt")}, of_category("safe"));
  for (const ImportedFile& file : imported.report.files) {
    int64_t n = file.n_conversation + file.n_exact_duplicate + file.n_near_duplicate +
                file.n_other_category;
    for (const ImportSkip& skip : file.skips) {
      n += skip.n;
    }
    EXPECT_EQ(n, file.n_row) << file.path;
  }
  EXPECT_EQ(imported.file().n_line, 4);
  expect_error(ErrorKind::kInterrupted, "", [&] {
    (void)import_conversations(
        {import_fixture("xstest.csv")},
        {},
        [](const Conversation&) {},
        [](const ProgressEvent&) { return false; });
  });
}

TEST_F(ImportTest, APipeIsReadToItsEndAndMayBeLeftWhileItGivesNothing) {
  const std::string pipe = folder_.path("pipe.txt");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  int n_asked = 0;
  expect_error(ErrorKind::kInterrupted, "importing pipe.txt", [&] {
    (void)import_conversations(
        {pipe},
        {},
        [](const Conversation&) {},
        [&](const ProgressEvent&) { return ++n_asked < 3; });
  });
  EXPECT_EQ(n_asked, 3);
  std::thread writer([&] {
    std::ofstream out(pipe);
    out << "Hex the well\n" << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    out << "Pick the lock\n";
  });
  EXPECT_EQ(import_files({pipe}).rows.size(), 2U);
  writer.join();
}

TEST_F(ImportTest, RowsMayStandUnderAKeyOfOneObject) {
  const std::string pretty = R"({
  "parameters": {"model": "m", "tries": [1, [2], {"x": [{"goal": 1}]}], "text": "[{"},
  "jailbreaks": [
    {"index": 0, "goal": "Open the vault", "behavior": "vault", "category": "theft",
     "prompt": "Sing [of] the {vault}", "response": "Gladly", "jailbroken": true},
    {"index": 1, "goal": "Hex the well", "behavior": "well", "category": "magic",
     "prompt": "Hex it", "response": "I cannot", "jailbroken": false},
    {"index": 2, "goal": "x", "behavior": "x", "category": "magic",
     "prompt": null, "response": null, "jailbroken": false}],
  "n": 3})";
  std::string one_line = pretty;
  std::replace(one_line.begin(), one_line.end(), '\n', ' ');
  for (const std::string& text : {pretty, one_line}) {
    const Imported imported = import_text("a.json", text);
    EXPECT_EQ(imported.file().format, "jailbreakbench-artifact");
    ASSERT_EQ(imported.rows.size(), 2U);
    EXPECT_EQ(imported.rows[0].messages.back().content, "Sing [of] the {vault}");
    EXPECT_EQ(imported.rows[0].reply, "Gladly");
    EXPECT_EQ(imported.rows[0].label, 1);
    EXPECT_EQ(imported.rows[1].label, 0);
    EXPECT_EQ(imported.rows[1].topic, "well");
    EXPECT_EQ(imported.file().skips.at(0).n, 1);
    EXPECT_EQ(imported.file().unused_columns, (std::vector<std::string>{"goal", "index"}));
  }
  expect_refusal(ErrorKind::kBadInput, "unknown format", "b.json", R"({"a": [1, 2]})");
  expect_refusal(ErrorKind::kBadInput, "unknown format", "c.json", pretty.substr(0, 80));
}

TEST_F(ImportTest, ColumnsOfOtherNamesAreMappedAndTheRestIsNamed) {
  ImportOptions options;
  options.columns = {{"prompt", "Question"}, {"reply", "answer"}};
  const std::string csv = "question,answer,label,prompt,mood\nSing?,La,1,old,glad\nDance?,No,0,,\n";
  const Imported imported = import_text("qa.csv", csv, options);
  ASSERT_EQ(imported.rows.size(), 2U);
  EXPECT_EQ(imported.rows[0].messages.back().content, "Sing?");
  EXPECT_EQ(imported.rows[0].reply, "La");
  EXPECT_EQ(imported.rows[0].label, 1);
  EXPECT_EQ(imported.rows[1].label, 0);
  EXPECT_EQ(imported.file().unused_columns,
            (std::vector<std::string>{"mood", "prompt (replaced)"}));
  options.columns = {{"prompt", "quest"}};
  expect_refusal(ErrorKind::kBadInput, "no column \"quest\"", "qa.csv", csv, options);
  const Imported words = import_text("words.csv", "prompt,label\nSing?,harmful\nSing?,harmful\n");
  EXPECT_FALSE(words.rows.at(0).label.has_value());
  EXPECT_THAT(words.file().unused_columns, testing::IsEmpty());
  EXPECT_EQ(words.file().n_unread_label, 1);
  EXPECT_EQ(words.file().unread_label, "\"label\" is \"harmful\"");
  EXPECT_EQ(words.file().unread_label_lines, (std::vector<int64_t>{2}));
  const Imported none = import_text("none.csv", "prompt,label\nSing?,\nDance?,1\n");
  EXPECT_EQ(none.file().n_unread_label, 0);
}

TEST_F(ImportTest, AnEmptyTurnBetweenOthersIsSkippedAndNotCutOff) {
  const Imported imported = import_text("g.csv",
                                        "message_0,message_1,message_2,question_id\n"
                                        "Hail,,How does he forge it?,1\nHail,And?,So?,2\n"
                                        "Hail again,,,3\n");
  ASSERT_EQ(imported.rows.size(), 2U);
  EXPECT_EQ(imported.rows[0].messages.size(), 3U);
  EXPECT_EQ(imported.rows[1].messages.size(), 1U);
  ASSERT_EQ(imported.file().skips.size(), 1U);
  EXPECT_EQ(imported.file().skips[0].reason, "missing_turn");
  EXPECT_EQ(imported.file().skips[0].example, "message_1 is empty, and message_2 is not");
  EXPECT_THAT(imported.file().unused_columns, testing::IsEmpty());
}

TEST_F(ImportTest, WhereNoFormatIsRecognisedTheReasonIsNamed) {
  expect_refusal(
      ErrorKind::kBadInput, "the columns owl, moth, label", "s.csv", "owl;moth;label\n1;2;3\n");
  ImportOptions options;
  options.columns = {{"promt", "question"}};
  expect_refusal(ErrorKind::kBadInput,
                 "no format has a use for \"promt\"",
                 "q.csv",
                 "question;a\n1;2\n",
                 options);
}

TEST_F(ImportTest, AnOptionalColumnOfAnotherNameIsMappedWhereAFileHasIt) {
  ImportOptions options;
  options.optional_columns = {{"request", "Question"}};
  const Imported with = import_text("qa.csv", "question,prompt\nSing?,old\n", options);
  EXPECT_EQ(with.rows.at(0).messages.back().content, "Sing?");
  EXPECT_EQ(with.file().renamed_columns, (std::vector<std::string>{"question"}));
  const Imported without = import_text("p.csv", "prompt\nDance?\n", options);
  EXPECT_EQ(without.rows.at(0).messages.back().content, "Dance?");
  EXPECT_THAT(without.file().renamed_columns, testing::IsEmpty());
  const std::string objects = R"({"question": "Sing?"})"
                              "\n"
                              R"({"prompt": "Dance?"})"
                              "\n";
  const Imported mixed = import_text("mixed.jsonl", objects, options);
  ASSERT_EQ(mixed.rows.size(), 2U);
  EXPECT_EQ(mixed.rows[1].messages.back().content, "Dance?");
  EXPECT_EQ(mixed.file().renamed_columns, (std::vector<std::string>{"question"}));
}

TEST_F(ImportTest, AnObjectIsReadToItsEndAndHasOneListOfRows) {
  const std::string list = R"({"train": [{"prompt": "Sing?"}], "n": [1, 2], "text": "]}")";
  EXPECT_EQ(import_text("a.json", list + "}\n").rows.size(), 1U);
  expect_refusal(ErrorKind::kBadInput,
                 "a second list of rows",
                 "b.json",
                 list + R"(, "test": [{"prompt": "Dance?"}]})");
  expect_refusal(ErrorKind::kBadInput, "before its object is closed", "c.json", list);
  expect_refusal(ErrorKind::kBadInput, "after the end of the object", "d.json", list + "} garbage");
}

TEST_F(ImportTest, ALabelIsZeroOrOneAsANumberOrAText) {
  const std::string csv = "prompt,label\nSing?,1.0\nDance?,0\nHum?, 1 \nRest?,0.5\n";
  const std::string lines = R"({"prompt": "Sing?", "label": 1.0})"
                            "\n"
                            R"({"prompt": "Dance?", "label": "0.0"})"
                            "\n"
                            R"({"prompt": "Hum?", "label": "1"})"
                            "\n"
                            R"({"prompt": "Rest?", "label": true})";
  for (const Imported& imported : {import_text("a.csv", csv), import_text("a.jsonl", lines)}) {
    ASSERT_EQ(imported.rows.size(), 4U);
    EXPECT_EQ(imported.rows[0].label, 1);
    EXPECT_EQ(imported.rows[1].label, 0);
    EXPECT_EQ(imported.rows[2].label, 1);
    EXPECT_FALSE(imported.rows[3].label.has_value());
  }
  const std::string own = R"({"messages": [{"role": "user", "content": "Sing?"}], "label": )";
  EXPECT_EQ(import_text("b.jsonl", own + "\"1.0\"}").rows.at(0).label, 1);
  expect_refusal(ErrorKind::kInsufficient, "expected 0 or 1", "c.jsonl", own + "2}");
  const std::string attack = "goal,prompt,response,jailbroken\na,Sing?,La,1.0\nb,Hum?,No,False\n";
  const Imported artifact = import_text("d.csv", attack);
  EXPECT_EQ(artifact.rows.at(0).label, 1);
  EXPECT_EQ(artifact.rows.at(1).label, 0);
}

TEST_F(ImportTest, NothingBehindTheLastRequestIsLostInSilence) {
  const auto row = [](const std::string& rest, const std::string& more) {
    return R"({"messages": [{"role": "user", "content": "Sing?"})" + rest + "]" + more + "}\n";
  };
  const std::string la = R"(, {"role": "assistant", "content": "La"})";
  const std::string di = R"(, {"role": "assistant", "content": "Di"})";
  const std::string rule = R"(, {"role": "system", "content": "Be kind."})";
  EXPECT_EQ(import_text("a.jsonl", row(la + di, "")).rows.at(0).reply, "La\n\nDi");
  EXPECT_EQ(import_text("b.jsonl", row(la, R"(, "reply": "La")")).rows.at(0).reply, "La");
  const std::string hum = R"({"messages": [{"role": "user", "content": "Hum?"}]})";
  for (const auto& [text, reason] :
       {std::pair<std::string, const char*>{row(la, R"(, "reply": "Di")"), "two_replies"},
        {row(rule, ""), "late_system"},
        {row(rule + la, ""), "late_system"}}) {
    const Imported imported = import_text("c.jsonl", text + hum);
    ASSERT_EQ(imported.rows.size(), 1U);
    EXPECT_EQ(imported.skip().reason, reason);
  }
  const Imported alone = import_text("d.jsonl",
                                     R"({"messages": [{"role": "system", "content": ""}]})"
                                     "\n" +
                                         hum);
  EXPECT_EQ(alone.skip().reason, "no_user_message");
}

TEST_F(ImportTest, OurOwnRowsStayAsTheyAreAndASplitHasAKnownName) {
  const std::string row =
      R"({"id": "a", "messages": [{"role": "user", "content": "Sing?"}], "split": "test", )"
      R"("turn": 2, "attempt": 3, "cut_turns": 1, "script": "0123456789abcdef"})";
  const Imported imported = import_text("a.jsonl", row);
  EXPECT_EQ(nlohmann::json::parse(to_jsonl(imported.rows.at(0))), nlohmann::json::parse(row));
  const std::string train =
      R"({"messages": [{"role": "user", "content": "Hum?"}], "split": "train"})";
  EXPECT_EQ(import_text("b.jsonl", row + "\n" + train).skip().reason, "unknown_split");
}

TEST_F(ImportTest, AColumnIsGivenANameThatTheFormatHasAUseFor) {
  ImportOptions options;
  options.columns = {{"request", "question"}, {"replly", "answer"}};
  const std::string csv = "question,answer\nSing?,La\n";
  try {
    (void)import_text("a.csv", csv, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("has no use for \"replly\""));
    EXPECT_EQ(error.hint(), "did you mean reply?");
  }
  expect_refusal(ErrorKind::kBadInput, "plain text has no column", "a.txt", "Sing?\n", options);
}

TEST_F(ImportTest, LinesThatEndWithCrAloneAreNotOneLine) {
  const std::string lines = "prompt,topic\rSing?,song\rHum?,tune\r";
  expect_refusal(ErrorKind::kBadInput, "end with CR alone", "a.csv", lines);
  expect_refusal(ErrorKind::kBadInput, "end with CR alone", "a.txt", "Sing?\rHum?\r");
  const std::string quoted = "prompt,note\rSing?,\"so\nng\"\rHum?,x\r";
  expect_refusal(ErrorKind::kBadInput, "end with CR alone", "b.csv", quoted);
  EXPECT_EQ(import_text("c.csv", "prompt\r\nSing?\r\n").rows.size(), 1U);
  EXPECT_EQ(import_text("d.csv", "prompt,\"a\rb\"\nSing?,x").rows.size(), 1U);
}

TEST_F(ImportTest, TwoColumnsOfOneNameAreRefusedWhereItMatters) {
  const std::string rows = "Sing?,Hum?\n";
  expect_refusal(ErrorKind::kBadInput,
                 "\"prompt\" and \"Prompt\" are both \"prompt\"",
                 "a.csv",
                 "prompt,Prompt\n" + rows);
  EXPECT_EQ(import_text("b.csv", "prompt,note,note\nSing?,a,b\n").rows.size(), 1U);
}

TEST_F(ImportTest, RowsWithTwoKeysOfOneNameAreSkippedWhereItMatters) {
  const auto imported = import_text("a.jsonl",
                                    R"({"prompt": "Sing?", "Note": 1, "note": 2})"
                                    "\n"
                                    R"({"prompt": "Hum?", "Prompt": "Hum!"})"
                                    "\n"
                                    R"({"prompt": "Dance?", "PROMPT": "Dance?"})"
                                    "\n"
                                    R"({"prompt": "Leap?", "prompt": "Leap!"})"
                                    "\n");
  EXPECT_EQ(imported.rows.size(), 2U);
  ASSERT_EQ(imported.file().skips.size(), 1U);
  EXPECT_EQ(imported.file().skips[0].reason, "equal_keys");
  EXPECT_EQ(imported.file().skips[0].n, 2);
}

TEST_F(ImportTest, ACategoryThatNoRowHasIsAnError) {
  expect_refusal(ErrorKind::kInsufficient,
                 "no row is of the category \"saef\"; there are safe",
                 "a.jsonl",
                 R"({"prompt": "Sing", "category": "safe"})",
                 of_category("saef"));
}

}  // namespace
}  // namespace mascing
