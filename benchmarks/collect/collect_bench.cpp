// Conversations per minute of `mascing collect` (continuous batching, each prefix computed once)
// against a loop that plays one conversation after the other and computes every prompt anew.
//   collect_bench MODEL ATTACKS.jsonl [N = 48] [THREADS = 1] [ROUNDS = 3]
// Scripts of four and five user turns are made from neighbouring rows of the file. Both sides play
// the same ones to their end, greedily, in turns within one process; medians are printed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "benchmarks/timing.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/llama_host.h"
#include "stage/rollout.h"

namespace {

using namespace mascing;  // NOLINT: a program of one file

constexpr Sampling kGreedy{0.0F, 0, 100};

std::vector<Conversation> make_scripts(const std::string& path, size_t n) {
  const std::vector<Conversation> rows = read_conversations(path);
  std::vector<Conversation> scripts;
  for (size_t i = 0; i + 1 < rows.size() && scripts.size() < n; i += 2) {
    Conversation script;
    script.id = rows[i].id;
    for (const Conversation* row : {&rows[i], &rows[i + 1]}) {
      std::copy_if(row->messages.begin(),
                   row->messages.end(),
                   std::back_inserter(script.messages),
                   [](const Message& message) { return message.role == "user"; });
    }
    script.messages.resize(std::min(script.messages.size(), 4 + scripts.size() % 2));
    scripts.push_back(std::move(script));
  }
  return scripts;
}

using Replies = std::vector<std::string>;

/// One request at a time, every prompt from its beginning.
Replies play_one_by_one(Host& host, const std::vector<Conversation>& scripts) {
  Replies last;
  for (const Conversation& script : scripts) {
    Conversation said;
    std::string reply;
    for (const Message& message : script.messages) {
      said.messages.push_back(message);
      const auto outcomes = host.generate({{host.render(said).tokens, {}, 0}}, kGreedy);
      if (!outcomes.front().ok()) {
        throw Error(ErrorKind::kHost, "[bench] " + outcomes.front().error);
      }
      reply = outcomes.front().value.text;
      said.messages.push_back({"assistant", reply});
    }
    last.push_back(reply);
  }
  return last;
}

Replies play_together(Host& host, const std::vector<Conversation>& scripts) {
  RolloutOptions options;
  options.sampling = kGreedy;
  options.judge_every_turn = false;
  const JudgeReplies judge = [](const std::vector<RolloutReply>& replies) {
    return std::vector<RolloutVerdict>(replies.size());
  };
  Replies last(scripts.size());
  run_rollouts(host, scripts, judge, options, [&](const Rollout& played) {
    if (!played.ok()) {
      throw Error(ErrorKind::kHost, "[bench] " + played.error);
    }
    last[played.i_script] = played.row.reply;
  });
  return last;
}

struct Cost {
  std::vector<double> seconds;
  std::vector<double> user_seconds;
};

template <typename Work>
void measure(Cost& cost, const Work& work) {
  const double user_before = user_seconds();
  const auto start = std::chrono::steady_clock::now();
  work();
  cost.seconds.push_back(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  cost.user_seconds.push_back(user_seconds() - user_before);
}

struct Side {
  const char* name;
  std::unique_ptr<Host> host;
  Replies (*play)(Host&, const std::vector<Conversation>&);
  Replies replies;
  Cost cost;
};

std::unique_ptr<Host> open(const std::string& model, int64_t n_thread, int64_t n_parallel) {
  LlamaHostOptions options;
  options.path = model;
  options.n_thread = n_thread;
  options.n_parallel = n_parallel;
  return open_llama_host(options);
}

void run(int argc, char** argv) {
  if (argc < 3) {
    throw Error(ErrorKind::kUsage,
                "[bench] collect_bench MODEL ATTACKS.jsonl [N] [THREADS] [ROUNDS]");
  }
  const auto number = [&](int i, int64_t otherwise) {
    return argc > i ? std::max<int64_t>(1, std::atoll(argv[i])) : otherwise;
  };
  const auto scripts = make_scripts(argv[2], static_cast<size_t>(number(3, 48)));
  const int64_t n_thread = number(4, 1);
  const LlamaHostOptions standard;
  Side sides[] = {{"one by one", open(argv[1], n_thread, 1), play_one_by_one, {}, {}},
                  {"collect", open(argv[1], n_thread, standard.n_parallel), play_together, {}, {}}};
  for (int64_t round = 0; round < number(5, 3); ++round) {
    for (Side& side : sides) {
      measure(side.cost, [&] { side.replies = side.play(*side.host, scripts); });
    }
  }
  for (const Side& side : sides) {
    const double seconds = median(side.cost.seconds);
    const HostCounters counters = side.host->counters();
    const auto n_round = static_cast<int64_t>(side.cost.seconds.size());
    std::printf(
        "%-10s %8.0f conversations/min  %7.2f s, %7.2f s of user time  %7lld prompt and %lld "
        "reply tokens\n",
        side.name,
        60.0 * static_cast<double>(scripts.size()) / seconds,
        seconds,
        median(side.cost.user_seconds),
        static_cast<long long>(counters.n_prefill_token / n_round),
        static_cast<long long>(counters.n_generated_token / n_round));
  }
  int64_t n_same = 0;
  for (size_t i = 0; i < scripts.size(); ++i) {
    n_same += sides[0].replies[i] == sides[1].replies[i] ? 1 : 0;
  }
  std::printf(
      "%zu conversations, %lld threads, ratio %.2f (of user time %.2f); last replies equal: %lld\n",
      scripts.size(),
      static_cast<long long>(n_thread),
      median(sides[0].cost.seconds) / median(sides[1].cost.seconds),
      median(sides[0].cost.user_seconds) / median(sides[1].cost.user_seconds),
      static_cast<long long>(n_same));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "collect_bench: error: %s\n", e.what());
    return 1;
  }
}
