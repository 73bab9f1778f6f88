// What the tap costs: plain llama.cpp against traces and steered runs of the same tokens in the
// same batches, in one process and in turns, so that both sides meet the same machine.
//
//   host_bench MODEL.gguf [--threads N] [--rounds N] [--prompt TOKENS] [--decode STEPS]
//              [--sequences 1,8,32] [--conversations N] [--turns N] [--system TOKENS]
//              [--user TOKENS] [--reply TOKENS] [--lora 1] [--gpu-layers N]
//
// --conversations 0 leaves the conversations out; --lora 1 adds the mask's other route, a rank-1
// adapter on every router in plain llama.cpp.
//
// A ratio is the median over the rounds of the speed relative to the plain run of the same round;
// in brackets the least and the largest. Peaks of memory are of the whole process.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "export/lora.h"
#include "host/llama/schedulers.h"
#include "mascing/error.h"
#include "plain_side.h"
#include "race.h"
#include "workload.h"

namespace {

using namespace mascing;  // NOLINT: a program of one file

struct Options {
  LlamaHostOptions host;
  std::vector<int64_t> sequences = {1, 8, 32};
  int64_t n_round = 5;
  int64_t n_prompt = 128;
  int64_t n_decode = 32;
  bool with_adapter = false;
  ConversationForm form;
};

/// Entries between -1 and 1 in every layer.
std::shared_ptr<const Mask> full_mask(const ModelInfo& info) {
  auto mask = std::make_shared<Mask>(zero_mask(info));
  Rng rng(7);
  for (float& entry : mask->steer) {
    entry = static_cast<float>(2.0 * rng.uniform() - 1.0);
  }
  return mask;
}

/// Small rank-1 changes of all routers.
RouterUpdate random_update(const ModelInfo& info) {
  RouterUpdate update;
  update.n_layer = info.n_layer;
  update.n_expert = info.n_expert;
  update.n_embd = info.n_embd;
  update.blocks = info.blocks;
  update.origin.architecture = info.architecture;
  update.origin.fingerprint = info.fingerprint;
  Rng rng(9);
  for (int64_t l = 0; l < info.n_layer; ++l) {
    LayerUpdate layer;
    layer.i_layer = l;
    layer.rank = 1;
    for (int64_t d = 0; d < info.n_embd; ++d) {
      layer.down.push_back(static_cast<float>(0.02 * rng.normal()));
    }
    for (int64_t e = 0; e < info.n_expert; ++e) {
      layer.up.push_back(static_cast<float>(rng.normal()));
    }
    update.layers.push_back(std::move(layer));
  }
  return update;
}

class CachedEvaluator {
 public:
  explicit CachedEvaluator(const Options& options)
      : options_(options),
        model_(std::make_shared<const LoadedModel>(options.host)),
        plain_(model_, options.host, ""),
        engine_(model_, options.host),
        batch_(options.host.n_batch, options.host.n_parallel),
        steering_{full_mask(model_->info), 0.5F},
        limits_{options.host.n_batch, options.host.n_parallel} {
    if (options.with_adapter) {
      const std::string path =
          (std::filesystem::temp_directory_path() / "mascing-host-bench-adapter.gguf").string();
      write_lora(path, random_update(model_->info));
      adapted_ = std::make_unique<PlainSide>(model_, options.host, path);
      std::filesystem::remove(path);
    }
  }

  void run() {
    const ModelInfo& info = model_->info;
    std::printf("%s: %lld MoE layers, %lld experts, top %lld; %lld threads, batch %lld\n\n",
                info.name.c_str(),
                static_cast<long long>(info.n_layer),
                static_cast<long long>(info.n_expert),
                static_cast<long long>(info.n_expert_used),
                static_cast<long long>(options_.host.n_thread),
                static_cast<long long>(options_.host.n_batch));
    std::printf(
        "| what | how | tokens/s | x plain (median) [least, most] |\n| --- | --- | --- | --- |\n");
    for (const int64_t n : options_.sequences) {
      prefill(n);
    }
    for (const int64_t n : options_.sequences) {
      decode(n);
    }
    if (options_.form.n_conversation > 0) {
      conversations(false);
      conversations(true);
    }
    memory();
  }

 private:
  static void play_plain(PlainSide& side, const std::vector<Group>& groups) {
    for (const Group& group : groups) {
      side.forget();
      for (const Batch& batch : group.batches) {
        side.decode(batch);
      }
    }
  }

