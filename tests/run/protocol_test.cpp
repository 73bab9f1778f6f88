// Runs on a model that reasons, conversations that are played, and what a run states of itself.
#include "run/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/warning_ids.h"
#include "mascing/report.h"
#include "run/run_fixture.h"
#include "scenario/text_blocks.h"

namespace mascing {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class ProtocolTest : public RunTest {
 protected:
  [[nodiscard]] RunOptions options(const std::string& output) const {
    RunOptions options;
    options.output = folder_.path(output);
    options.command = "test";
    return options;
  }
  [[nodiscard]] RunOutcome run_thinking(const Scenario& scenario,
                                        const std::string& words,
                                        bool is_opened) {
    return run_scenario(scenario,
                        FakeHost::make_info(),
                        [&] {
                          auto host = std::make_unique<FakeHost>();
                          host->think(words, is_opened);
                          return host;
                        },
                        options("thinking"),
                        {});
  }
  /// A mask that makes the model refuse whatever is asked.
  [[nodiscard]] static Mask refusing_mask() {
    Mask mask = zero_mask(FakeHost::make_info());
    mask.sigma_rule = SigmaRule::kCalibrated;
    mask.row(FakeHost::kPlantedLayer)[FakeHost::kPlantedExpert] = 100.0F;
    return mask;
  }
};

TEST_F(ProtocolTest, AModelThatReasonsIsSearchedByWhatItShows) {
  for (const bool is_opened : {false, true}) {
    Scenario scenario = write_defend(folder_.path());
    scenario.search.methods = {MaskMethod::kMeanDifference};
    const RunOutcome outcome = run_thinking(scenario, "I cannot say so yet", is_opened);
    EXPECT_EQ(outcome.failure, "");
    EXPECT_DOUBLE_EQ(outcome.results.metrics.at("dsr").base.rate, 0.5);
    EXPECT_DOUBLE_EQ(outcome.results.metrics.at("dsr").steered->rate, 1.0);
    EXPECT_EQ(outcome.results.metrics.at("dsr").base_replies.n_unfinished, 0);
    EXPECT_FALSE(outcome.results.labels.contains("discovery.dsr.unfinished"));
    const std::string labelled = read_text_file(folder_.path("thinking/labelled.jsonl"));
    EXPECT_THAT(labelled, Not(HasSubstr("cannot say so")));
  }
}

TEST_F(ProtocolTest, ARunWhoseRepliesStayUnfinishedStopsEarlyAndSaysWhatHelps) {
  Scenario scenario = write_defend(folder_.path());
  scenario.n_max_reasoning_token = 3;
  try {
    (void)run_thinking(scenario, "so many words and no end", true);
    FAIL() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInsufficient);
    EXPECT_THAT(error.what(), HasSubstr("are unfinished"));
    for (const char* help : {"max_reasoning_tokens", "--reasoning", "reasoning_effort=low"}) {
      EXPECT_THAT(error.hint(), HasSubstr(help));
    }
  }
}

