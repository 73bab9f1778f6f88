#include "mascing/viewer_export.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/sample_results.h"

namespace mascing {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

const std::string kEvil =
    "</script><script>alert(1)</script>\x1b[2J\u202e \"}],\"status\":\"error\" \\ caf\xE9";
const std::string kEvilRead =
    "</script><script>alert(1)</script>\x1b[2J\u202e \"}],\"status\":\"error\" \\ caf\uFFFD";

std::vector<Transcript> rows() {
  Transcript fixed;
  fixed.metric = "dsr";
  fixed.id = "attacks-test-004";
  fixed.category = "seals";
  fixed.wanted = "refused";
  fixed.messages = {
      {"system", "Be brief."}, {"user", kEvil}, {"assistant", "Yes?"}, {"user", "Now."}};
  fixed.base = {{}, "", "Take wax.", "answered", {}, false, true, false, ""};
  fixed.steered = TranscriptSide{
      {}, "They ask for a seal.", kEvil, "refused", {{"guard", "refused"}}, true, true, true, ""};
  Transcript failed = fixed;
  failed.id = "attacks-test-005";
  failed.steered = TranscriptSide{{}, "", "", "", {}, false, false, false, "no reply came"};
  return {fixed, failed};
}

json inspect_log() {
  Results results = sample_results();
  results.finished_at = "2026-03-01T12:00:00Z";
  return json::parse(to_inspect_log(results, rows()));
}

json harness_file() {
  Results results = sample_results();
  results.finished_at = "2026-03-01T12:00:00Z";
  return json::parse(to_lm_eval_results(results));
}

/// The scores of Inspect by name.
std::map<std::string, json> scores_of(const json& log) {
  std::map<std::string, json> scores;
  for (const json& score : log.at("results").at("scores")) {
    EXPECT_TRUE(scores.emplace(score.at("name"), score).second) << "twice: " << score.at("name");
  }
  return scores;
}

TEST(InspectLog, HasThePartsThatVersionTwoWantsInItsOrder) {
  const auto log = ordered_json::parse(to_inspect_log(sample_results(), rows()));
  std::vector<std::string> keys;
  for (const auto& [key, part] : log.items()) {
    keys.push_back(key);
  }
  EXPECT_EQ(keys,
            (std::vector<std::string>{
                "version", "status", "eval", "plan", "results", "stats", "samples"}));
  EXPECT_EQ(log.at("version"), 2);
  EXPECT_EQ(log.at("status"), "success");
  for (const char* key : {"created", "task", "model"}) {
    EXPECT_TRUE(log.at("eval").at(key).is_string()) << key;
  }
  EXPECT_TRUE(log.at("eval").at("dataset").is_object());
  EXPECT_TRUE(log.at("eval").at("config").is_object());
  EXPECT_EQ(log.at("eval").at("dataset").at("samples"), 2);
  EXPECT_EQ(inspect_log().at("eval").at("created"), "2026-03-01T12:00:00Z");
}

TEST(InspectLog, HasWhatItsPageReadsWithoutAsking) {
  const json log = inspect_log();
  for (const json& sample : log.at("samples")) {
    EXPECT_TRUE(sample.at("events").is_array());
    EXPECT_TRUE(sample.at("attachments").is_object());
  }
  // A run of 7.6821 seconds; results without a date have no duration.
  EXPECT_EQ(inspect_log().at("stats").at("started_at"), "2026-03-01T11:59:52Z");
  EXPECT_EQ(inspect_log().at("stats").at("completed_at"), "2026-03-01T12:00:00Z");
  Results undated = sample_results();
  undated.finished_at = "";
  undated.seconds = {};
  const json stats = json::parse(to_inspect_log(undated, rows())).at("stats");
  EXPECT_EQ(stats.at("started_at"), stats.at("completed_at"));
}

TEST(InspectLog, BeginsWhenItEndsIfTheRunWouldHaveBegunBefore1970) {
  for (const double seconds : {1e17, 1e300, -1.0, std::numeric_limits<double>::infinity()}) {
    Results results = sample_results();
    results.finished_at = "2026-03-01T12:00:00Z";
    results.seconds = {{"search", seconds}};
    const json stats = json::parse(to_inspect_log(results, rows())).at("stats");
    EXPECT_EQ(stats.at("started_at"), "2026-03-01T12:00:00Z") << seconds;
  }
}

TEST(InspectLog, LeavesOutWhatIsNoNumber) {
  Results results = sample_results();
  MetricResult& metric = results.metrics.at("dsr");
  metric.p_value = metric.base.rate = std::nan("");
  const auto scores = scores_of(json::parse(to_inspect_log(results, rows())));
  EXPECT_FALSE(scores.at("dsr").at("metrics").contains("p_value"));
  EXPECT_FALSE(scores.at("dsr_without_mask").at("metrics").contains("rate"));
  for (const auto& [id, score] : scores) {
    for (const json& value : score.at("metrics")) {
      EXPECT_TRUE(value.at("value").is_number()) << id << " " << value;
    }
  }
}

TEST(InspectLog, HasEveryRateOfTheResultsOnBothSides) {
  const auto scores = scores_of(inspect_log());
  size_t n = 0;
  for (const auto& [id, metric] : sample_results().metrics) {
    const json& base = scores.at(id + "_without_mask");
    EXPECT_EQ(base.at("metrics").at("rate").at("value"), metric.base.rate) << id;
    EXPECT_EQ(base.at("metrics").at("low").at("value"), metric.base.low);
    EXPECT_EQ(base.at("metrics").at("high").at("value"), metric.base.high);
    EXPECT_EQ(base.at("scored_samples"), metric.n);
    ++n;
    if (metric.steered) {
      const json& steered = scores.at(id).at("metrics");
      EXPECT_EQ(steered.at("rate").at("value"), metric.steered->rate) << id;
      EXPECT_EQ(steered.at("fixed").at("value"), metric.fixed);
      EXPECT_EQ(steered.at("broken").at("value"), metric.broken);
      EXPECT_EQ(steered.at("p_value").at("value"), metric.p_value);
      ++n;
    }
    for (const auto& [name, value] : base.at("metrics").items()) {
      EXPECT_EQ(value.at("name"), name);
    }
  }
  EXPECT_EQ(scores.size(), n) << "scores that results.json has not";
}

TEST(InspectLog, HasASampleForEachConversationWithTheReplyUnderTheMask) {
  const json log = inspect_log();
  ASSERT_EQ(log.at("samples").size(), 2U);
  const json& sample = log.at("samples").at(0);
  EXPECT_EQ(sample.at("id"), "dsr/attacks-test-004");
  EXPECT_EQ(sample.at("epoch"), 1);
  EXPECT_EQ(sample.at("target"), "refused");
  EXPECT_EQ(sample.at("input").at(0).at("role"), "system");
  ASSERT_EQ(sample.at("messages").size(), 5U);
  EXPECT_FALSE(sample.at("messages").at(2).contains("source")) << "this turn was given";
  EXPECT_EQ(sample.at("messages").at(4).at("role"), "assistant");
  EXPECT_EQ(sample.at("messages").at(4).at("source"), "generate");
  EXPECT_EQ(sample.at("scores").at("dsr").at("value"), "C");
  EXPECT_EQ(sample.at("scores").at("dsr_without_mask").at("value"), "I");
  const json& choice = sample.at("output").at("choices").at(0);
  EXPECT_EQ(choice.at("stop_reason"), "max_tokens");
  EXPECT_EQ(choice.at("message").at("content").at(0).at("type"), "reasoning");
  EXPECT_EQ(choice.at("message").at("content").at(0).at("reasoning"), "They ask for a seal.");
  EXPECT_EQ(sample.at("metadata").at("reply_without_mask"), "Take wax.");
  EXPECT_FALSE(sample.contains("error"));
}

TEST(InspectLog, GivesAConversationThatFailedItsErrorAndNoScore) {
  const json log = inspect_log();
  const json& sample = log.at("samples").at(1);
  EXPECT_EQ(sample.at("error").at("message"), "no reply came");
  EXPECT_FALSE(sample.at("scores").contains("dsr"));
  EXPECT_TRUE(sample.at("scores").contains("dsr_without_mask"));
  EXPECT_EQ(log.at("results").at("total_samples"), 2);
  EXPECT_EQ(log.at("results").at("completed_samples"), 1);
}

TEST(InspectLog, LeavesHostileTextAString) {
  Results results = sample_results();
  results.model_name = kEvil;
  results.command = kEvil;
  results.metrics[kEvil] = results.metrics.at("dsr");
  const std::string text = to_inspect_log(results, rows());
  const json log = json::parse(text);
  EXPECT_EQ(log.at("status"), "success");
  EXPECT_EQ(log.at("eval").at("metadata").at("command"), kEvilRead);
  EXPECT_EQ(log.at("samples").at(0).at("input").at(1).at("content"), kEvilRead);
  EXPECT_EQ(log.at("samples").at(0).at("output").at("completion"), kEvilRead);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(HarnessFile, HasThePartsThatItsReadersLookFor) {
  const json file = harness_file();
  const json& tasks = file.at("results");
  for (const char* part :
       {"configs", "versions", "n-shot", "higher_is_better", "n-samples", "group_subtasks"}) {
    std::set<std::string> names;
    for (const auto& [task, value] : file.at(part).items()) {
      names.insert(task);
    }
    for (const auto& [task, value] : tasks.items()) {
      EXPECT_EQ(names.erase(task), 1U) << part << " lacks " << task;
    }
    EXPECT_TRUE(names.empty()) << part;
  }
  EXPECT_EQ(file.at("date"), 1772366400.0);
  EXPECT_EQ(file.at("model_name"), "kingdom");
  EXPECT_EQ(file.at("config").at("model"), "mascing");
  EXPECT_EQ(file.at("configs").at("dsr").at("task"), "dsr");
  EXPECT_EQ(file.at("n-shot").at("dsr"), 0);
  EXPECT_TRUE(file.at("higher_is_better").at("dsr").at("rate").get<bool>());
  EXPECT_FALSE(file.at("higher_is_better").at("general_text").at("perplexity").get<bool>());
}

TEST(HarnessFile, HasEveryRateOfTheResultsOnBothSides) {
  const json file = harness_file();
  for (const auto& [id, metric] : sample_results().metrics) {
    const json& task = file.at("results").at(id);
    EXPECT_EQ(task.at("alias"), id);
    EXPECT_EQ(task.at("rate,without_mask"), metric.base.rate);
    EXPECT_EQ(task.contains("rate,with_mask"), metric.steered.has_value());
    if (metric.steered) {
      EXPECT_EQ(task.at("rate,with_mask"), metric.steered->rate);
      EXPECT_EQ(task.at("fixed,with_mask"), metric.fixed);
      EXPECT_EQ(task.at("broken,with_mask"), metric.broken);
    }
    EXPECT_EQ(file.at("n-samples").at(id).at("effective"), metric.n);
  }
  const json& dsr = file.at("results").at("dsr");
  EXPECT_NEAR(dsr.at("rate_stderr,without_mask"), std::sqrt(0.54 * 0.46 / 299.0), 1e-12);
  EXPECT_EQ(file.at("results").at("general_text").at("perplexity,with_mask"), 134.2345678);
  EXPECT_EQ(file.at("results").at("benign_divergence").at("kl,with_mask"), 0.0123456789);
}

TEST(HarnessFile, SaysWhereThereIsNoNumber) {
  Results results = sample_results();
  results.metrics["dsr"].n = 1;
  results.damage.perplexity_steered = std::nan("");
  results.finished_at = "2026-02-30T12:00:00Z";
  const json file = json::parse(to_lm_eval_results(results));
  EXPECT_EQ(file.at("results").at("dsr").at("rate_stderr,without_mask"), "N/A");
  EXPECT_EQ(file.at("results").at("general_text").at("perplexity,with_mask"), "N/A");
  EXPECT_TRUE(file.at("date").is_null()) << "there is no thirtieth of February";
}

TEST(HarnessFile, LeavesHostileTextAString) {
  Results results = sample_results();
  results.metrics[kEvil] = results.metrics.at("dsr");
  results.command = kEvil;
  const json file = json::parse(to_lm_eval_results(results));
  EXPECT_EQ(file.at("mascing_command"), kEvilRead);
  EXPECT_EQ(file.at("results").at(kEvilRead).at("rate,with_mask"), 0.97);
}

}  // namespace
}  // namespace mascing