  /// The same batches through the engine.
  void play(const Batch& batch, const Steering* steering) {
    batch_.clear();
    TapColumn column;
    column.steering = steering;
    for (const BatchToken& token : batch) {
      batch_.add(token.token, token.position, {token.i_sequence, 1}, token.is_output, column);
    }
    engine_.decode(batch_, false);
  }
  void play_engine(const std::vector<Group>& groups, const Steering* steering) {
    for (const Group& group : groups) {
      engine_.forget();
      for (const Batch& batch : group.batches) {
        play(batch, steering);
      }
    }
  }

  void trace(const std::vector<TraceRequest>& requests) {
    constexpr size_t kShard = 64;  // as many as collect_traces gives at a time
    for (size_t i = 0; i < requests.size(); i += kShard) {
      const auto begin = requests.begin() + static_cast<int64_t>(i);
      const auto end =
          requests.begin() + static_cast<int64_t>(std::min(i + kShard, requests.size()));
      for (const auto& outcome : run_traces(engine_, {begin, end})) {
        if (!outcome.ok()) {
          throw Error(ErrorKind::kHost, "[bench] " + outcome.error);
        }
      }
    }
  }

  void prefill(int64_t n_sequence) {
    std::vector<Tokens> prompts;
    std::vector<TraceRequest> requests;
    for (int64_t i = 0; i < n_sequence; ++i) {
      prompts.push_back(random_tokens(
          options_.n_prompt, model_->info.n_vocab, mix_seed(3, static_cast<uint64_t>(i))));
      requests.push_back({prompts.back(), {options_.n_prompt * 3 / 4, options_.n_prompt}, {}});
    }
    const std::vector<Group> groups = pack(prompts, limits_);
    std::vector<Contender> all = {{"plain llama.cpp", [&] { play_plain(plain_, groups); }},
                                  {"idle tap", [&] { play_engine(groups, nullptr); }},
                                  {"trace", [&] { trace(requests); }},
                                  {"steered", [&] { play_engine(groups, &steering_); }}};
    if (adapted_) {
      all.push_back({"adapter", [&] { play_plain(*adapted_, groups); }});
    }
    race("prefill, " + std::to_string(n_sequence) + " x " + std::to_string(options_.n_prompt),
         std::move(all),
         n_sequence * options_.n_prompt,
         options_.n_round);
  }

  void decode(int64_t n_sequence) {
    constexpr int64_t kPast = 32;
    std::vector<Tokens> prompts;
    std::vector<Batch> steps(static_cast<size_t>(options_.n_decode));
    for (int64_t s = 0; s < n_sequence; ++s) {
      const Tokens tokens = random_tokens(
          kPast + options_.n_decode, model_->info.n_vocab, mix_seed(5, static_cast<uint64_t>(s)));
      prompts.emplace_back(tokens.begin(), tokens.begin() + kPast);
      for (int64_t t = 0; t < options_.n_decode; ++t) {
        steps[t].push_back({tokens[kPast + t], kPast + t, static_cast<int32_t>(s), true});
      }
    }
    const std::vector<Group> past = {cut(prompts, options_.host.n_batch)};
    std::vector<Contender> all;
    const auto add_plain = [&](const char* name, PlainSide& side) {
      all.push_back({name,
                     [&] {
                       for (const Batch& step : steps) {
                         side.decode(step);
                       }
                     },
                     [&] { play_plain(side, past); }});
    };
    const auto add_engine = [&](const char* name, const Steering* steering) {
      all.push_back({name,
                     [&, steering] {
                       for (const Batch& step : steps) {
                         play(step, steering);
                       }
                     },
                     [&, steering] { play_engine(past, steering); }});
    };
    add_plain("plain llama.cpp", plain_);
    add_engine("idle tap", nullptr);
    add_engine("steered", &steering_);
    if (adapted_) {
      add_plain("adapter", *adapted_);
    }
    race("decode, " + std::to_string(n_sequence) + " at once",
         std::move(all),
         n_sequence * options_.n_decode,
         options_.n_round);
  }