TEST_F(ProtocolTest, ResultsAndReportStateTheProtocol) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kMeanDifference};
  FakeHost host;
  host.set_template("{{ messages }}");
  RunOptions given = options("eval");
  given.chat_template = {ReasoningMode::kSkip, {{"effort", "\"low\""}}};
  const Results results = evaluate_mask(scenario, refusing_mask(), 1.0, host, given, {}).results;
  EXPECT_EQ(results.protocol.reasoning, "skip");
  EXPECT_EQ(results.protocol.template_arguments.at("effort"), "\"low\"");
  EXPECT_EQ(results.protocol.template_hash.size(), 64U);
  EXPECT_EQ(results.protocol.attacks, "replayed");
  EXPECT_EQ(results.protocol.n_sample, 3);
  EXPECT_TRUE(results.metrics.at("dsr").sampled);
  EXPECT_TRUE(results.metrics.at("direct").sampled);
  EXPECT_FALSE(results.metrics.at("benign").sampled);
  EXPECT_EQ(results.protocol.n_max_token, 20);
  EXPECT_GT(results.damage.n_chat_text_token, 0);
  EXPECT_GT(results.damage.chat_perplexity_steered, results.damage.chat_perplexity_base);
  const auto written = comparable(given.output);
  EXPECT_EQ(written.at("protocol").at("max_reasoning_tokens"), 2048);
  const std::string page = read_text_file(given.output + "/report.html");
  for (const char* text : {">Protocol</h2>", "skip, effort = &quot;low&quot;", "replayed"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
}

TEST_F(ProtocolTest, WithoutAChatTemplateTextIsMeasuredRawAlone) {
  Scenario scenario = write_defend(folder_.path());
  FakeHost host;
  const Results results =
      evaluate_mask(scenario, refusing_mask(), 1.0, host, options("eval"), {}).results;
  EXPECT_EQ(results.damage.n_chat_text_token, 0);
  EXPECT_GT(results.damage.n_text_token, 0);
  EXPECT_EQ(limited_form(host, scenario), TextForm::kRaw);
  host.set_template("{{ messages }}");
  EXPECT_EQ(limited_form(host, scenario), TextForm::kChat);
  scenario.general.limited = TextForm::kRaw;
  EXPECT_EQ(limited_form(host, scenario), TextForm::kRaw);
}

TEST_F(ProtocolTest, PlayedConversationsHoldWhatTheModelItselfSaid) {
  const Scenario scenario = write_defend(folder_.path());
  const Dataset data = load_dataset(scenario, 0);
  FakeHost host;
  const Progress quiet;
  CachedEvaluator evaluator(host, Cache(folder_.path("cache"), "k"), {}, quiet);
  const std::unique_ptr<Judge> judge = make_judge(scenario.judge, {});
  const EvalContext context{evaluator, data, scenario, *judge, {}};
  const auto& rows = data.target().rows(Split::kTest);
  Treatment treatment;
  treatment.steering = {std::make_shared<const Mask>(refusing_mask()), 1.0F};
  const auto base = play_against(context, "base", rows, {});
  const auto steered = play_against(context, "steered", rows, treatment);
  EXPECT_EQ(base.n_turn, std::ssize(rows));
  EXPECT_EQ(base.n_kept + base.n_cut, 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].messages[1].content, "Good day");
    EXPECT_THAT(base.rows[i].messages[1].content, testing::StartsWith("Here is"));
    EXPECT_THAT(steered.rows[i].messages[1].content, testing::StartsWith("I'm sorry"));
    EXPECT_EQ(steered.rows[i].messages.back(), rows[i].messages.back());
  }
  host.think("so many words and no end", true);
  CachedEvaluator unfinished(host, Cache(folder_.path("other"), "k"), {}, quiet);
  const EvalContext other{unfinished, data, scenario, *judge, {}};
  const auto kept = play_against(other, "base", rows, {});
  EXPECT_EQ(kept.n_kept, kept.n_turn);
  EXPECT_EQ(kept.rows.front().messages[1].content, "Good day");
}

TEST_F(ProtocolTest, AnEvaluationMayPlayItsAttacks) {
  const Scenario scenario = write_defend(folder_.path());
  FakeHost host;
  RunOptions given = options("played");
  given.attacks = Attacks::kPlayed;
  const Results results = evaluate_mask(scenario, refusing_mask(), 1.0, host, given, {}).results;
  EXPECT_EQ(results.protocol.attacks, "played");
  EXPECT_EQ(results.protocol.n_sample, 0);
  EXPECT_FALSE(results.metrics.at("dsr").sampled);
  EXPECT_DOUBLE_EQ(results.metrics.at("dsr").steered->rate, 1.0);
  EXPECT_THAT(warning_ids(results.warnings), Not(Contains("turns_not_played")));
  EXPECT_THAT(read_text_file(given.output + "/report.html"), HasSubstr("wrote the assistant"));
}

}  // namespace
}  // namespace mascing
