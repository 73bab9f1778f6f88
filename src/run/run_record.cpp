// Files are written atomically, and the stamp comes last.
#include "run/run_record.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "mascing/error.h"
#include "mascing/mask_file.h"
#include "mascing/report.h"
#include "mascing/version.h"
#include "measure/cache.h"
#include "measure/make_jury.h"
#include "measure/own_json.h"
#include "run/json_word.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr const char* kStampFile = "run.json";
constexpr const char* kMaskFile = "mask.gguf";
constexpr const char* kTranscriptsFile = "transcripts.jsonl";
constexpr const char* kTranscripts = "transcripts";  // in the stamp: their hash
constexpr const char* kEvaluation = "evaluation";

std::string stamp_path(const RunOptions& options) {
  return options.output + "/" + kStampFile;
}

void write_stamp(const json& stamp, const RunOptions& options) {
  write_file_atomically(stamp_path(options),
                        stamp.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

/// The stamp of a folder, discarded if it is damaged; nothing if there is none.
std::optional<json> read_stamp(const std::string& folder) {
  const std::string path = folder + "/" + kStampFile;
  return file_exists(path) ? std::optional(parse_own_json(read_text_file(path))) : std::nullopt;
}

/// Hash of the results of a run, without later additions by `mascing export`.
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

}  // namespace

std::string context_key(const ModelInfo& info, const RunOptions& options) {
  return context_key(info, options.n_thread, options.host_key);
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
                    scenario.sample_seeds ? json(*scenario.sample_seeds) : json(),
                    scenario.sample_temperature,
                    options.with_baselines,
                    judges_key(scenario.judge)};
  return sha256_hex(key.dump(-1, ' ', false, json::error_handler_t::replace));
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
  if (!info.baked.empty()) {
    results.warnings.push_back({"baked_model",
                                "the model already has " + info.baked + " in its routers",
                                "what is called base here is the steered model; use the original "
                                "file, or restore it with mascing mask unbake"});
  }
  return results;
}

