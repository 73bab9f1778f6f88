// Sizes from the header of the model's file and from the length of the conversations.
#include <algorithm>
#include <limits>

#include "base/free_space.h"
#include "base/numeric.h"
#include "base/spread.h"
#include "base/text.h"
#include "mascing/error.h"
#include "mascing/forecast.h"
#include "mascing/model_info.h"
#include "mascing/model_size.h"
#include "run/find_masks.h"
#include "scenario/dataset.h"
#include "search/adapter_space.h"

namespace mascing {
namespace {

constexpr double kBytesPerToken = 3.5;  // of text; a careful guess, before there is a tokenizer
constexpr int64_t kSmallModel = 256LL << 20;  // below it every thread has an engine of its own
constexpr int64_t kJudgeCells = 16384;        // as LlamaHostOptions has them
constexpr int64_t kTraceValue = 2;            // bytes
constexpr double kReplyByte = 20.0;           // of a token in the cache: text, number, marks
constexpr int64_t kGradientValue = 4;         // bytes of a derivative in the cache
constexpr int64_t kKeptValues = 64;
constexpr int64_t kHeldDerivatives = 256;     // of an adapter at once: 64 texts of each kind
constexpr int64_t kHeldSums = 32;             // likewise, of twice the size: over sets, and units
constexpr int64_t kFewBytes = 32 << 20;       // results, report, masks, references of texts
constexpr int64_t kProgram = 48 << 20;        // of memory: code, engine, conversations, texts
constexpr int64_t kTracesAtHand = 256 << 20;  // larger stores are released piece by piece
constexpr double kGibi = 1024.0 * 1024.0 * 1024.0;

bool is_exact_loop(const Scenario& scenario) {
  return scenario.search.gradients != GradientSource::kPairs && scenario.uses_loop();
}

/// Bytes of the values that a reverse pass needs: on the demo model 0.2 MB (docs/gradients.md),
/// which is 64 numbers per component of the residual stream and block.
int64_t kept_per_token(const ModelInfo& info) {
  return kKeptValues * info.n_embd * info.n_block * static_cast<int64_t>(sizeof(float));
}

/// Values of a router adapter in a search.
int64_t adapter_values(const Scenario& scenario, const ModelInfo& info) {
  return scenario.uses(MaskMethod::kRouterAdapter)
             ? info.n_layer * info.n_expert * adapter_rank(info)
             : 0;
}

/// Bytes of what a search holds of an adapter at once: derivatives of the texts that costs are
/// measured on, the masks of all steps, sums for every set, `down`, and the inputs that it is made
/// of.
int64_t adapter_size(const Scenario& scenario, const ModelInfo& info) {
  const int64_t n_value = adapter_values(scenario, info);
  const int64_t n_held = kHeldDerivatives + scenario.search.n_loop_step + kHeldSums;
  const int64_t n_down = n_value / std::max<int64_t>(1, info.n_expert) * info.n_embd;
  return (n_value * n_held + 2 * n_down) * static_cast<int64_t>(sizeof(float));
}

int64_t judges_size(const JudgeOptions& options) {
  int64_t size = 0;
  for (const JudgeSpec& spec : options.also) {
    if (spec.kind == JudgeKind::kModel) {
      const ModelSize of_judge = read_model_size(spec.model);
      size += of_judge.n_weight_byte + kJudgeCells * of_judge.n_cell_byte;
    }
  }
  return size;
}

int64_t traces_size(const Dataset& data, const ModelInfo& info) {
  double n_token = 0.0;
  for (const LoadedSet& set : data.sets) {
    const auto& rows = set.rows(Split::kDiscovery);
    const bool is_benign = set.spec.role == SetRole::kBenign;
    if (set.spec.role == SetRole::kWatch) {
      continue;
    }
    for (const size_t i : spread_indices(rows.size(), is_benign ? kPreserveRows : rows.size())) {
      n_token += to_double(std::ssize(rows[i].messages.back().content)) / kBytesPerToken;
    }
  }
  return static_cast<int64_t>(n_token) * info.n_layer * info.n_expert * kTraceValue;
}

/// Replies and derivatives that are kept on disk.
int64_t cache_size(const Scenario& scenario, const Dataset& data, const ModelInfo& info) {
  int64_t n_row = 0;
  for (const LoadedSet& set : data.sets) {
    for (const Split split : kSplits) {
      n_row += std::ssize(set.rows(split));
    }
  }
  const bool reasons = scenario.chat_template.reasoning == ReasoningMode::kOn;
  const int64_t n_most = scenario.n_max_token + (reasons ? scenario.n_max_reasoning_token : 0);
  const double n_token = 3.0 * to_double(n_row * n_most);
  const int64_t n_item = scenario.search.n_loop_item > 0 ? scenario.search.n_loop_item : 48;
  const int64_t n_question =
      is_exact_loop(scenario) ? 600 + scenario.search.n_loop_step * n_item : 0;
  const int64_t n_entry = info.n_layer * info.n_expert;
  const int64_t n_value =
      (scenario.uses(MaskMethod::kClosedLoop) || scenario.uses(MaskMethod::kEffectMap) ? n_entry
                                                                                       : 0) +
      adapter_values(scenario, info);
  return static_cast<int64_t>(kReplyByte * n_token) + n_question * n_value * kGradientValue;
}

std::string gibi(int64_t n_byte) {
  return format_number(to_double(n_byte) / kGibi, n_byte < (1LL << 30) ? 2 : 1) + " GiB";
}

std::string memory_advice(const SpaceForecast& space) {
  std::string advice;
  const auto add = [&](const std::string& text) { advice += (advice.empty() ? "" : "; ") + text; };
  if (space.fits_in_turns_only()) {
    add("--judge-loading turns loads the model and its judge by turns");
  }
  if (space.judges > 0 && space.own_memory() <= space.free_memory) {
    add("use --judge phrases, or a server (--judge URL), instead of a judge model here (" +
        gibi(space.judges) + ")");
  }
  if (space.gradient > 0 && space.memory() - space.gradient <= space.free_memory) {
    add("gradients = \"pairs\" under [search] needs neither a second copy of the weights nor "
        "derivatives (" +
        gibi(space.gradient) + "), but finds no router adapters");
  }
  if (space.cache > space.memory() / 4) {
    add("a smaller --context needs less for keys and values (" + gibi(space.cache) + ")");
  }
  add("a smaller quantisation of the model (" + gibi(space.weights) + " now), or a machine with " +
      gibi(space.memory()) + " free");
  return advice;
}

}  // namespace

SpaceForecast forecast_space(const Scenario& scenario, const ForecastOptions& options) {
  const ModelInfo info = read_model_info(options.model);
  const ModelSize size = read_model_size(options.model);
  const Dataset data = load_dataset(scenario, options.seed);
  const int64_t n_engine = size.n_weight_byte < kSmallModel ? options.n_thread : 1;
  const int64_t n_most = std::max<int64_t>(1, size.n_context_train) * options.n_parallel;
  SpaceForecast space;
  space.weights = size.n_weight_byte;
  if (is_exact_loop(scenario)) {
    space.gradient = size.n_quantised_byte + n_engine * options.n_batch * kept_per_token(info) +
                     adapter_size(scenario, info);
  }
  space.cache = n_engine * std::min(options.n_context, n_most) * size.n_cell_byte;
  space.judges = judges_size(scenario.judge);
  space.work = n_engine * options.n_batch * (size.n_vocab + 16 * size.n_embd) *
               static_cast<int64_t>(sizeof(float));
  space.traces = traces_size(data, info);
  space.disk = space.traces + cache_size(scenario, data, info) + kFewBytes;
  space.rest = kProgram + std::min(space.traces, kTracesAtHand);
  constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();
  space.free_memory = free_memory().value_or(kUnknown);
  space.free_disk = free_disk(options.output).value_or(kUnknown);
  return space;
}

bool SpaceForecast::fits_in_turns_only() const {
  return judges > 0 && own_memory() + judges > free_memory &&
         std::max(own_memory(), judges) <= free_memory;
}

std::vector<SpaceProblem> space_problems(const SpaceForecast& space) {
  std::vector<SpaceProblem> problems;
  if (space.memory() > space.free_memory) {
    problems.push_back({gibi(space.memory()) + " of memory are needed, and " +
                            gibi(space.free_memory) + " are free",
                        memory_advice(space)});
  }
  if (space.disk > space.free_disk) {
    problems.push_back({gibi(space.disk) + " on the disk of the output folder are needed, and " +
                            gibi(space.free_disk) + " are free",
                        "give an output folder (-o) on another disk, or fewer conversations"});
  }
  return problems;
}

void require_room(const SpaceForecast& space) {
  std::string what;
  std::string advice;
  for (const SpaceProblem& problem : space_problems(space)) {
    what += (what.empty() ? "" : "; ") + problem.what;
    advice += (advice.empty() ? "" : "; ") + problem.advice;
  }
  if (!what.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[forecast] this run does not fit: " + what,
                advice + "; --anyway runs all the same");
  }
}

}  // namespace mascing
