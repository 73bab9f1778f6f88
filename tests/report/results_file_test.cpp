#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "mascing/error.h"
#include "mascing/results.h"
#include "report/sample_results.h"

namespace mascing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string error_of(const json& document) {
  try {
    (void)results_from_json(document.dump(), "results.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    return error.what();
  }
  return "no error";
}

TEST(ResultsFile, LooksAsItDidBefore) {
  EXPECT_EQ(to_json(sample_results()),
            read_text_file(MASCING_TEST_DATA "/report/golden/results.json"));
}

TEST(ResultsFile, IsReadAsItWasWritten) {
  const std::string written = to_json(sample_results());
  EXPECT_EQ(to_json(results_from_json(written, "results.json")), written);
  const std::string empty = to_json(Results{});
  EXPECT_EQ(to_json(results_from_json(empty, "results.json")), empty);
}

TEST(ResultsFile, KeepsAllThatDependsOnTheClockUnderCost) {
  Results slower = sample_results();
  slower.seconds = {{"trace", 77.0}};
  slower.tokens_per_second_base = 1.0;
  slower.tokens_per_second_steered = 2.0;
  json a = json::parse(to_json(sample_results()));
  json b = json::parse(to_json(slower));
  EXPECT_NE(a, b);
  a.erase("cost");
  b.erase("cost");
  EXPECT_EQ(a, b);
}

TEST(ResultsFile, RoundsToSixSignificantDigitsSoThatTheLastBitDoesNotShow) {
  Results results = sample_results();
  const std::string before = to_json(results);
  results.damage.kl_benign = std::nextafter(results.damage.kl_benign, 1.0);
  results.mask_lambda = 1e-3;
  EXPECT_EQ(to_json(results), before);
  const json document = json::parse(before);
  EXPECT_EQ(document["damage"]["kl_benign"], 0.0123457);
  EXPECT_EQ(document["metrics"]["dsr"]["p_value"], 1.2e-37);
}

TEST(ResultsFile, WritesTheSteeringMatrixByLayers) {
  const json document = json::parse(to_json(sample_results()));
  EXPECT_EQ(document["mask"]["steer"],
            json::parse("[[0.0, 1.5, -0.25, 0.0], [0.1, 0.0, 0.666667, -1.0]]"));
  Results broken = sample_results();
  broken.mask_steer.pop_back();
  EXPECT_THROW((void)to_json(broken), Error);
}

TEST(ResultsFile, ReadsWhatTheModelWasAskedAsItWasWritten) {
  const Results written = sample_results();
  const Results read = results_from_json(to_json(written), "results.json");
  ASSERT_EQ(read.interventional.rounds.size(), 2U);
  EXPECT_EQ(read.interventional.rounds[1].norm, 1.25);
  EXPECT_EQ(read.interventional.rounds[1].value, 0.625);
  EXPECT_EQ(read.interventional.rounds[1].correlation, 0.375);
  EXPECT_EQ(read.interventional.n_question, 1536);
  EXPECT_EQ(read.effects.n_pair, 1024);
  EXPECT_EQ(read.effects.effect, written.effects.effect);
  EXPECT_EQ(read.effects.standard_error, written.effects.standard_error);
  EXPECT_EQ(read.effects.n_significant, 2);
  EXPECT_EQ(read.effects.reliability, 0.875);
  EXPECT_EQ(read.effects.r2, 0.3125);
  EXPECT_EQ(read.effects.n_layer_pair, 128);
  EXPECT_EQ(read.effects.layer_effect, written.effects.layer_effect);
  EXPECT_EQ(read.effects.carried, written.effects.carried);
  EXPECT_EQ(read.effects.q_value[1], 0.000976562F);  // six digits
  ASSERT_EQ(read.loop.steps.size(), 4U);
  EXPECT_EQ(read.loop.steps[3].values, written.loop.steps[3].values);
  EXPECT_EQ(read.loop.steps[3].norm, 1.75);
  EXPECT_EQ(read.loop.limits, written.loop.limits);
  EXPECT_EQ(read.loop.i_best, 2);
  EXPECT_EQ(read.loop.n_stretch, 2);
  EXPECT_EQ(read.loop.n_question, 3584);
  EXPECT_EQ(read.outcome.n, 450);
  EXPECT_EQ(read.outcome.auc, 0.96875);
  EXPECT_EQ(read.outcome.rank_correlation, 0.8125);
  const MarginResult& margin = read.outcome.held_out.at("dsr");
  EXPECT_EQ(margin.form, "wanted_only");
  EXPECT_EQ(margin.n_wanted, 160);
  EXPECT_EQ(margin.coverage_unwanted, 0.4375);
  EXPECT_EQ(margin.auc, 0.875);
  EXPECT_TRUE(margin.is_usable);
  EXPECT_EQ(margin.zero, -0.25);
  EXPECT_EQ(read.power.n_test, 300);
  EXPECT_EQ(read.power.n_to_fix, 140.625);
  EXPECT_EQ(read.power.sure_rise, 0.03125);
  EXPECT_EQ(read.candidates[2].estimates, written.candidates[2].estimates);
}

TEST(ResultsFile, ReadsTheCasesBehindARateAndRatesOfEarlierVersionsWithoutThem) {
  json document = json::parse(to_json(sample_results()));
  EXPECT_EQ(document["candidates"][0]["rates"]["dsr"]["n"], 150);
  const Results read = results_from_json(document.dump(), "results.json");
  EXPECT_EQ(read.candidates[0].rates.at("dsr").n, 150);
  EXPECT_EQ(read.metrics.at("dsr").steered->n, 300);
  EXPECT_EQ(read.search.base.at("dsr").n, 160);
  document["candidates"][0]["rates"]["dsr"].erase("n");
  document["search"].erase("base");
  const Results earlier = results_from_json(document.dump(), "results.json");
  EXPECT_EQ(earlier.candidates[0].rates.at("dsr").n, 0);
  EXPECT_EQ(earlier.candidates[0].rates.at("dsr").rate, 0.95);
  EXPECT_TRUE(earlier.search.base.empty());
}

TEST(ResultsFile, TakesTheBaseRateOfEarlierVersions) {
  json document = json::parse(to_json(sample_results()));
  document["search"].erase("base");
  document["search"]["base_rate"] = 0.85;
  const Results results = results_from_json(document.dump(), "earlier.json");
  EXPECT_DOUBLE_EQ(results.search.base_rate(results.target_metric), 0.85);
  EXPECT_TRUE(results.search.base.empty()) << "a number without a count is no rate";
  const Results again = results_from_json(to_json(results), "again.json");
  EXPECT_EQ(again.search.earlier_base_rate, 0.85) << "as `mascing export --results` writes it";
  document["search"]["base_rate"] = "high";
  EXPECT_THAT(error_of(document), HasSubstr("search.base_rate is string, expected a number"));
  EXPECT_FALSE(json::parse(to_json(sample_results()))["search"].contains("base_rate"));
}

TEST(ResultsFile, KeepsTheLoopsOfTheMatrixAndOfTheAdapterApart) {
  Results written = sample_results();
  written.loop.method = "closed_loop";
  written.adapter_loop = written.loop;
  written.adapter_loop->method = "router_adapter";
  written.adapter_loop->n_question = 77;
  written.adapter_loop->steps.resize(1);
  json document = json::parse(to_json(written));
  EXPECT_EQ(document["loop"]["prefills"], 3584) << "where readers of one loop look";
  const Results read = results_from_json(document.dump(), "results.json");
  EXPECT_EQ(to_json(read), to_json(written));
  EXPECT_EQ(read.loop.method, "closed_loop");
  EXPECT_EQ(read.loop.steps.size(), 4U);
  ASSERT_TRUE(read.adapter_loop.has_value());
  EXPECT_EQ(read.adapter_loop->method, "router_adapter");
  EXPECT_EQ(read.adapter_loop->n_question, 77);
  EXPECT_EQ(read.adapter_loop->steps.size(), 1U);
  document.erase("adapter_loop");
  document["loop"].erase("method");
  const Results earlier = results_from_json(document.dump(), "results.json");
  EXPECT_FALSE(earlier.adapter_loop.has_value());
  EXPECT_EQ(earlier.loop.method, "");
}

TEST(ResultsFile, KeepsHowTheRoutingWasCounted) {
  Results written = sample_results();
  written.routing.by_logits = "its gating is not stated";
  written.routing.layers_by_token = {1};
  json document = json::parse(to_json(written));
  const Results read = results_from_json(document.dump(), "results.json");
  EXPECT_EQ(read.routing.by_logits, "its gating is not stated");
  EXPECT_EQ(read.routing.layers_by_token, std::vector<int64_t>{1});
  document["routing"].erase("by_logits");
  document["routing"].erase("layers_by_token");
  EXPECT_EQ(results_from_json(document.dump(), "earlier.json").routing.by_logits, "");
}

TEST(ResultsFile, NamesWhatIsWrongWithEffectsAndSteps) {
  const json right = json::parse(to_json(sample_results()));
  json wrong = right;
  wrong["effects"]["q_value"].erase(0);
  EXPECT_THAT(error_of(wrong), HasSubstr("effects.q_value is array, expected one row for each"));
  wrong = right;
  wrong["loop"]["steps"][1]["values"]["dsr"] = "high";
  EXPECT_THAT(error_of(wrong), HasSubstr("loop.steps[1].values.dsr is string, expected a number"));
  wrong = right;
  wrong["loop"].erase("stretch");
  EXPECT_THAT(error_of(wrong), HasSubstr("the key loop.stretch is missing"));
  wrong = right;
  wrong["candidates"][0]["estimates"] = json::array();
  EXPECT_THAT(error_of(wrong), HasSubstr("candidates[0].estimates is array, expected an object"));
}

TEST(ResultsFile, WritesNullForWhatWasNotMeasured) {
  Results results = sample_results();
  results.damage.perplexity_steered = std::numeric_limits<double>::infinity();
  const json document = json::parse(to_json(results));
  EXPECT_TRUE(document["damage"]["perplexity_steered"].is_null());
  EXPECT_TRUE(document["metrics"]["multiple_choice"]["steered"].is_null());
  const Results read = results_from_json(document.dump(), "results.json");
  EXPECT_TRUE(std::isnan(read.damage.perplexity_steered));
  EXPECT_FALSE(read.metrics.at("multiple_choice").steered.has_value());
}

TEST(ResultsFile, KeepsTheLargestSeedAndReplacesBytesThatAreNoText) {
  Results results = sample_results();
  results.command = "caf\xE9";
  const Results read = results_from_json(to_json(results), "results.json");
  EXPECT_EQ(read.seed, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(read.command, "caf\uFFFD");
}

TEST(ResultsFile, NamesThePathOfAKeyThatIsMissingOrWrong) {
  const json right = json::parse(to_json(sample_results()));
  json wrong = right;
  wrong["metrics"]["dsr"]["base"].erase("low");
  EXPECT_THAT(error_of(wrong), HasSubstr("results.json: the key metrics.dsr.base.low is missing"));
  wrong = right;
  wrong["tool"]["threads"] = "two";
  EXPECT_THAT(error_of(wrong), HasSubstr("tool.threads is string, expected a whole number"));
  wrong = right;
  wrong["candidates"][1]["feasible"] = 1;
  EXPECT_THAT(error_of(wrong),
              HasSubstr("candidates[1].feasible is number, expected true or false"));
  wrong = right;
  wrong["mask"]["steer"][1].erase(0);
  EXPECT_THAT(error_of(wrong),
              HasSubstr("mask.steer is array, expected rows of model.n_expert = 4 numbers"));
  wrong = right;
  wrong["surrogate"] = 3;
  EXPECT_THAT(error_of(wrong), HasSubstr("surrogate is number, expected an object"));
  wrong = right;
  wrong["tool"]["seed"] = -1;
  EXPECT_THAT(error_of(wrong), HasSubstr("tool.seed is number, expected a whole number >= 0"));
}

TEST(ResultsFile, RefusesAnotherSchemaAndWhatIsNotJson) {
  json other = json::parse(to_json(sample_results()));
  other["schema"] = 3;
  EXPECT_THAT(error_of(other), HasSubstr("schema is 3, expected 2"));
  EXPECT_THAT(error_of(json::array()), HasSubstr("the document is array, expected an object"));
  EXPECT_THROW((void)results_from_json("{\"schema\": 2", "results.json"), Error);
  EXPECT_THROW((void)results_from_json("", "results.json"), Error);
}

TEST(ResultsFile, IgnoresKeysOfLaterVersions) {
  json document = json::parse(to_json(sample_results()));
  document["extra"] = 1;
  EXPECT_EQ(error_of(document), "no error");
}

}  // namespace
}  // namespace mascing
