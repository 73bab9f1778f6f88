// Files are written whole or not at all; the stamp comes last.
#include "run/run_record.h"

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/report.h"
#include "mascing/version.h"
#include "measure/budget_shares.h"
#include "measure/make_jury.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr int64_t kPaperRuns = 32;  // masks whose replies the paper's sweep generates

std::string stamp_path(const RunOptions& options) {
  return options.output + "/run.json";
}

std::string hash_of(const std::vector<float>& steer, double alpha) {
  Sha256 digest;
  const auto strength = static_cast<float>(alpha);
  digest.update(steer.data(), steer.size() * sizeof(float));
  digest.update(&strength, sizeof strength);
  return digest.hex();
}

/// Hash of what a run found, without what `mascing export` may have added since.
std::string hash_of(Results results) {
  results.exports.clear();
  return sha256_hex(to_json(results));
}

std::optional<Results> read_results(const std::string& path) {
  try {
    return results_from_json(read_text_file(path), path);
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::kBadInput) {
      throw;
    }
    return std::nullopt;
  }
}

/// A text of the JSON object in a file; empty if there is none.
std::string word_in(const json& object, const char* name) {
  const bool has_word = object.is_object() && object.contains(name) && object.at(name).is_string();
  return has_word ? object.at(name).get<std::string>() : std::string();
}

}  // namespace

std::string context_key(const ModelInfo& info, const RunOptions& options) {
  const json key = {version(), info.identity, options.n_thread, options.host_key};
  return key.dump();
}

std::string run_key(const Scenario& scenario,
                    const Dataset& data,
                    const ModelInfo& info,
                    const RunOptions& options) {
  const json key = {context_key(info, options),
                    sha256_file(scenario.path),
                    data.hash,
                    options.seed,
                    options.method,
                    options.budget_text,
                    scenario.sample_seeds,
                    scenario.sample_temperature,
                    options.with_baselines,
                    judges_key(scenario.judge)};
  return sha256_hex(key.dump());
}

Results start_results(const Scenario& scenario, const ModelInfo& info, const RunOptions& options) {
  Results results;
  results.tool_version = version();
  results.seed = options.seed;
  results.n_thread = options.n_thread;
  results.command = options.command;
  results.scenario_name = scenario.name;
  results.direction = scenario.direction;
  results.target_metric = scenario.target().metric;
  results.model_name = info.name;
  results.model_description = info.description;
  results.fingerprint = info.fingerprint;
  results.architecture = info.architecture;
  results.n_layer = info.n_layer;
  results.n_expert = info.n_expert;
  results.n_expert_used = info.n_expert_used;
  return results;
}

std::string rows_to_jsonl(const std::vector<Conversation>& rows) {
  std::string text;
  for (const Conversation& row : rows) {
    text += to_jsonl(row) + '\n';
  }
  return text;
}

void add_mask(const Mask& mask, const std::string& file, Results& results) {
  results.mask_file = file;
  results.mask_method = mask.method;
  results.mask_alpha = mask.alpha;
  results.mask_lambda = mask.lambda;
  results.mask_n_active = mask.n_active();
  results.mask_steer = mask.steer;
}

void add_metrics(const Results& results, Mask& mask) {
  for (const auto& [id, metric] : results.metrics) {
    const std::string prefix = metric.split + "." + id;
    mask.metrics[prefix + ".n"] = static_cast<double>(metric.n);
    mask.metrics[prefix + ".base"] = metric.base.rate;
    if (metric.steered) {
      mask.metrics[prefix + ".rate"] = metric.steered->rate;
      mask.metrics[prefix + ".low"] = metric.steered->low;
      mask.metrics[prefix + ".high"] = metric.steered->high;
    }
  }
}

void add_selection(const CandidateResult& candidate, Mask& mask) {
  for (const auto& [id, rate] : candidate.rates) {
    const std::string prefix = "selection." + id;
    mask.metrics[prefix + ".rate"] = rate.rate;
    mask.metrics[prefix + ".low"] = rate.low;
    mask.metrics[prefix + ".high"] = rate.high;
  }
  for (const auto& [id, share] : candidate.estimates) {
    if (!candidate.rates.contains(id)) {
      mask.metrics["selection." + id + ".estimate"] = share;
    }
  }
  mask.metrics["selection.kl_benign"] = candidate.kl_benign;
}

