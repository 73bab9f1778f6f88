// What an exact gradient costs: random prompts of one length with openings, asked for their
// probabilities by a plain prefill, and with the derivative by every entry of a mask.
//
//   gradient_bench MODEL.gguf [--threads N] [--rounds N] [--prompts N] [--prompt TOKENS]
//                  [--last TOKENS]
//
// --last: tokens of the last message, to which the last row restricts itself.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "mascing/error.h"
#include "mascing/llama_host.h"
#include "race.h"

namespace {

using namespace mascing;  // NOLINT: a program of one file

using Openings = std::vector<std::vector<int32_t>>;

/// Log-probability of the first opening minus that of the last.
double difference_of_openings(const OpeningScores& scores, OpeningScores& d_scores) {
  d_scores.log_prob.front() = 1.0;
  d_scores.log_prob.back() = -1.0;
  return scores.log_prob.front() - scores.log_prob.back();
}

std::vector<int32_t> random_tokens(int64_t n, int64_t n_vocab, Rng& rng) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < n; ++i) {
    tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(n_vocab))));
  }
  return tokens;
}

void run(const LlamaHostOptions& options, std::map<std::string, int64_t>& numbers) {
  const auto host = open_llama_host(options);
  const ModelInfo& info = host->describe();
  Rng rng(1);
  Openings openings;
  for (const int64_t n : {1, 2, 3, 3}) {
    openings.push_back(random_tokens(n, info.n_vocab, rng));
  }
  const auto shared = std::make_shared<const Openings>(openings);
  std::vector<ProbeRequest> probes;
  std::vector<GradientRequest> plain;
  for (int64_t i = 0; i < numbers["--prompts"]; ++i) {
    GradientRequest request;
    request.tokens = random_tokens(numbers["--prompt"], info.n_vocab, rng);
    request.openings = shared;
    request.steering = {std::make_shared<const Mask>(zero_mask(info)), 1.0F};
    request.outcomes = {difference_of_openings};
    probes.push_back({request.tokens, shared, request.steering});
    plain.push_back(std::move(request));
  }
  std::vector<GradientRequest> fixed = plain;
  std::vector<GradientRequest> last = plain;
  std::vector<GradientRequest> forward = plain;
  for (size_t i = 0; i < plain.size(); ++i) {
    fixed[i].swap.width = 0.0;
    last[i].begin = numbers["--prompt"] - numbers["--last"];
    forward[i].outcomes.clear();
  }
  const auto first = host->gradients({plain.front()}).at(0);
  if (!first.ok()) {
    throw Error(ErrorKind::kHost, first.error);
  }
  std::printf("recorded: %.1f MB for a prompt\n",
              static_cast<double>(first.value.size_bytes) / 1e6);
  const auto gradient = [&](const std::vector<GradientRequest>& requests) {
    return [&host, &requests] { (void)host->gradients(requests); };
  };
  race("Exact gradients",
       {{"plain prefill", [&] { (void)host->probe(probes); }},
        {"recorded forward pass", gradient(forward)},
        {"gradient, choice fixed", gradient(fixed)},
        {"gradient with swaps", gradient(plain)},
        {"the same, last message", gradient(last)}},
       numbers["--prompts"] * numbers["--prompt"],
       numbers["--rounds"]);
  std::printf("peak memory: %.0f MB\n", memory_mb("VmHWM:"));
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, int64_t> numbers = {
      {"--threads", 1}, {"--rounds", 5}, {"--prompts", 32}, {"--prompt", 48}, {"--last", 24}};
  if (argc < 2 || argc % 2 != 0) {
    std::fprintf(stderr, "usage: gradient_bench MODEL.gguf [--threads N] ...\n");
    return 2;
  }
  for (int i = 2; i + 1 < argc; i += 2) {
    if (numbers.count(argv[i]) == 0) {
      std::fprintf(stderr, "gradient_bench: error: unknown option %s\n", argv[i]);
      return 2;
    }
    numbers[argv[i]] = std::atoll(argv[i + 1]);
  }
  try {
    LlamaHostOptions options;
    options.path = argv[1];
    options.n_thread = numbers["--threads"];
    run(options, numbers);
  } catch (const Error& error) {
    std::fprintf(stderr, "gradient_bench: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
