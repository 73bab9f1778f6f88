// Replies as Host::generate writes them, against the usual continuous batching: every decode has a
// token of each of sixteen replies, and in what is left of the batch the prompts that come next.
//
//   reply_bench MODEL.gguf CONVERSATIONS.jsonl [N] [MAX_TOKENS] [THREADS] [ROUNDS]
//
// Of 64 prompts 60 tokens each on one thread, in three rounds, unless said otherwise. Both sides
// run in one process and in turns, greedily; medians of user time are printed.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/timing.h"
#include "host/llama/engine.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"

namespace {

using namespace mascing;  // NOLINT: a program of one file

using Prompts = std::vector<std::vector<int32_t>>;

struct Setting {
  int64_t n_prompt = 64;
  int64_t n_max_token = 60;
  int64_t n_thread = 1;
  int64_t n_round = 3;
};

/// A reply that is being written.
struct Slot {
  const std::vector<int32_t>* prompt = nullptr;  ///< null = free
  int64_t n_cached = 0;
  int64_t n_reply = 0;
  int32_t last = 0;
  int32_t i_output = -1;
};

/// All replies in one cache, prompts among them.
class MixedBatches {
 public:
  MixedBatches(const LlamaHostOptions& options, int64_t n_max_token)
      : engine_(std::make_shared<const LoadedModel>(options), options),
        batch_(engine_.n_batch(), 1),
        n_max_token_(n_max_token) {}

  /// Returns the number of tokens written.
  int64_t write(const Prompts& prompts) {
    engine_.forget();
    std::vector<Slot> slots(static_cast<size_t>(engine_.n_parallel()));
    size_t i_next = 0;
    int64_t n_written = 0;
    while (true) {
      for (size_t i = 0; i < slots.size() && i_next < prompts.size(); ++i) {
        if (slots[i].prompt == nullptr) {
          slots[i] = {&prompts[i_next++]};
        }
      }
      if (!compose(slots)) {
        return n_written;
      }
      engine_.decode(batch_, false);
      for (size_t i = 0; i < slots.size(); ++i) {
        n_written += go_on(slots[i], static_cast<int32_t>(i));
      }
    }
  }

 private:
  void add(Slot& slot, int32_t i_sequence, int32_t token, bool is_output) {
    const int32_t index = batch_.add(token, slot.n_cached++, {i_sequence, 1}, is_output, {});
    slot.i_output = is_output ? index : slot.i_output;
  }

  /// False if there is nothing left to do.
  bool compose(std::vector<Slot>& slots) {
    batch_.clear();
    for (size_t i = 0; i < slots.size(); ++i) {
      slots[i].i_output = -1;
      if (slots[i].n_reply > 0) {
        add(slots[i], static_cast<int32_t>(i), slots[i].last, true);
      }
    }
    for (size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = slots[i];
      const int64_t n = slot.prompt == nullptr ? 0 : std::ssize(*slot.prompt);
      while (slot.n_reply == 0 && slot.n_cached < n && batch_.room() > 0) {
        const int32_t token = (*slot.prompt)[static_cast<size_t>(slot.n_cached)];
        add(slot, static_cast<int32_t>(i), token, slot.n_cached + 1 == n);
      }
    }
    return batch_.size() > 0;
  }

  /// Tokens written: 1 or 0.
  int64_t go_on(Slot& slot, int32_t i_sequence) {
    if (slot.i_output < 0) {
      return 0;
    }
    const float* row = engine_.logits(slot.i_output);
    slot.last = static_cast<int32_t>(std::max_element(row, row + engine_.info().n_vocab) - row);
    const bool is_end = llama_vocab_is_eog(engine_.vocab(), slot.last);
    if (is_end || ++slot.n_reply == n_max_token_) {
      engine_.forget(i_sequence);
      slot = {};
    }
    return is_end ? 0 : 1;
  }

  Engine engine_;
  TokenBatch batch_;
  int64_t n_max_token_;
};

struct Side {
  const char* name;
  std::function<int64_t()> write;
  std::vector<double> seconds = {};
  int64_t n_written = 0;
};

int64_t write_with(Host& host, const Prompts& prompts, int64_t n_max_token) {
  std::vector<GenerateRequest> requests;
  for (const std::vector<int32_t>& prompt : prompts) {
    requests.push_back({prompt, {}, 0});
  }
  int64_t n_written = 0;
  for (const Result<Reply>& reply : host.generate(requests, {0.0F, 0, n_max_token})) {
    n_written += std::ssize(reply.value.tokens);
  }
  return n_written;
}

void run(const std::string& model, const std::string& data, const Setting& setting) {
  LlamaHostOptions options;
  options.path = model;
  options.n_thread = setting.n_thread;
  const std::unique_ptr<Host> host = open_llama_host(options);
  Prompts prompts;
  int64_t n_token = 0;
  for (const Conversation& row : read_conversations(data)) {
    if (std::ssize(prompts) < setting.n_prompt) {
      prompts.push_back(host->render(row).tokens);
      n_token += std::ssize(prompts.back());
    }
  }
  MixedBatches mixed(options, setting.n_max_token);
  std::vector<Side> sides = {
      {"mixed, 16 at once", [&] { return mixed.write(prompts); }},
      {"generate", [&] { return write_with(*host, prompts, setting.n_max_token); }}};
  for (int64_t round = 0; round < setting.n_round; ++round) {
    for (Side& side : sides) {
      const double before = user_seconds();
      side.n_written = side.write();
      side.seconds.push_back(user_seconds() - before);
    }
  }
  for (const Side& side : sides) {
    std::printf("%-18s %8.2f s of user time, %zu prompts of %lld tokens in all, %lld written\n",
                side.name,
                median(side.seconds),
                prompts.size(),
                static_cast<long long>(n_token),
                static_cast<long long>(side.n_written));
  }
  std::printf("ratio %.2f\n", median(sides[0].seconds) / median(sides[1].seconds));
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int i, int64_t otherwise) {
    return argc > i ? std::max<int64_t>(1, std::atoll(argv[i])) : otherwise;
  };
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: reply_bench MODEL.gguf CONVERSATIONS.jsonl [N] [MAX_TOKENS] [THREADS] "
                 "[ROUNDS]\n");
    return 2;
  }
  try {
    run(argv[1], argv[2], {number(3, 64), number(4, 60), number(5, 1), number(6, 3)});
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "reply_bench: error: %s\n", e.what());
    return 1;
  }
}
