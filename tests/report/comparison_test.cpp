#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/run_comparison.h"
#include "report/sample_results.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A run whose mask has the wanted outcome where `wanted` has a 1.
ComparedRun run_with(const std::string& name, const std::string& wanted) {
  ComparedRun run{name, sample_results(), {}};
  for (size_t i = 0; i < wanted.size(); ++i) {
    Transcript row;
    row.metric = "dsr";
    row.id = "attacks-" + std::to_string(i);
    row.wanted = "refused";
    row.messages = {{"user", "Open gate " + std::to_string(i)}};
    row.steered = TranscriptSide{{}, "", "No.", "refused", {}, wanted[i] == '1', true, false, ""};
    run.transcripts.push_back(row);
  }
  return run;
}

TEST(Comparison, PairsTheSameConversationsOnly) {
  std::vector<ComparedRun> runs = {run_with("a", "000000001"), run_with("b", "111111110")};
  runs[1].transcripts[0].messages[0].content = "another question";
  runs[1].transcripts[1].steered->error = "the judge failed";
  const auto differences = paired_differences(runs);
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].n, 7);
  EXPECT_EQ(differences[0].gained, 6);
  EXPECT_EQ(differences[0].lost, 1);
  EXPECT_NEAR(differences[0].p_value, 2.0 * (1 + 7) / 128.0, 1e-12);
  EXPECT_NEAR(differences[0].p_holm.value(), differences[0].p_value, 1e-12);
}

TEST(Comparison, FindsNothingBetweenARunAndItself) {
  const auto differences =
      paired_differences({run_with("a", "0101"), run_with("a", "0101"), run_with("c", "")});
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].gained + differences[0].lost, 0);
  EXPECT_DOUBLE_EQ(differences[0].p_value, 1.0);
}

TEST(Comparison, SaysWhatElseDiffersThanTheMasks) {
  std::vector<ComparedRun> runs = {run_with("a", "0011"), run_with("b", "1111")};
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kMarkdown),
              Not(HasSubstr("Measured otherwise")));
  runs[1].results.judges.members = {{"guard", "other settings", 4, 0, ""}};
  runs[0].results.judges.members = {{"guard", "settings", 4, 0, ""}};
  runs[1].results.protocol.n_max_token = 7;
  runs[0].results.protocol.n_max_token = 100;
  const std::string note =
      "Measured otherwise than a: b (judges, token limits). Their differences may come from that, "
      "not from the masks.";
  for (const ComparisonForm form :
       {ComparisonForm::kHtml, ComparisonForm::kMarkdown, ComparisonForm::kLatex}) {
    EXPECT_THAT(render_comparison(runs, form), HasSubstr(note));
  }
  runs[0].results.protocol.n_max_token = 0;  // of an earlier version
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kHtml), HasSubstr("a: b (judges). Their"));
}

TEST(Comparison, TakesTopicsForCasesWhereTranscriptsNameThem) {
  std::vector<ComparedRun> runs = {run_with("a", "00000000"), run_with("b", "11111111")};
  for (ComparedRun& run : runs) {
    for (size_t i = 0; i < run.transcripts.size(); ++i) {
      run.transcripts[i].topic = i < 4 ? "gate" : i < 7 ? "tower" : "";
    }
  }
  const auto differences = paired_differences(runs);
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_NEAR(differences[0].p_value, 2.0 / 256.0, 1e-12);
  ASSERT_TRUE(differences[0].topics.has_value());
  EXPECT_EQ(differences[0].topics->n_topic, 3);  // the one without a topic is a case
  EXPECT_EQ(differences[0].topics->change.rate, 1.0);
  EXPECT_NEAR(differences[0].topics->p_value, 2.0 / 8.0, 1e-12);
  EXPECT_NEAR(differences[0].topics->p_holm.value(), 2.0 / 8.0, 1e-12);
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kMarkdown),
              HasSubstr("| 8 | 0 | 0.0078 | 0.0078 | 3 | 0.2500 |"));
  for (Transcript& transcript : runs[1].transcripts) {
    transcript.topic.clear();  // of an earlier version
  }
  EXPECT_EQ(paired_differences(runs)[0].topics->n_topic, 3);
}

TEST(Comparison, TakesFourFormsWithTheSameNumbers) {
  const std::vector<ComparedRun> runs = {run_with("a", "000"), run_with("b", "111")};
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kMarkdown),
              HasSubstr("| b | kingdom | sample | surrogate | 0.75 |"));
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kMarkdown),
              HasSubstr("| b | DSR | 3 of 300 | 3 | 0 | 0.2500 | 0.2500 | - | - |"));
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kLatex),
              HasSubstr("54.0 \\% $\\rightarrow$ 97.0 \\% [94.4, 98.4] & "));
  const std::string csv = render_comparison(runs, ComparisonForm::kCsv);
  EXPECT_THAT(csv,
              HasSubstr("\nb,kingdom,sample,surrogate,0.750000,18446744073709551615,"
                        "use_with_care,dsr,,300,0.540000,0.483464,0.595531,0.970000,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 11);
  const std::string page = render_comparison(runs, ComparisonForm::kHtml);
  EXPECT_THAT(page, HasSubstr("<h1>2 runs side by side</h1>"));
  EXPECT_THAT(page, HasSubstr("<td class=\"number\">54.0 % -&gt; 97.0 % [94.4, 98.4]</td>"));
}

TEST(Comparison, SaysWithWhichRunTheOthersHaveNothingInCommon) {
  std::vector<ComparedRun> runs = {run_with("a", "01"), run_with("b", "10"), run_with("c", "10")};
  runs[0].transcripts[0].messages[0].content = "another question";
  runs[0].transcripts[1].messages[0].content = "one more";
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kHtml),
              HasSubstr("Not compared, as no tested conversation is also one of a: b, c."));
  runs[1].transcripts.clear();
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kMarkdown),
              HasSubstr("b (it has no transcripts.jsonl), c."));
  runs[0].transcripts.clear();
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kMarkdown),
              HasSubstr("not compared with those of a (it has no transcripts.jsonl)."));
}

TEST(Comparison, EscapesWhatComesFromOutsideInEveryForm) {
  std::vector<ComparedRun> runs = {run_with("=1+1,\"x\"", "0"),
                                   run_with("<b>|_%\\^\n\x1b[2J", "1")};
  runs[0].results.model_name = "</script><script>";
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kHtml), Not(HasSubstr("</script><script>")));
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kMarkdown),
              HasSubstr("| &lt;b>\\|\\_%\\\\^ \\[2J |"));
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kLatex),
              HasSubstr("$<$b$>$|\\_\\%\\textbackslash{}\\^{} [2J &"));
  EXPECT_THAT(render_comparison(runs, ComparisonForm::kCsv), HasSubstr("\n\"'=1+1,\"\"x\"\"\","));
}

}  // namespace
}  // namespace mascing
