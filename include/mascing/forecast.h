// What a run will take on this machine, before it begins: tokens and time of each stage, memory and
// disk. What is counted and what is assumed: docs/speed.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "mascing/scenario.h"

namespace mascing {

/// Of this model on this machine, in tokens per second.
struct ModelSpeed {
  double prefill = 0.0;    ///< of prompts, many in parallel
  double generated = 0.0;  ///< of replies, many in parallel
  double gradient = 0.0;   ///< of prompts differentiated from their last message on; 0 = not asked
  /// Of texts, which have one opening: as `gradient`, unless others are differentiated in parts.
  double text_gradient = 0.0;
  bool reads_in_turn = false;    ///< openings one after the other, as slowly as replies are written
  double measured_s = 0.0;       ///< how long the measurement took
  double reply_token = 0.0;      ///< mean length of replies
  int64_t n_ended = 0;           ///< replies that ended while it was measured
  bool has_whole_reply = false;  ///< false: too few ended, and the scenario's limit is assumed
};

struct StageForecast {
  std::string name;  ///< as under `cost.seconds` of results.json: "label", "trace", ...; "play"
  int64_t n_prefill = 0;
  int64_t n_generated = 0;
  int64_t n_gradient = 0;  ///< tokens of prompts that are differentiated; not in `n_prefill`
  double seconds = 0.0;
  int64_t n_text_gradient = 0;  ///< those of `n_gradient` that belong to texts with one opening
  int64_t n_opening = 0;        ///< those of `n_prefill` that stand in openings, behind a prompt
};

/// Bytes; 0 where there is nothing of the kind.
struct SpaceForecast {
  int64_t weights = 0;   ///< of the model's file, all parts
  int64_t gradient = 0;  ///< quantised weights a second time, and values for the reverse pass
  int64_t cache = 0;     ///< keys and values
  int64_t judges = 0;    ///< weights of judges that are models, with their caches
  int64_t work = 0;      ///< activations and logits of a batch
  int64_t rest = 0;  ///< the program, its data, and what a run keeps at hand of traces and answers
  int64_t traces = 0;  ///< on disk
  int64_t disk = 0;    ///< what the output folder will hold, traces included
  int64_t free_memory = 0;
  int64_t free_disk = 0;
  bool takes_turns = false;  ///< the model and its judges are in memory one at a time

  /// Of the model alone.
  [[nodiscard]] int64_t own_memory() const { return weights + gradient + cache + work + rest; }
  [[nodiscard]] int64_t memory() const {
    return takes_turns ? std::max(own_memory(), judges) : own_memory() + judges;
  }
  /// Whether the model and its judges fit one at a time, and not together.
  [[nodiscard]] bool fits_in_turns_only() const;
};

/// Something that cannot fit, and what would make it fit.
struct SpaceProblem {
  std::string what;
  std::string advice;
};

struct Forecast {
  std::vector<StageForecast> stages;
  ModelSpeed speed;
  SpaceForecast space;
  double seconds = 0.0;            ///< of all stages
  std::vector<std::string> notes;  ///< what the figures leave out or assume
};

struct ForecastOptions {
  std::string model = {};   ///< GGUF file; empty: forecast_run() leaves memory and disk out
  std::string output = {};  ///< folder whose disk is asked; need not exist
  uint64_t seed = 0;
  int64_t n_thread = 1;
  int64_t n_parallel = 16;      ///< as the host is opened with
  int64_t n_batch = 512;        ///< likewise
  int64_t n_context = 16384;    ///< likewise
  double measure_s = 4.0;       ///< about how long speeds are measured
  bool with_baselines = false;  ///< as RunOptions has it
};

/// From files alone, before the model is loaded. Throws like load_dataset() and read_model_size().
[[nodiscard]] SpaceForecast forecast_space(const Scenario& scenario,
                                           const ForecastOptions& options);

/// What of it exceeds the machine's memory or the disk; empty if it fits.
[[nodiscard]] std::vector<SpaceProblem> space_problems(const SpaceForecast& space);
/// Throws Error{kInsufficient} with the problems and what would make it fit.
void require_room(const SpaceForecast& space);

/// Counts the conversations' tokens on a sample and measures how fast `host` is. Throws like
/// load_dataset().
[[nodiscard]] Forecast forecast_run(const Scenario& scenario,
                                    Host& host,
                                    const ForecastOptions& options);

}  // namespace mascing
