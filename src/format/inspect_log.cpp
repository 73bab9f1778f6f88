// The layout is that of Inspect's EvalLog, version 2. Its reader wants the parts in this order:
//
//   {"version": 2, "status": "success",
//    "eval":    task, model, data set, limits,
//    "plan":    one step, the mask,
//    "results": one score for each metric with and without the mask, its rates as metrics,
//    "stats":   when it was done,
//    "samples": one for each conversation}
#include <cmath>
#include <ctime>
#include <iomanip>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/numeric.h"
#include "mascing/viewer_export.h"

namespace mascing {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kInspectVersion = 2;
constexpr const char* kWithoutMask = "_without_mask";
/// Inspect wants a date; results of early versions have none.
constexpr const char* kNoDate = "1970-01-01T00:00:00Z";

std::string date_of(const Results& results) {
  return results.finished_at.empty() ? kNoDate : results.finished_at;
}

/// The date less the time that the run took, which Inspect shows as the difference of two dates.
std::string start_of(const Results& results) {
  constexpr const char* kForm = "%Y-%m-%dT%H:%M:%SZ";
  std::tm parts{};
  std::istringstream date(date_of(results));
  date >> std::get_time(&parts, kForm);
  if (date.fail()) {
    return date_of(results);
  }
  double seconds = 0.0;
  for (const auto& [stage, taken] : results.seconds) {
    seconds += taken;
  }
  const std::time_t end = timegm(&parts);
  if (!(seconds >= 0.0 && seconds <= to_double(end))) {  // no run began before 1970
    return date_of(results);
  }
  const std::time_t start = end - std::llround(seconds);
  std::ostringstream text;
  text << std::put_time(gmtime_r(&start, &parts), kForm);
  return text.str();
}

std::string model_of(const Results& results) {
  const std::string name = results.model_name.empty() ? results.architecture : results.model_name;
  return "mascing/" + name;
}

Json config_of(const Results& results) {
  return {{"temperature", results.protocol.temperature},
          {"max_tokens", results.protocol.n_max_token},
          {"seed", results.seed}};
}

Json mask_of(const Results& results) {
  return {{"file", results.mask_file},
          {"method", results.mask_method},
          {"alpha", results.mask_alpha},
          {"entries", results.mask_n_active}};
}

std::string sample_id(const Transcript& transcript) {
  return transcript.metric + "/" + transcript.id;
}

Json eval_of(const Results& results, const std::vector<Transcript>& transcripts) {
  Json ids = Json::array();
  for (const Transcript& transcript : transcripts) {
    ids.push_back(sample_id(transcript));
  }
  const std::string id = results.protocol.data_hash.substr(0, 22);
  return {{"run_id", id},
          {"created", date_of(results)},
          {"task", results.scenario_name},
          {"task_id", id},
          {"task_version", results.tool_version},
          {"task_args", {{"direction", results.direction}, {"target", results.target_metric}}},
          {"dataset",
           {{"name", results.scenario_name},
            {"samples", transcripts.size()},
            {"sample_ids", ids},
            {"shuffled", false}}},
          {"model", model_of(results)},
          {"model_generate_config", config_of(results)},
          {"model_args",
           {{"fingerprint", results.fingerprint},
            {"engine", results.protocol.engine},
            {"quantisation", results.protocol.quantisation}}},
          {"config", {{"epochs", 1}}},
          {"packages", {{"mascing", results.tool_version}}},
          {"metadata",
           {{"command", results.command},
            {"verdict", results.verdict.word},
            {"kl_benign", results.damage.kl_benign},
            {"perplexity_base", results.damage.perplexity_base},
            {"perplexity_steered", results.damage.perplexity_steered}}}};
}

Json plan_of(const Results& results) {
  return {{"name", "plan"},
          {"steps", Json::array({{{"solver", "mascing_mask"}, {"params", mask_of(results)}}})},
          {"config", config_of(results)}};
}

// ---------------------------------------------------------------- scores

/// Inspect wants a number: what is none, such as the rate of no conversation, is left out.
void add_metric(const std::string& name, double value, Json& metrics) {
  if (std::isfinite(value)) {
    metrics[name] = {{"name", name}, {"value", value}, {"params", Json::object()}};
  }
}

Json metrics_of(const Rate& rate) {
  Json metrics = Json::object();
  add_metric("rate", rate.rate, metrics);
  add_metric("low", rate.low, metrics);
  add_metric("high", rate.high, metrics);
  return metrics;
}

Json score_of(const std::string& name, const MetricResult& metric, Json metrics) {
  return {{"name", name},
          {"scorer", name},
          {"scored_samples", metric.n},
          {"params", {{"wanted", metric.wanted}, {"role", metric.role}}},
          {"metrics", std::move(metrics)}};
}

Json results_of(const Results& results, const std::vector<Transcript>& transcripts) {
  Json scores = Json::array();
  for (const auto& [id, metric] : results.metrics) {
    if (metric.steered) {
      Json metrics = metrics_of(*metric.steered);
      add_metric("fixed", to_double(metric.fixed), metrics);
      add_metric("broken", to_double(metric.broken), metrics);
      add_metric("p_value", metric.p_value, metrics);
      scores.push_back(score_of(id, metric, std::move(metrics)));
    }
    scores.push_back(score_of(id + kWithoutMask, metric, metrics_of(metric.base)));
  }
  int64_t n_complete = 0;
  for (const Transcript& row : transcripts) {
    n_complete += row.base.error.empty() && (!row.steered || row.steered->error.empty()) ? 1 : 0;
  }
  return {{"total_samples", transcripts.size()},
          {"completed_samples", n_complete},
          {"scores", std::move(scores)}};
}

// ---------------------------------------------------------------- samples

Json message_of(const std::string& role, const std::string& content) {
  return {{"content", content}, {"role", role}};
}

Json messages_of(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) {
    list.push_back(message_of(message.role, message.content));
  }
  return list;
}

