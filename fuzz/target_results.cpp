// What a run leaves and others read again: results.json and transcripts. What is accepted becomes a
// page and a table, and its JSON is read back.
#include "fuzz.h"
#include "mascing/report.h"
#include "mascing/results.h"
#include "mascing/transcript.h"

namespace mascing::fuzz {

namespace {

std::string small_results() {
  Results results;
  results.direction = "defend";
  results.target_metric = "dsr";
  results.model_name = "kingdom";
  return to_json(results);
}

}  // namespace

std::vector<std::string> seeds() {
  Transcript transcript;
  transcript.metric = "dsr";
  transcript.id = "owl";
  transcript.messages = {{"user", "Open the crypt"}};
  transcript.base.reply = "Here it is";
  return {"R" + small_results(), "T" + to_json_line(transcript) + "\n"};
}

std::vector<std::string> words() {
  return {"\"metrics\":",
          "\"warnings\":",
          "\"judges\":",
          "\"verdict\":",
          "\"rate\":",
          "\"interval\":",
          "\"reply\":",
          "\"messages\":",
          "\"steered\":",
          "null",
          "[]",
          "{}",
          "-1",
          "1e999",
          "\"a\"",
          "true",
          "\\u0000",
          "[[[[[[[["};
}

void try_input(std::string_view input) {
  const char kind = kind_of(input);
  static const MemoryFile file;
  const std::string rest(rest_of(input));
  if (kind == 'T') {
    file.fill(rest);
    expect_value_or_error([&] { (void)to_json_lines(read_transcripts(file.path())); });
    return;
  }
  std::string again;
  expect_value_or_error([&] {
    const Results results = results_from_json(rest, "fuzz");
    again = to_json(results);
    (void)render_table(results, false);
    (void)render_report(results);
  });
  if (!again.empty()) {
    (void)results_from_json(again, "fuzz");  // an Error here passes through: it is a finding
  }
}

}  // namespace mascing::fuzz
