// Results are found again by file name, which contains a hash of the traces and of all relevant
// options.
#include "search/mask_maker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/numeric.h"
#include "base/sha256.h"
#include "mascing/error.h"
#include "mascing/mask_file.h"
#include "mascing/surrogate_file.h"
#include "mascing/trace_store.h"
#include "mascing/validate.h"
#include "measure/own_json.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr int64_t kMaxFold = 5;
constexpr const char* kSum = "sum";  // checksum of the rest of a validation's file

std::string short_hash(const json& value) {
  return sha256_hex(value.dump()).substr(0, 10);
}

/// 1e91 is a number, but none that fits. Whoever reads makes anew what throws.
int64_t integer_in(const json& value) {
  if (!value.is_number_integer()) {
    throw std::out_of_range("not a whole number");
  }
  return value.get<int64_t>();
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
  r.seed = static_cast<uint64_t>(integer_in(v.at("seed")));
  r.n_train = integer_in(v.at("n_train"));
  r.n_validation = integer_in(v.at("n_validation"));
  r.validation_accuracy = v.at("validation_accuracy").get<double>();
  r.validation_auc = v.at("validation_auc").get<double>();
  r.majority_accuracy = v.at("majority_accuracy").get<double>();
  r.length_auc = v.at("length_auc").get<double>();
  r.best_epoch = integer_in(v.at("best_epoch"));
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
          report.best_epoch,
          {}};
}

CrossValidated summarise(const ValidationReport& r, int64_t n_fold) {
  return {{n_fold,
           r.surrogate.auc,
           r.surrogate.low,
           r.surrogate.high,
           r.length_auc,
           r.topic_auc,
           r.calibration_error,
           r.saturated_share},
          r.warnings};
}

json value_of(const CrossValidated& validated) {
  const CrossValidationResult& r = validated.result;
  json warnings = json::array();
  for (const Warning& warning : validated.warnings) {
    warnings.push_back({warning.id, warning.text, warning.advice});
  }
  return {{"folds", r.n_fold},
          {"auc", {r.auc, r.low, r.high}},
          {"length_auc", r.length_auc},
          {"topic_auc", r.topic_auc},
          {"calibration_error", r.calibration_error},
          {"saturated_share", r.saturated_share},
          {"warnings", warnings}};
}