/// A reply; with its reasoning, if any, as a part of its own.
Json reply_of(const TranscriptSide& side) {
  Json message = message_of("assistant", side.reply);
  message["source"] = "generate";
  if (!side.reasoning.empty()) {
    message["content"] = Json::array({{{"type", "reasoning"}, {"reasoning", side.reasoning}},
                                      {{"type", "text"}, {"text", side.reply}}});
  }
  return message;
}

Json output_of(const std::string& model, const TranscriptSide& side) {
  return {{"model", model},
          {"choices",
           Json::array({{{"message", reply_of(side)},
                         {"stop_reason", side.is_cut_off ? "max_tokens" : "stop"}}})},
          {"completion", side.reply}};
}

/// Inspect's "C" and "I", correct and incorrect: whether the outcome is the wanted one.
Json sample_score(const TranscriptSide& side) {
  Json metadata = {{"coherent", side.is_coherent}};
  if (!side.opinions.empty()) {
    metadata["judges"] = side.opinions;
  }
  return {{"value", side.is_wanted ? "C" : "I"},
          {"answer", side.verdict},
          {"explanation", side.verdict + (side.is_coherent ? "" : ", incoherent")},
          {"metadata", std::move(metadata)}};
}

Json sample_of(const Results& results, const Transcript& row) {
  const TranscriptSide& shown = row.steered ? *row.steered : row.base;
  const std::vector<Message>& asked = shown.messages.empty() ? row.messages : shown.messages;
  Json messages = messages_of(asked);
  messages.push_back(reply_of(shown));
  Json scores = Json::object();
  if (row.steered && row.steered->error.empty()) {
    scores[row.metric] = sample_score(*row.steered);
  }
  if (row.base.error.empty()) {
    scores[row.metric + kWithoutMask] = sample_score(row.base);
  }
  Json sample = {
      {"id", sample_id(row)},
      {"epoch", 1},
      {"input", messages_of(asked)},
      {"target", row.wanted},
      {"messages", std::move(messages)},
      {"output", output_of(model_of(results), shown)},
      {"scores", std::move(scores)},
      {"metadata",
       {{"set", row.metric}, {"category", row.category}, {"reply_without_mask", row.base.reply}}},
      // Inspect's page reads the file itself and does not show a sample without these.
      {"store", Json::object()},
      {"events", Json::array()},
      {"model_usage", Json::object()},
      {"attachments", Json::object()}};
  if (!shown.error.empty()) {
    sample["error"] = {
        {"message", shown.error}, {"traceback", shown.error}, {"traceback_ansi", shown.error}};
  }
  return sample;
}

}  // namespace

std::string to_inspect_log(const Results& results, const std::vector<Transcript>& transcripts) {
  Json samples = Json::array();
  for (const Transcript& row : transcripts) {
    samples.push_back(sample_of(results, row));
  }
  const Json log = {{"version", kInspectVersion},
                    {"status", "success"},
                    {"eval", eval_of(results, transcripts)},
                    {"plan", plan_of(results)},
                    {"results", results_of(results, transcripts)},
                    {"stats",
                     {{"started_at", start_of(results)},
                      {"completed_at", date_of(results)},
                      {"model_usage", Json::object()}}},
                    {"samples", std::move(samples)}};
  return log.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mascing
