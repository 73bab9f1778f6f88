// What a run will take on this machine, before it begins: tokens and time of each stage, memory and
// disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "mascing/scenario.h"

namespace mascing {

/// Of this model on this machine, in tokens per second; measured in a few seconds.
struct ModelSpeed {
  double prefill = 0.0;     ///< of prompts, many in parallel
  double generated = 0.0;   ///< of replies, many in parallel
  double gradient = 0.0;    ///< of prompts and openings differentiated exactly; 0 = not available
  double measured_s = 0.0;  ///< how long the measurement took
};

struct StageForecast {
  std::string name;  ///< as under `cost.seconds` of results.json: "label", "trace", ...
  int64_t n_prefill = 0;
  int64_t n_generated = 0;
  int64_t n_gradient = 0;  ///< tokens of exact gradients; a part of `n_prefill`
  double seconds = 0.0;
};

/// Bytes; 0 where there is nothing of the kind.
struct SpaceForecast {
  int64_t weights = 0;   ///< of the model's file, all parts
  int64_t gradient = 0;  ///< weights that are mapped a second time for gradients
  int64_t cache = 0;     ///< keys and values
  int64_t judges = 0;    ///< weights of judges that are models
  int64_t traces = 0;    ///< on disk, and the part of them in memory
  int64_t work = 0;      ///< activations and logits of a batch
  int64_t disk = 0;      ///< what the output folder will hold
  int64_t has_memory = 0;
  int64_t has_disk = 0;

  /// What must be in memory at once. Mapped weights can be read again, but only slowly.
  [[nodiscard]] int64_t memory() const { return weights + gradient + cache + judges + work; }
};

struct Forecast {
  std::vector<StageForecast> stages;
  ModelSpeed speed;
  SpaceForecast space;
  double seconds = 0.0;            ///< of all stages; within a factor of about 1.5 (docs/speed.md)
  std::vector<std::string> notes;  ///< what is not included
  std::vector<std::string> problems;  ///< what cannot fit, and what would make it fit
};

struct ForecastOptions {
  std::string output = {};  ///< folder whose disk is asked; need not exist
  uint64_t seed = 0;
  int64_t n_thread = 1;
  int64_t n_parallel = 16;      ///< as the host was opened with
  int64_t n_context = 16384;    ///< likewise
  int64_t n_gpu_layer = 0;      ///< likewise; weights on a GPU are not counted as memory
  double measure_s = 4.0;       ///< about how long speeds are measured
  bool with_baselines = false;  ///< named in the notes; not in the figures
};

/// Reads the conversations, counts their tokens on a sample, and measures how fast `host` is.
/// Throws like load_dataset().
[[nodiscard]] Forecast forecast_run(const Scenario& scenario,
                                    Host& host,
                                    const ForecastOptions& options);

/// Throws Error{kInsufficient} listing what does not fit; the hint says what would make it fit.
void require_room(const Forecast& forecast);

}  // namespace mascing