/// Nothing if the file is missing or damaged: it is made again.
std::optional<CrossValidated> read_validated(const std::string& path) {
  if (!file_exists(path)) {
    return std::nullopt;
  }
  try {
    json v = parse_own_json(read_text_file(path));
    if (v.contains(kSum)) {  // not in files of earlier versions
      const json sum = v.at(kSum);
      v.erase(kSum);
      if (sum != sha256_hex(v.dump())) {
        return std::nullopt;
      }
    }
    CrossValidated read;
    read.result = {integer_in(v.at("folds")),
                   v.at("auc").at(0).get<double>(),
                   v.at("auc").at(1).get<double>(),
                   v.at("auc").at(2).get<double>(),
                   v.at("length_auc").get<double>(),
                   v.at("topic_auc").get<double>(),
                   v.at("calibration_error").get<double>(),
                   v.at("saturated_share").get<double>()};
    for (const json& warning : v.at("warnings")) {
      read.warnings.push_back({warning.at(0).get<std::string>(),
                               warning.at(1).get<std::string>(),
                               warning.at(2).get<std::string>()});
    }
    return read;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

int64_t count_label(const TraceSet& traces, int label) {
  return std::count_if(traces.traces.begin(), traces.traces.end(), [&](const TraceView& trace) {
    return trace.label == label;
  });
}

/// The mask of an earlier run, or null if the file is missing or damaged.
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

/// Likewise: nothing if the surrogate has to be trained.
std::optional<Trained> read_trained(const std::string& path, const std::string& key) {
  if (!file_exists(path)) {
    return std::nullopt;
  }
  try {
    std::map<std::string, std::string> metadata;
    Surrogate surrogate = read_surrogate(path, &metadata);
    return Trained{
        std::move(surrogate), surrogate_from(parse_own_json(metadata.at("report"))), key};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

SteerTraces divide(const TraceSet& traces) {
  SteerTraces divided;
  for (int64_t i = 0; i < std::ssize(traces.traces); ++i) {
    const int label = traces.traces[i].label;
    if (label == 1) {
      divided.target.push_back(i);
    } else if (label < 0) {
      divided.preserve.push_back(i);
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

TrainOptions MaskMaker::train_options(uint64_t seed) const {
  TrainOptions options = scenario_.train;
  options.seed = seed;
  options.n_thread = n_thread_;
  return options;
}

Trained MaskMaker::train(uint64_t seed, const Progress& progress) const {
  const TrainOptions options = train_options(seed);
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
  const std::string hash = short_hash(key);
  const std::string path =
      folder_ + "/surrogate-s" + std::to_string(seed) + "-" + hash + ".safetensors";
  if (auto trained = read_trained(path, hash)) {
    return *std::move(trained);
  }
  TrainResult result = train_surrogate(traces_, options, progress);
  Trained trained{std::move(result.surrogate), summarise(result.report, seed), hash};
  write_surrogate(path,
                  trained.surrogate,
                  {{"report", value_of(trained.report).dump()},
                   {"traces", traces_hash_},
                   {"seed", std::to_string(seed)}});
  return trained;
}

CrossValidated MaskMaker::cross_validate(const Trained& trained, const Progress& progress) const {
  const int64_t n_smaller = std::min(count_label(traces_, 0), count_label(traces_, 1));
  const int64_t n_fold = std::min(kMaxFold, n_smaller);
  if (n_fold < 2) {
    return {};
  }
  const std::string path = folder_ + "/validation-s" + std::to_string(trained.report.seed) + "-" +
                           short_hash({"validate-v1", trained.key, n_fold}) + ".json";
  if (auto validated = read_validated(path)) {
    return *std::move(validated);
  }
  CrossValidated validated;
  try {
    validated = summarise(
        mascing::cross_validate(traces_, {n_fold, train_options(trained.report.seed)}, progress),
        n_fold);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInsufficient) {
      throw;
    }
    return {};  // a fold leaves too little to train on
  }
  json value = value_of(validated);
  value[kSum] = sha256_hex(value.dump());
  write_file_atomically(path, value.dump(1) + "\n");
  return validated;
}

std::string MaskMaker::path_of(const Trained& trained, const SteerOptions& options) const {
  const json key = {"steer-v3",
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
                    scenario_.name,
                    scenario_.direction};
  return folder_ + "/surrogate-s" + std::to_string(trained.report.seed) + "-e" +
         std::to_string(options.n_epoch) + "-" + short_hash(key) + ".gguf";
}

std::vector<std::shared_ptr<const Mask>> MaskMaker::steer(const std::vector<Trained>& trained,
                                                          std::vector<SteerCell> cells,
                                                          const Progress& progress) const {
  std::vector<std::shared_ptr<const Mask>> masks;
  std::vector<SteerCell> missing;
  std::vector<size_t> places;
  for (SteerCell& cell : cells) {
    cell.options.n_thread = n_thread_;
    masks.push_back(read_finished(path_of(trained.at(cell.i_surrogate), cell.options)));
    if (!masks.back()) {
      missing.push_back(cell);
      places.push_back(masks.size() - 1);
    }
  }
  if (missing.empty()) {
    return masks;
  }
  std::vector<Surrogate> surrogates;
  surrogates.reserve(trained.size());
  for (const Trained& one : trained) {
    surrogates.push_back(one.surrogate);
  }
  std::vector<SteerResult> results =
      optimise_steering_grid(surrogates, traces_, steer_traces_, missing, progress);
  for (size_t i = 0; i < missing.size(); ++i) {
    const Trained& one = trained[missing[i].i_surrogate];
    Mask mask = empty_mask();
    mask.method = "surrogate";
    mask.seed = one.report.seed;
    mask.lambda = to_float(missing[i].options.lambda);
    masks[places[i]] =
        finish(std::move(mask), std::move(results[i]), path_of(one, missing[i].options));
  }
  return masks;
}

std::shared_ptr<const Mask> MaskMaker::mean_difference_mask() const {
  const double norm = scenario_.search.mean_difference_norm;
  const json key = {"mean-v2",
                    traces_hash_,
                    norm,
                    scenario_.steer.threshold,
                    to_string(scenario_.steer.sigma_rule),
                    scenario_.name,
                    scenario_.direction};
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
  mask.threshold = to_float(scenario_.steer.threshold);
  mask.scenario = scenario_.name;
  mask.direction = scenario_.direction;
  return mask;
}

}  // namespace mascing