  void conversations(bool every_turn) {
    const auto requests = make_conversations(options_.form, model_->info.n_vocab, every_turn);
    std::vector<Tokens> prompts;
    int64_t n_token = 0;
    for (const TraceRequest& request : requests) {
      prompts.emplace_back(request.tokens.begin(), request.tokens.begin() + request.span.end);
      n_token += request.span.end;
    }
    const std::vector<Group> groups = pack(prompts, limits_);
    const int64_t n_before = engine_.counters.n_prefill_token;
    trace(requests);
    const int64_t n_computed = engine_.counters.n_prefill_token - n_before;
    race(std::to_string(options_.form.n_conversation) + " conversations, " +
             (every_turn ? "every turn" : "last turn"),
         {{"plain, each alone", [&] { play_plain(plain_, groups); }},
          {"trace, shared", [&] { trace(requests); }}},
         n_token,
         std::max<int64_t>(1, options_.n_round / 2));
    std::printf("| | tokens asked / computed | %lld / %lld | %.3f |\n",
                static_cast<long long>(n_token),
                static_cast<long long>(n_computed),
                static_cast<double>(n_token) / static_cast<double>(n_computed));
  }

  /// What recording adds to a plain prefill of the same batch.
  void memory() {
    const Tokens tokens = random_tokens(options_.host.n_batch, model_->info.n_vocab, 11);
    const std::vector<Group> groups = pack({tokens}, limits_);
    const auto n_token = static_cast<int64_t>(tokens.size());
    play_engine(groups, nullptr);
    const double before = memory_mb("VmRSS:");
    forget_peak();
    play_engine(groups, nullptr);
    const double idle = memory_mb("VmHWM:") - before;
    forget_peak();
    const auto outcomes = run_traces(engine_, {{tokens, {0, n_token}, {}}});
    const double traced = memory_mb("VmHWM:") - before;
    const double rows =
        static_cast<double>(outcomes.front().value.logits.size() * sizeof(uint16_t)) / 1048576.0;
    const double logits = static_cast<double>(n_token * model_->info.n_expert * 4) / 1048576.0;
    std::printf(
        "\npeak above what a prefill of %lld tokens needs: idle tap %.1f MB, trace %.1f MB, of "
        "which the "
        "recorded rows are %.1f MB and one layer's logits %.2f MB; peak of all %.0f MB\n",
        static_cast<long long>(n_token),
        idle,
        traced,
        rows,
        logits,
        memory_mb("VmHWM:"));
  }

  Options options_;
  std::shared_ptr<const LoadedModel> model_;
  PlainSide plain_;
  std::unique_ptr<PlainSide> adapted_;
  Engine engine_;
  TokenBatch batch_;
  Steering steering_;
  BatchLimits limits_;
};

std::vector<int64_t> numbers(const std::string& text) {
  std::vector<int64_t> result;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) {
    result.push_back(std::strtoll(part.c_str(), nullptr, 10));
  }
  return result;
}

Options parse(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0) {
    throw Error(ErrorKind::kUsage, "host_bench MODEL.gguf [--OPTION VALUE]...");
  }
  Options options;
  options.host.path = argv[1];
  options.host.n_thread = 1;
  const std::map<std::string, int64_t*> places = {{"--threads", &options.host.n_thread},
                                                  {"--gpu-layers", &options.host.n_gpu_layer},
                                                  {"--batch", &options.host.n_batch},
                                                  {"--rounds", &options.n_round},
                                                  {"--prompt", &options.n_prompt},
                                                  {"--decode", &options.n_decode},
                                                  {"--conversations", &options.form.n_conversation},
                                                  {"--turns", &options.form.n_turn},
                                                  {"--system", &options.form.n_system_token},
                                                  {"--user", &options.form.n_user_token},
                                                  {"--reply", &options.form.n_reply_token}};
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    const std::vector<int64_t> values = numbers(argv[i + 1]);
    if (name == "--sequences") {
      options.sequences = values;
    } else if (name == "--lora") {
      options.with_adapter = values.at(0) != 0;
    } else if (places.count(name) != 0) {
      *places.at(name) = values.at(0);
    } else {
      throw Error(ErrorKind::kUsage, "host_bench: unknown option " + name);
    }
  }
  options.host.n_parallel =
      std::max<int64_t>(16, *std::max_element(options.sequences.begin(), options.sequences.end()));
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CachedEvaluator(parse(argc, argv)).run();
    return 0;
  } catch (const Error& e) {
    std::fprintf(stderr, "host_bench: error: %s\n", e.what());
    return e.kind() == ErrorKind::kUsage ? 2 : 1;
  }
}
