// Our side of the comparison with PyTorch (compare.py runs both), one measurement a call, JSON on
// stdout:
//   engine_bench data FOLDER       traces, initial weights and the order of the batches, for both
//                                  sides
//   engine_bench train FOLDER      trains from those weights, leaves trained.safetensors
//   engine_bench steer FOLDER      steers through trained.safetensors; --cells of different lambda
//   engine_bench peak              our matrix product at its best
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "base/parallel.h"
#include "base/random.h"
#include "mascing/error.h"
#include "mascing/steer.h"
#include "mascing/surrogate_file.h"
#include "mascing/trace_store.h"
#include "mascing/train.h"
#include "nn/gemm.h"
#include "nn/surrogate_layout.h"
#include "stage/ragged_traces.h"
#include "synthetic_traces.h"

namespace mascing {
namespace {

using nlohmann::json;

// The streams that src/stage/train.cpp and src/stage/steer.cpp draw from their seeds.
constexpr uint64_t kInitialStream = 1;
constexpr uint64_t kOrderStream = 3;
constexpr uint64_t kTargetStream = 1;

struct Arguments {
  std::string command;
  std::string folder;
  std::map<std::string, double> numbers = {{"layers", 48},
                                           {"experts", 128},
                                           {"traces", 560},
                                           {"epochs", 5},
                                           {"threads", 1},
                                           {"batch", 512},
                                           {"cells", 1},
                                           {"preserve", 0},
                                           {"lambda", 1e-4}};

  [[nodiscard]] int64_t count(const std::string& name) const {
    return static_cast<int64_t>(numbers.at(name));
  }
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  arguments.command = argc > 1 ? argv[1] : "";
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    if (!word.starts_with("--")) {
      arguments.folder = word;
    } else if (arguments.numbers.contains(word.substr(2)) && i + 1 < argc) {
      arguments.numbers[word.substr(2)] = std::stod(argv[++i]);
    } else {
      throw Error(ErrorKind::kUsage, "[engine_bench] unknown option " + word);
    }
  }
  return arguments;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// Seconds of this process's user time, of user and system time, and of the clock.
struct Instant {
  double user = 0.0;
  double cpu = 0.0;
  double wall = 0.0;

  static Instant now() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto clock = std::chrono::steady_clock::now().time_since_epoch();
    const double user = seconds(usage.ru_utime);
    return {user, user + seconds(usage.ru_stime), std::chrono::duration<double>(clock).count()};
  }
};

/// Times the epochs between two reports of progress; what comes before the first is set-up.
class EpochClock {
 public:
  [[nodiscard]] Progress callback() {
    return [this](const ProgressEvent&) {
      ends_.push_back(Instant::now());
      return true;
    };
  }

  /// The first epoch includes the set-up and is reported apart.
  void write_to(json& result) const {
    result["first_epoch_user_s"] = ends_.front().user - start_.user;
    std::vector<double> user;
    std::vector<double> cpu;
    std::vector<double> wall;
    for (size_t i = 1; i < ends_.size(); ++i) {
      user.push_back(ends_[i].user - ends_[i - 1].user);
      cpu.push_back(ends_[i].cpu - ends_[i - 1].cpu);
      wall.push_back(ends_[i].wall - ends_[i - 1].wall);
    }
    result["user_s"] = user;
    result["cpu_s"] = cpu;
    result["wall_s"] = wall;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    result["peak_rss_mb"] = static_cast<double>(usage.ru_maxrss) / 1024.0;
  }