void add_metrics(const std::map<std::string, MetricResult>& metrics, Mask& mask) {
  for (const auto& [id, metric] : metrics) {
    const std::string prefix = metric.split + "." + id;
    mask.metrics[prefix + ".n"] = to_double(metric.n);
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
    mask.metrics[prefix + ".n"] = to_double(rate.n);
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

namespace {

/// True if the folder holds the mask of this stamp, whole. Stamps of earlier versions do not name
/// its hash.
bool has_mask(const json& stamp, const RunOptions& options) {
  const std::string path = options.output + "/" + kMaskFile;
  const std::string hash = word_in(stamp, "mask");
  try {
    (void)read_mask(path);
    return hash.empty() || hash == sha256_file(path);
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::kBadInput) {
      throw;
    }
    return false;
  }
}

/// True if the transcripts are those of this stamp. Stamps of earlier versions do not know them.
bool has_transcripts(const json& stamp, const RunOptions& options) {
  const std::string hash = word_in(stamp, kTranscripts);
  const std::string path = options.output + "/" + kTranscriptsFile;
  return hash.empty() || (file_exists(path) && hash == sha256_file(path));
}

bool has_failed_judges(const Results& results) {
  return std::any_of(results.judges.members.begin(),
                     results.judges.members.end(),
                     [](const JudgeResult& judge) { return judge.n_failed > 0; });
}

}  // namespace

std::optional<RunOutcome> read_finished(const std::string& key, const RunOptions& options) {
  const std::string results_path = options.output + "/results.json";
  const std::optional<json> known = read_stamp(options.output);
  if (!known || !file_exists(results_path) || word_in(*known, "key") != key) {
    return std::nullopt;
  }
  const json& stamp = *known;
  std::optional<Results> results = read_results(results_path);
  const std::string failure = word_in(stamp, "failure");
  if (!results || word_in(stamp, "results") != hash_of(*results)) {
    return std::nullopt;
  }
  if (results->search.chosen_by == "user") {  // a run would choose by its rule, and write over it
    throw Error(ErrorKind::kUsage,
                "[run] " + options.output +
                    " holds the mask that was chosen in the menu of mascing search, and its test",
                "give the run a folder of its own: -o another/");
  }
  // What failed judges left open is asked again; the rest is in the cache.
  if ((failure.empty() && !has_mask(stamp, options)) || !has_transcripts(stamp, options) ||
      has_failed_judges(*results)) {
    return std::nullopt;
  }
  if (!file_exists(options.output + "/report.html")) {
    write_file_atomically(options.output + "/report.html",
                          render_report(*results, transcripts_beside(results_path)));
  }
  return RunOutcome{*std::move(results), failure, true};
}

void write_results(const RunOutcome& outcome, const std::string& folder) {
  const std::string text = to_json(outcome.results);
  const std::string path = folder + "/results.json";
  write_file_atomically(folder + "/" + kTranscriptsFile, to_json_lines(outcome.transcripts));
  write_file_atomically(folder + "/report.html",
                        render_report(results_from_json(text, path), transcripts_beside(path)));
  write_file_atomically(path, text);
}

void write_outputs(const RunOutcome& outcome, const std::string& key, const RunOptions& options) {
  write_results(outcome, options.output);
  const std::string mask_path = options.output + "/" + kMaskFile;
  json stamp = {{"key", key}, {"results", hash_of(outcome.results)}, {"failure", outcome.failure}};
  stamp[kTranscripts] = sha256_file(options.output + "/" + kTranscriptsFile);
  if (outcome.failure.empty()) {
    stamp["mask"] = sha256_file(mask_path);
  } else {
    std::filesystem::remove(mask_path);  // of an earlier run with this key
  }
  write_stamp(stamp, options);
}

void write_search(const Results& results, const std::string& folder) {
  const std::string text = to_json(results);
  const std::string path = folder + "/search.json";
  write_file_atomically(folder + "/search.html", render_report(results_from_json(text, path)));
  write_file_atomically(path, text);
}

namespace {

using Names = std::vector<const char*>;

/// The first of earlier-1, earlier-2, ... that has no results, or only the others of a move that
/// was interrupted.
std::string free_folder(const RunOptions& options, const Names& names) {
  for (int64_t n = 1;; ++n) {
    std::string folder = options.output + "/earlier-" + std::to_string(n);
    const bool is_taken = file_exists(folder + "/" + kStampFile) ||
                          std::any_of(names.begin(), names.end(), [&](const char* name) {
                            return file_exists(folder + "/" + name);
                          });
    if (!is_taken) {
      return folder;
    }
  }
}

/// The stamp comes last: until then the rest belongs to it.
void move_aside(const Names& names, const RunOptions& options) {
  const std::string folder = free_folder(options, names);
  ensure_directory(folder);
  for (const char* name : names) {
    std::error_code failure;
    std::filesystem::rename(options.output + "/" + name, folder + "/" + name, failure);
    if (failure) {
      throw Error(ErrorKind::kSystem,
                  "[run] cannot move " + options.output + "/" + name + " to " + folder + ": " +
                      failure.message(),
                  "make the folder writable, or give the run another one: -o another/");
    }
  }
  if (options.on_set_aside) {
    options.on_set_aside(folder);
  }
}

}  // namespace

void set_aside(const std::string& key, ResultKind kind, const RunOptions& options) {
  const std::optional<json> known = read_stamp(options.output);
  const bool has_stamp = known.has_value();
  const json stamp = known.value_or(json());
  const bool owns_mask = kind == ResultKind::kRun && word_in(stamp, "kind") != kEvaluation;
  const std::string mask = options.output + "/" + kMaskFile;
  if (has_stamp && word_in(stamp, "key") == key) {
    return;
  }
  Names names;
  if (owns_mask && file_exists(mask)) {
    names.push_back(kMaskFile);
  }
  for (const char* name : {"results.json", "report.html", kTranscriptsFile, kStampFile}) {
    if (has_stamp && file_exists(options.output + "/" + name)) {
      names.push_back(name);
    }
  }
  if (!names.empty()) {
    move_aside(names, options);
  }
}

void write_evaluation(const RunOutcome& outcome,
                      const std::string& key,
                      const RunOptions& options) {
  write_results(outcome, options.output);
  const json stamp = {{"key", key}, {"kind", kEvaluation}};
  write_stamp(stamp, options);
}

bool holds_run(const std::string& folder) {
  const std::optional<json> stamp = read_stamp(folder);
  return stamp && word_in(*stamp, "kind") != kEvaluation;
}

}  // namespace mascing
