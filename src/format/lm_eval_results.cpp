// The layout is that of the results that lm-evaluation-harness writes. A metric's key there is
// "name,filter"; the filter says which side it was measured on.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/numeric.h"
#include "mascing/viewer_export.h"

namespace mascing {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kWith = ",with_mask";
constexpr const char* kWithout = ",without_mask";

/// A number, or "N/A", the harness's word where there is none.
Json number_or_none(double value) {
  return std::isfinite(value) ? Json(value) : Json("N/A");
}

/// The standard error of a share, as the harness computes it: from the sample's variance.
Json share_error(double share, int64_t n) {
  return n < 2 ? Json("N/A") : number_or_none(std::sqrt(share * (1.0 - share) / to_double(n - 1)));
}

/// Seconds since 1970 of "2026-03-01T12:00:00Z"; null for anything else.
Json seconds_since_1970(const std::string& date) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  constexpr int kParts = 6;
  // NOLINTNEXTLINE(cert-err34-c): a date out of range is caught below
  if (std::sscanf(
          date.c_str(), "%4d-%2u-%2uT%2d:%2d:%2dZ", &year, &month, &day, &hour, &minute, &second) !=
      kParts) {
    return nullptr;
  }
  const std::chrono::year_month_day calendar{
      std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (!calendar.ok()) {
    return nullptr;
  }
  const auto time = std::chrono::sys_days{calendar} + std::chrono::hours{hour} +
                    std::chrono::minutes{minute} + std::chrono::seconds{second};
  return to_double(time.time_since_epoch().count());
}

/// The file while it is put together, task by task.
class HarnessFile {
 public:
  explicit HarnessFile(const Results& results) : results_(results) {}

  void add_rates(const std::string& task, const MetricResult& metric) {
    Json values = {{"alias", task}, {"sample_len", metric.n}};
    const auto add_side = [&](const Rate& rate, const std::string& side) {
      values["rate" + side] = number_or_none(rate.rate);
      values["rate_stderr" + side] = share_error(rate.rate, metric.n);
    };
    add_side(metric.base, kWithout);
    if (metric.steered) {
      add_side(*metric.steered, kWith);
      values["fixed" + std::string(kWith)] = metric.fixed;
      values["broken" + std::string(kWith)] = metric.broken;
    }
    add_task(
        task, std::move(values), metric.n, {{"rate", true}, {"fixed", true}, {"broken", false}});
    configs_[task]["output_type"] = "generate_until";
    configs_[task]["metadata"] = {{"wanted", metric.wanted}, {"role", metric.role}};
    configs_[task]["generation_kwargs"] = {{"temperature", results_.protocol.temperature},
                                           {"max_gen_toks", results_.protocol.n_max_token}};
  }

  void add_damage(const DamageResult& damage) {
    if (damage.n_text_token > 0) {
      Json values = {{"alias", "general_text"}, {"sample_len", damage.n_text_token}};
      values["perplexity" + std::string(kWithout)] = number_or_none(damage.perplexity_base);
      values["perplexity" + std::string(kWith)] = number_or_none(damage.perplexity_steered);
      add_task("general_text", std::move(values), damage.n_text_token, {{"perplexity", false}});
      configs_["general_text"]["output_type"] = "loglikelihood_rolling";
    }
    if (damage.n_kl_token > 0) {
      Json values = {{"alias", "benign_divergence"}, {"sample_len", damage.n_kl_token}};
      values["kl" + std::string(kWith)] = number_or_none(damage.kl_benign);
      add_task("benign_divergence", std::move(values), damage.n_kl_token, {{"kl", false}});
      configs_["benign_divergence"]["output_type"] = "loglikelihood";
    }
  }

  [[nodiscard]] Json json() const {
    const std::string model =
        results_.model_name.empty() ? results_.architecture : results_.model_name;
    double seconds = 0.0;
    for (const auto& [stage, elapsed] : results_.seconds) {
      seconds += elapsed;
    }
    return {{"results", values_},
            {"group_subtasks", groups_},
            {"configs", configs_},
            {"versions", versions_},
            {"n-shot", shots_},
            {"higher_is_better", directions_},
            {"n-samples", samples_},
            {"config",
             {{"model", "mascing"},
              {"model_args",
               {{"mask", results_.mask_file},
                {"alpha", results_.mask_alpha},
                {"fingerprint", results_.fingerprint},
                {"quantisation", results_.protocol.quantisation}}},
              {"batch_size", nullptr},
              {"limit", nullptr},
              {"random_seed", results_.seed}}},
            {"date", seconds_since_1970(results_.finished_at)},
            {"model_source", "mascing"},
            {"model_name", model},
            {"mascing_version", results_.tool_version},
            {"mascing_command", results_.command},
            {"total_evaluation_time_seconds", std::to_string(seconds)}};
  }

 private:
  void add_task(const std::string& task,
                Json values,
                int64_t n,
                const std::map<std::string, bool>& is_higher_better) {
    Json metrics = Json::array();
    for (const auto& [name, is_higher] : is_higher_better) {
      metrics.push_back({{"metric", name}, {"higher_is_better", is_higher}});
    }
    values_[task] = std::move(values);
    groups_[task] = Json::array();
    configs_[task] = {{"task", task}, {"num_fewshot", 0}, {"metric_list", std::move(metrics)}};
    versions_[task] = results_.tool_version;
    shots_[task] = 0;
    directions_[task] = is_higher_better;
    samples_[task] = {{"original", n}, {"effective", n}};
  }

  const Results& results_;
  Json values_ = Json::object();
  Json groups_ = Json::object();
  Json configs_ = Json::object();
  Json versions_ = Json::object();
  Json shots_ = Json::object();
  Json directions_ = Json::object();
  Json samples_ = Json::object();
};

}  // namespace

std::string to_lm_eval_results(const Results& results) {
  HarnessFile file(results);
  for (const auto& [id, metric] : results.metrics) {
    file.add_rates(id, metric);
  }
  file.add_damage(results.damage);
  return file.json().dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mascing