 private:
  Instant start_ = Instant::now();
  std::vector<Instant> ends_;
};

/// An order of the traces for each epoch, as our side takes them.
json shuffled_orders(std::vector<int64_t> order, int64_t n_epoch, uint64_t stream) {
  Rng rng(mix_seed(0, stream));
  json orders = json::array();
  for (int64_t i = 0; i < n_epoch; ++i) {
    rng.shuffle(order);
    orders.push_back(order);
  }
  return orders;
}

json write_data(const Arguments& arguments) {
  SyntheticOptions options;
  options.n_layer = arguments.count("layers");
  options.n_expert = arguments.count("experts");
  options.n_trace = arguments.count("traces");
  write_synthetic_traces(arguments.folder + "/traces", options);
  const SurrogateShape shape = {options.n_layer, options.n_expert};
  write_surrogate(arguments.folder + "/initial.safetensors",
                  {shape, initial_surrogate(shape, mix_seed(0, kInitialStream))},
                  {});
  const TraceSet set = read_traces(arguments.folder + "/traces");
  const std::vector<int64_t> target = traces_with_label(set, 1);
  const int64_t n_epoch = arguments.count("epochs");
  const bool is_one_batch = static_cast<int64_t>(target.size()) <= arguments.count("batch");
  const json orders = {{"batch", arguments.count("batch")},
                       {"train", shuffled_orders(all_traces(set), n_epoch, kOrderStream)},
                       {"steer",
                        is_one_batch ? json(std::vector<json>(n_epoch, target))
                                     : shuffled_orders(target, n_epoch, kTargetStream)}};
  std::ofstream(arguments.folder + "/orders.json") << orders;
  return {{"written", arguments.folder}};
}

json train(const Arguments& arguments) {
  TrainOptions options;
  options.n_epoch = arguments.count("epochs");
  options.n_batch = arguments.count("batch");
  options.n_thread = arguments.count("threads");
  options.validation_share = 0.0;
  EpochClock clock;
  const TraceSet set = read_traces(arguments.folder + "/traces");
  const TrainResult fit = train_surrogate(set, options, clock.callback());
  json result;
  clock.write_to(result);
  for (const EpochReport& epoch : fit.report.epochs) {
    result["losses"].push_back(epoch.train_loss);
  }
  int64_t n_token = 0;
  for (const TraceView& trace : set.traces) {
    n_token += trace.n_token;
  }
  result["n_token"] = n_token;
  write_surrogate(arguments.folder + "/trained.safetensors", fit.surrogate, {});
  return result;
}

json steer(const Arguments& arguments) {
  SteerOptions options;
  options.n_epoch = arguments.count("epochs");
  options.n_batch = arguments.count("batch");
  options.n_thread = arguments.count("threads");
  options.lambda = arguments.numbers.at("lambda");
  options.preserve = arguments.numbers.at("preserve");
  std::vector<SteerCell> cells(arguments.count("cells"), {0, options});
  for (size_t i = 1; i < cells.size(); ++i) {
    cells[i].options.lambda = cells[i - 1].options.lambda * 10.0;
  }
  EpochClock clock;
  const Surrogate surrogate = read_surrogate(arguments.folder + "/trained.safetensors", nullptr);
  const TraceSet set = read_traces(arguments.folder + "/traces");
  SteerTraces traces;
  int64_t n_token = 0;
  for (size_t i = 0; i < set.traces.size(); ++i) {
    const bool is_target = set.traces[i].label == 1;
    if (is_target || options.preserve > 0.0) {
      (is_target ? traces.target : traces.preserve).push_back(static_cast<int64_t>(i));
    }
    n_token += is_target ? set.traces[i].n_token : 0;
  }
  const std::vector<SteerResult> fits =
      optimise_steering_grid({surrogate}, set, traces, cells, clock.callback());
  json result;
  clock.write_to(result);
  for (const SteerEpoch& epoch : fits.front().epochs) {
    result["losses"].push_back(epoch.loss);
  }
  result["n_token"] = n_token;
  return result;
}

/// Our own product, a thousand numbers each way, on every thread.
json peak(const Arguments& arguments) {
  constexpr int64_t kSize = 1024;
  const int64_t n_thread = arguments.count("threads");
  double best = 0.0;
  for (int trial = 0; trial < 5; ++trial) {
    std::vector<double> spent(n_thread);
    run_parts(n_thread, [&](int64_t i_part) {
      const nn::AlignedVector<float> a(kSize * kSize, 0.5F);
      nn::AlignedVector<float> c(kSize * kSize);
      nn::PackedMatrix<float> b;
      b.pack(a.data(), kSize, 1, kSize, kSize);
      const double start = Instant::now().wall;
      for (int i = 0; i < 10; ++i) {
        b.multiply({a.data(), kSize, kSize}, {c.data(), kSize, kSize}, nn::Onto::kNothing);
      }
      spent[i_part] = Instant::now().wall - start;
    });
    double gflops = 0.0;
    for (const double s : spent) {
      gflops += 10.0 * 2e-9 * kSize * kSize * kSize / s;
    }
    best = std::max(best, gflops);
  }
  return {{"gflops", best}};
}

int run(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  const std::map<std::string, json (*)(const Arguments&)> commands = {
      {"data", write_data}, {"train", train}, {"steer", steer}, {"peak", peak}};
  const auto command = commands.find(arguments.command);
  if (command == commands.end()) {
    throw Error(
        ErrorKind::kUsage,
        "[engine_bench] expected data, train, steer or peak, got '" + arguments.command + "'");
  }
  std::cout << command->second(arguments) << "\n";
  return 0;
}

}  // namespace
}  // namespace mascing

int main(int argc, char** argv) {
  try {
    return mascing::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "engine_bench: error: " << error.what() << "\n";
    return 1;
  }
}