void record_search(const Selection& selection, const SearchWork& work, Results& results) {
  const auto& [evaluator, scenario, options, n_label_token] = work;
  SearchResult& search = results.search;
  search.n_prefill_token = evaluator.asked().n_prefill;
  search.n_generated_token = evaluator.asked().n_generated - n_label_token;
  search.n_paper_token = (kPaperRuns + 1) * selection.n_base_token;
  search.budget = options.budget_text;
  search.base_rate = selection.base_rate;
  search.budget_spent = options.budget.n_token > 0 ? evaluator.budget_spent() : 0.0;
  const auto n_step = static_cast<int64_t>(results.loop.steps.size());
  const bool has_asked = results.effects.n_pair > 0;
  if (has_asked && evaluator.budget_spent() >= kMaskShare &&
      scenario.uses(MaskMethod::kClosedLoop) && n_step < scenario.search.n_loop_step) {
    search.cut_short.push_back("the closed loop took " + std::to_string(n_step) + " of " +
                               std::to_string(scenario.search.n_loop_step) + " steps");
  }
  search.cut_short.insert(
      search.cut_short.end(), selection.cut_short.begin(), selection.cut_short.end());
  if (!search.cut_short.empty()) {
    std::string words;
    for (const std::string& word : search.cut_short) {
      words += (words.empty() ? "" : "; ") + word;
    }
    results.warnings.push_back(
        {"budget_spent",
         "the budget of " + search.budget + " ended the search early: " + words,
         "give a larger --budget: a longer search may find a better "
         "mask"});
  }
}

std::optional<RunOutcome> read_finished(const std::string& key, const RunOptions& options) {
  const std::string results_path = options.output + "/results.json";
  if (!file_exists(stamp_path(options)) || !file_exists(results_path)) {
    return std::nullopt;
  }
  const json stamp = json::parse(read_text_file(stamp_path(options)), nullptr, false);
  if (word_in(stamp, "key") != key) {
    return std::nullopt;
  }
  std::optional<Results> results = read_results(results_path);
  const std::string failure = word_in(stamp, "failure");
  const bool has_mask = file_exists(options.output + "/mask.gguf");
  if (!results || word_in(stamp, "results") != hash_of(*results) ||
      (failure.empty() && !has_mask)) {
    return std::nullopt;
  }
  return RunOutcome{*std::move(results), failure, true};
}

void write_results(const Results& results, const std::string& folder) {
  const std::string text = to_json(results);
  const std::string path = folder + "/results.json";
  write_file_atomically(folder + "/report.html", render_report(results_from_json(text, path)));
  write_file_atomically(path, text);
}

void write_outputs(const RunOutcome& outcome, const std::string& key, const RunOptions& options) {
  write_results(outcome.results, options.output);
  const json stamp = {
      {"key", key}, {"results", hash_of(outcome.results)}, {"failure", outcome.failure}};
  write_file_atomically(stamp_path(options), stamp.dump() + "\n");
}

void write_search(const Results& results, const std::string& folder) {
  const std::string text = to_json(results);
  const std::string path = folder + "/search.json";
  write_file_atomically(folder + "/search.html", render_report(results_from_json(text, path)));
  write_file_atomically(path, text);
}

HoldoutRecord::HoldoutRecord(std::string folder, std::string data)
    : path_(std::move(folder) + "/tested.json"), data_(std::move(data)) {}

void HoldoutRecord::require_first(const Mask& mask) const {
  if (!file_exists(path_)) {
    return;
  }
  const json look = json::parse(read_text_file(path_), nullptr, false);
  if (word_in(look, "data") == data_ && word_in(look, "mask") != hash_of(mask.steer, mask.alpha)) {
    throw Error(ErrorKind::kUsage,
                "[search] another mask has looked at this test split already",
                "to test a second one would be to choose on the test split: give new test "
                "conversations, or stay with the first choice");
  }
}

void HoldoutRecord::take(const std::vector<float>& steer, double alpha) const {
  const json look = {{"data", data_}, {"mask", hash_of(steer, alpha)}};
  write_file_atomically(path_, look.dump() + "\n");
}

}  // namespace mascing
