// Runs a target without libFuzzer: seeds and files first, then mutations until the time is up.
//
//   fuzz_csv [--seconds S] [--seed N] [--crash FILE] [--outcomes] [INPUT...]
//
// Each INPUT is a file that joins the seeds; --seconds 0 runs the seeds and inputs alone, which is
// how a finding is looked at again. An input that ends the program, or takes more than ten seconds,
// is written to the crash file (crash-<target> unless named). The sanitizers do the finding.
// --outcomes lists all that became of inputs: how deep they came.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "mutator.h"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace mascing::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kSlowSeconds = 10;
constexpr size_t kMaxCorpus = 4000;

struct Options {
  double seconds = 10.0;
  uint64_t seed = 0;
  std::string crash_path;
  bool is_listing = false;
  std::vector<std::string> inputs;
};

// What a handler may touch: plain memory only.
struct Running {
  const char* data = nullptr;
  size_t size = 0;
  char path[512] = {};
};
Running running;

void save_input() {
  const int file = open(running.path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || running.data == nullptr) {
    return;
  }
  if (write(file, running.data, running.size) >= 0) {
    constexpr char kSaid[] = "fuzz: the input was written to ";
    (void)!write(STDERR_FILENO, kSaid, sizeof kSaid - 1);
    (void)!write(STDERR_FILENO, running.path, std::strlen(running.path));
    (void)!write(STDERR_FILENO, "\n", 1);
  }
  close(file);
}

void on_signal(int signal) {
  save_input();
  std::signal(signal, SIG_DFL);
  (void)std::raise(signal == SIGALRM ? SIGABRT : signal);
}

void install_handlers() {
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(save_input);
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) {
    std::signal(signal, on_signal);
  }
}

/// Copied to memory of its exact size, so that a read beyond its end is seen.
void run(const std::string& input) {
  std::vector<uint8_t> bytes(input.begin(), input.end());
  running.data = input.data();
  running.size = input.size();
  alarm(kSlowSeconds);
  (void)LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  alarm(0);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "fuzz: cannot read %s\n", path.c_str());
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

Options parse(int argc, char** argv) {
  Options options;
  options.crash_path = "crash-" + std::string(argv[0]).substr(std::string(argv[0]).rfind('/') + 1);
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--seconds" && has_value) {
      options.seconds = std::atof(argv[++i]);
    } else if (word == "--seed" && has_value) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--crash" && has_value) {
      options.crash_path = argv[++i];
    } else if (word == "--outcomes") {
      options.is_listing = true;
    } else if (word.rfind("--", 0) == 0) {
      std::fprintf(stderr, "fuzz: unknown option %s\n", word.c_str());
      std::exit(2);
    } else {
      options.inputs.push_back(word);
    }
  }
  return options;
}

void fuzz(const Options& options) {
  std::vector<std::string> corpus = seeds();
  for (const std::string& path : options.inputs) {
    corpus.push_back(read_file(path));
  }
  std::set<std::string> outcomes;
  for (const std::string& input : corpus) {
    run(input);
    outcomes.insert(last_outcome());
  }
  if (options.inputs.empty() && outcomes.count("accepted") == 0) {
    std::fprintf(stderr, "fuzz: no seed was accepted: %s\n", last_outcome().c_str());
    std::exit(2);
  }
  Mutator mutator(options.seed, words());
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  int64_t n_run = 0;
  for (; elapsed() < options.seconds; ++n_run) {
    std::string input = mutator.mutate(corpus);
    run(input);
    if (corpus.size() < kMaxCorpus && outcomes.insert(last_outcome()).second) {
      corpus.push_back(std::move(input));
    }
  }
  std::printf("%lld inputs in %.1f s, %zu different outcomes, corpus of %zu\n",
              static_cast<long long>(n_run),
              elapsed(),
              outcomes.size(),
              corpus.size());
  for (const std::string& outcome : options.is_listing ? outcomes : std::set<std::string>()) {
    std::printf("%s\n", outcome.c_str());
  }
}

}  // namespace
}  // namespace mascing::fuzz

int main(int argc, char** argv) {
  using namespace mascing::fuzz;
  const Options options = parse(argc, argv);
  std::snprintf(running.path, sizeof running.path, "%s", options.crash_path.c_str());
  install_handlers();
  fuzz(options);
  return 0;
}
