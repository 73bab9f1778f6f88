// What was computed is found again by name: names hold a hash of the traces and of every option
// that matters.
#include "pipeline/mask_maker.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/sha256.h"
#include "format/mask_file.h"
#include "format/surrogate_file.h"
#include "format/trace_store.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using nlohmann::json;

std::string short_hash(const json& value) {
  return sha256_hex(value.dump()).substr(0, 10);
}

json value_of(const SurrogateResult& r) {
  return {{"seed", r.seed},
          {"n_train", r.n_train},
          {"n_validation", r.n_validation},
          {"validation_accuracy", r.validation_accuracy},
          {"validation_auc", r.validation_auc},
          {"majority_accuracy", r.majority_accuracy},
          {"length_auc", r.length_auc},
          {"best_epoch", r.best_epoch}};
}

SurrogateResult surrogate_from(const json& v) {
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

/// The mask an earlier run wrote, or null: a file that is missing or damaged is made again.
std::shared_ptr<const Mask> read_finished(const std::string& path) {
  if (!file_exists(path)) {
    return nullptr;
  }
  try {
    return std::make_shared<const Mask>(read_mask(path));
  } catch (const Error&) {
    return nullptr;
  }
}

/// Likewise: false if the surrogate has to be trained.
bool read_trained(const std::string& path, Trained& trained) {
  if (!file_exists(path)) {
    return false;
  }
  try {
    std::map<std::string, std::string> metadata;
    trained.surrogate = read_surrogate(path, &metadata);
    trained.report = surrogate_from(json::parse(metadata.at("report")));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

SteerTraces divide(const TraceSet& traces) {
  SteerTraces divided;
  for (size_t i = 0; i < traces.traces.size(); ++i) {
    const int label = traces.traces[i].label;
    if (label == 1) {
      divided.target.push_back(static_cast<int64_t>(i));
    } else if (label < 0) {
      divided.preserve.push_back(static_cast<int64_t>(i));
    }
  }
  return divided;
}

}  // namespace

MaskMaker::MaskMaker(TraceSet traces,
                     const Scenario& scenario,
                     int64_t n_thread,
                     std::string folder)
    : traces_(std::move(traces)),
      scenario_(scenario),
      traces_hash_(hash_traces(traces_)),
      steer_traces_(divide(traces_)),
      n_thread_(n_thread),
      folder_(std::move(folder)) {
  ensure_directory(folder_);
}

Trained MaskMaker::train(uint64_t seed, const Progress& progress) const {
  TrainOptions options = scenario_.train;
  options.seed = seed;
  options.n_thread = n_thread_;
  const json key = {"train-v2",
                    traces_hash_,
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
      folder_ + "/surrogate-s" + std::to_string(seed) + "-" + trained.key + ".safetensors";
  if (read_trained(path, trained)) {
    return trained;
  }
  TrainResult result = train_surrogate(traces_, options, progress);
  trained.surrogate = std::move(result.surrogate);
  trained.report = summarise(result.report, seed);
  write_surrogate(path,
                  trained.surrogate,
                  {{"report", value_of(trained.report).dump()},
                   {"traces", traces_hash_},
                   {"seed", std::to_string(seed)}});
  return trained;
}

std::shared_ptr<const Mask> MaskMaker::steer(const Trained& trained,
                                             SteerOptions options,
                                             const Progress& progress) const {
  options.n_thread = n_thread_;
  const json key = {"steer-v2",
                    trained.key,
                    options.lambda,
                    options.learning_rate,
                    options.n_epoch,
                    options.n_batch,
                    options.threshold,
                    to_string(options.sigma_rule),
                    options.preserve,
                    options.preserve_reach,
                    static_cast<int>(options.optimizer),
                    options.validation_share,
                    options.n_patience,
                    options.seed,
                    options.n_thread,
                    scenario_.name};
  const std::string path = folder_ + "/surrogate-s" + std::to_string(trained.report.seed) + "-e" +
                           std::to_string(options.n_epoch) + "-" + short_hash(key) + ".gguf";
  if (auto mask = read_finished(path)) {
    return mask;
  }
  Mask mask = empty_mask();
  mask.method = "surrogate";
  mask.seed = options.seed;
  mask.lambda = static_cast<float>(options.lambda);
  return finish(std::move(mask),
                optimise_steering(trained.surrogate, traces_, steer_traces_, options, progress),
                path);
}

std::shared_ptr<const Mask> MaskMaker::mean_difference_mask() const {
  const double norm = scenario_.search.mean_difference_norm;
  const json key = {"mean-v1", traces_hash_, norm, scenario_.steer.threshold, scenario_.name};
  const std::string path = folder_ + "/mean_difference-" + short_hash(key) + ".gguf";
  if (auto mask = read_finished(path)) {
    return mask;
  }
  Mask mask = empty_mask();
  mask.method = "mean_difference";
  return finish(
      std::move(mask), mean_difference(traces_, 0, norm, scenario_.steer.threshold), path);
}

std::shared_ptr<const Mask> MaskMaker::finish(Mask mask,
                                              SteerResult result,
                                              const std::string& path) const {
  mask.steer = std::move(result.steer);
  mask.sigma = std::move(result.sigma);
  for (float& sigma : mask.sigma) {
    sigma = std::max(sigma, kMinSigma);
  }
  mask.data_hash = traces_hash_;
  mask.validate();
  write_mask(path, mask);
  return std::make_shared<const Mask>(std::move(mask));
}

Mask MaskMaker::empty_mask() const {
  Mask mask = mask_for(traces_);
  mask.sigma_rule = scenario_.steer.sigma_rule;
  mask.threshold = static_cast<float>(scenario_.steer.threshold);
  mask.scenario = scenario_.name;
  mask.direction = scenario_.direction;
  return mask;
}

}  // namespace mascing
