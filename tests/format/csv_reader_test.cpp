// Records of CSV as people have it, told from those that break its rules.
#include "format/import/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "format/import/json_items.h"

namespace mascing {
namespace {

using testing::ElementsAre;

std::vector<CsvRecord> read_all(const std::string& text, char delimiter = ',') {
  CsvReader reader(ByteReader::over(text), delimiter, 1000);
  std::vector<CsvRecord> records;
  CsvRecord record;
  while (reader.next(record)) {
    records.push_back(record);
  }
  return records;
}

TEST(CsvReader, QuotesHoldDelimitersLineBreaksAndDoubledQuotes) {
  const auto records = read_all("a,\"b,\r\n\"\"c\"\"\",\n\r\n\nd,\"\",e\r\n\"f\"");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_THAT(records[0].fields, ElementsAre("a", "b,\r\n\"c\"", ""));
  EXPECT_THAT(records[1].fields, ElementsAre("d", "", "e"));
  EXPECT_THAT(records[2].fields, ElementsAre("f"));
  EXPECT_EQ(records[0].line, 1);
  EXPECT_EQ(records[1].line, 5);
  EXPECT_EQ(records[2].line, 6);
}

TEST(CsvReader, AQuoteWithinAPlainCellIsText) {
  const auto records = read_all("5\" nails;a \"b\" c\n", ';');
  EXPECT_THAT(records[0].fields, ElementsAre("5\" nails", "a \"b\" c"));
  EXPECT_EQ(records[0].broken_quote_line, 0);
}

TEST(CsvReader, TextBehindAClosingQuoteIsMarked) {
  const auto records = read_all("x\n\"a\" , \"b\"\n\"a\"b,c\nd\n");
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[1].broken_quote_line, 0) << "spaces do no harm";
  EXPECT_EQ(records[2].broken_quote_line, 3);
  EXPECT_THAT(records[3].fields, ElementsAre("d"));
}

TEST(CsvReader, LinesAreCountedThroughLongAndEmptyRecords) {
  const std::string text = std::string(2000, 'a') + ",\"\n\n\"\nb\n";
  const auto records = read_all(text);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_TRUE(records[0].is_too_long);
  EXPECT_TRUE(records[0].fields.empty());
  EXPECT_EQ(records[1].line, 4);
}

TEST(CsvReader, AnOpenQuoteAtTheEndIsAnError) {
  expect_error(ErrorKind::kBadInput, "line 2", [] { (void)read_all("a\nb,\"c\n\nd"); });
}

TEST(JsonItems, LinesAndArraysGiveTheSameTexts) {
  const std::vector<std::string> texts = {
      R"({"a": "[]{},\"\\"})", "[1, [2, \"]\"]]", "\"x,y\"", "null"};
  std::string lines;
  std::string array = " [\n";
  for (const std::string& text : texts) {
    lines += text + "\r\n\n";
    array += text + " ,\n";
  }
  array += "]\n";
  for (const bool is_array : {false, true}) {
    const auto form = is_array ? JsonItemReader::Form::kArray : JsonItemReader::Form::kLines;
    JsonItemReader reader(ByteReader::over(is_array ? array : lines), form, 1000);
    JsonItem item;
    for (size_t i = 0; i < texts.size(); ++i) {
      ASSERT_TRUE(reader.next(item));
      EXPECT_EQ(item.text.substr(0, texts[i].size()), texts[i]);
      EXPECT_EQ(item.line, static_cast<int64_t>(is_array ? i + 2 : 2 * i + 1));
    }
    EXPECT_FALSE(reader.next(item));
  }
}

TEST(JsonItems, AnArrayThatEndsEarlyIsAnErrorWithTheLine) {
  for (const char* text : {"[", "[{},", "[{}", "[\n{\"a\": ["}) {
    JsonItemReader reader(ByteReader::over(text), JsonItemReader::Form::kArray, 1000);
    expect_error(ErrorKind::kBadInput, "the file ends", [&] {
      JsonItem item;
      while (reader.next(item)) {
      }
    });
  }
}

}  // namespace
}  // namespace mascing
