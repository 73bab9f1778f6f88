// Trains and steers over the scenario's grid. What was computed is found again by name: the name
// holds a hash of the traces and of every option that matters.
#include "pipeline/mask_search.h"

#include <algorithm>
#include <numeric>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/text.h"
#include "format/mask_file.h"
#include "format/surrogate_file.h"
#include "format/trace_store.h"
#include "mascing/error.h"
#include "mascing/steer.h"
#include "mascing/train.h"

namespace mascing {
namespace {

using nlohmann::json;

struct Trained {
  Surrogate surrogate;
  SurrogateResult report;
  std::string key;  ///< hash of traces and options
};

/// What every candidate is made from.
struct Workshop {
  const TraceSet& traces;
  const Scenario& scenario;
  std::string traces_hash;
  SteerTraces steer_traces;
  int64_t n_thread = 1;
  std::string folder;
};

std::string short_hash(const json& value) {
  return sha256_hex(value.dump()).substr(0, 10);
}

json to_value(const SurrogateResult& r) {
  return {{"seed", r.seed},
          {"n_train", r.n_train},
          {"n_validation", r.n_validation},
          {"validation_accuracy", r.validation_accuracy},
          {"validation_auc", r.validation_auc},
          {"majority_accuracy", r.majority_accuracy},
          {"length_auc", r.length_auc},
          {"best_epoch", r.best_epoch}};
}

SurrogateResult from_value(const json& v) {
  SurrogateResult r;
  r.seed = v.at("seed").get<uint64_t>();
  r.n_train = v.at("n_train").get<int64_t>();
  r.n_validation = v.at("n_validation").get<int64_t>();
  r.validation_accuracy = v.at("validation_accuracy").get<double>();
  r.validation_auc = v.at("validation_auc").get<double>();
  r.majority_accuracy = v.at("majority_accuracy").get<double>();
  r.length_auc = v.at("length_auc").get<double>();
  r.best_epoch = v.at("best_epoch").get<int64_t>();
  return r;
}

SurrogateResult summarise(const TrainReport& report, uint64_t seed) {
  return {seed,
          report.n_train,
          report.n_validation,
          report.validation_accuracy,
          report.validation_auc,
          report.majority_accuracy,
          report.length_auc,
          report.best_epoch};
}

Trained train_or_read(const Workshop& shop, uint64_t seed, const Progress& progress) {
  TrainOptions options = shop.scenario.train;
  options.seed = seed;
  options.n_thread = shop.n_thread;
  const json key = {"train-v1",
                    shop.traces_hash,
                    options.n_proj,
                    options.n_hidden,
                    options.n_epoch,
                    options.n_batch,
                    options.learning_rate,
                    options.n_patience,
                    options.validation_share,
                    seed,
                    options.n_thread};
  Trained trained;
  trained.key = short_hash(key);
  const std::string path =
      shop.folder + "/surrogate-s" + std::to_string(seed) + "-" + trained.key + ".safetensors";
  if (file_exists(path)) {
    std::map<std::string, std::string> metadata;
    trained.surrogate = read_surrogate(path, &metadata);
    trained.report = from_value(json::parse(metadata.at("report")));
    return trained;
  }
  TrainResult result = train_surrogate(shop.traces, options, progress);
  trained.surrogate = std::move(result.surrogate);
  trained.report = summarise(result.report, seed);
  write_surrogate(path,
                  trained.surrogate,
                  {{"report", to_value(trained.report).dump()},
                   {"traces", shop.traces_hash},
                   {"seed", std::to_string(seed)}});
  return trained;
}

Candidate finish_candidate(const Workshop& shop,
                           Mask mask,
                           SteerResult result,
                           const std::string& path) {
  mask.steer = std::move(result.steer);
  mask.sigma = std::move(result.sigma);
  mask.data_hash = shop.traces_hash;
  mask.tool_version = MASCING_VERSION;
  mask.validate();
  write_mask(path, mask);
  return {std::make_shared<const Mask>(std::move(mask)), 0, 0.0};
}

Candidate steer_or_read(const Workshop& shop,
                        const Trained& trained,
                        const SteerOptions& options,
                        const Progress& progress) {
  const json key = {"steer-v1",
                    trained.key,
                    options.lambda,
                    options.learning_rate,
                    options.n_epoch,
                    options.n_batch,
                    options.threshold,
                    to_string(options.sigma_rule),
                    options.preserve,
                    options.seed,
                    options.n_thread,
                    shop.scenario.name};
  const std::string path = shop.folder + "/surrogate-s" + std::to_string(trained.report.seed) +
                           "-e" + std::to_string(options.n_epoch) + "-" + short_hash(key) + ".gguf";
  Candidate candidate;
  if (file_exists(path)) {
    candidate.mask = std::make_shared<const Mask>(read_mask(path));
  } else {
    Mask mask = empty_mask(shop.traces, shop.scenario);
    mask.method = "surrogate";
    mask.seed = options.seed;
    mask.lambda = static_cast<float>(options.lambda);
    candidate = finish_candidate(
        shop,
        std::move(mask),
        optimise_steering(trained.surrogate, shop.traces, shop.steer_traces, options, progress),
        path);
  }
  candidate.epochs = options.n_epoch;
  candidate.preserve = options.preserve;
  return candidate;
}

Candidate baseline(const Workshop& shop) {
  const double norm = shop.scenario.search.mean_difference_norm;
  const json key = {
      "mean-v1", shop.traces_hash, norm, shop.scenario.steer.threshold, shop.scenario.name};
  const std::string path = shop.folder + "/mean_difference-" + short_hash(key) + ".gguf";
  if (file_exists(path)) {
    return {std::make_shared<const Mask>(read_mask(path)), 0, 0.0};
  }
  Mask mask = empty_mask(shop.traces, shop.scenario);
  mask.method = "mean_difference";
  return finish_candidate(shop,
                          std::move(mask),
                          mean_difference(shop.traces, 0, norm, shop.scenario.steer.threshold),
                          path);
}

SteerTraces divide(const TraceSet& traces, const std::string& target_set) {
  SteerTraces divided;
  for (size_t i = 0; i < traces.traces.size(); ++i) {
    const TraceView& trace = traces.traces[i];
    if (trace.set == target_set && trace.label == 1) {
      divided.target.push_back(static_cast<int64_t>(i));
    } else if (trace.set != target_set) {
      divided.preserve.push_back(static_cast<int64_t>(i));
    }
  }
  return divided;
}

void warn_about(const SurrogateResult& r, std::vector<Warning>& warnings) {
  const bool is_first = std::none_of(warnings.begin(), warnings.end(), [](const Warning& w) {
    return w.id == "surrogate_no_better_than_length";
  });
  if (is_first && r.validation_auc <= std::max(r.length_auc, 1.0 - r.length_auc) + 0.02) {
    warnings.push_back(
        {"surrogate_no_better_than_length",
         "surrogate seed " + std::to_string(r.seed) + " tells the labels apart with AUC " +
             format_number(r.validation_auc, 2) + ", the length of the message alone with " +
             format_number(r.length_auc, 2),
         "match the two classes in length, or collect more conversations"});
  }
}

}  // namespace

Mask empty_mask(const TraceSet& traces, const Scenario& scenario) {
  Mask mask;
  mask.n_layer = traces.n_layer;
  mask.n_expert = traces.n_expert;
  mask.n_expert_used = traces.n_expert_used;
  mask.blocks = traces.blocks;
  mask.architecture = traces.architecture;
  mask.fingerprint = traces.fingerprint;
  mask.model_name = traces.model_name;
  mask.sigma_rule = scenario.steer.sigma_rule;
  mask.threshold = static_cast<float>(scenario.steer.threshold);
  mask.scenario = scenario.name;
  mask.direction = scenario.direction;
  return mask;
}

CandidateSet build_candidates(const TraceSet& traces,
                              const Scenario& scenario,
                              uint64_t seed,
                              int64_t n_thread,
                              const std::string& folder,
                              const Progress& progress) {
  ensure_directory(folder);
  const Workshop shop{traces,
                      scenario,
                      hash_traces(traces),
                      divide(traces, scenario.target().metric),
                      n_thread,
                      folder};
  CandidateSet built;
  for (const int64_t offset : scenario.search.seeds) {
    const uint64_t run_seed = seed + static_cast<uint64_t>(offset);
    const Trained trained = train_or_read(shop, run_seed, progress);
    built.surrogates.push_back(trained.report);
    warn_about(trained.report, built.warnings);
    SteerOptions options = scenario.steer;
    options.seed = run_seed;
    options.n_thread = n_thread;
    for (const double lambda : scenario.search.lambdas) {
      for (const int64_t epochs : scenario.search.epochs) {
        for (const double preserve : scenario.search.preserves) {
          options.lambda = lambda;
          options.n_epoch = epochs;
          options.preserve = preserve;
          built.candidates.push_back(steer_or_read(shop, trained, options, progress));
        }
      }
    }
  }
  if (scenario.search.mean_difference_norm > 0.0) {
    built.candidates.push_back(baseline(shop));
  }
  return built;
}

}  // namespace mascing
