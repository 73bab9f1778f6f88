#include "race.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "benchmarks/timing.h"

namespace mascing {

double memory_mb(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name, 0) == 0) {
      return std::strtod(line.c_str() + name.size(), nullptr) / 1024.0;
    }
  }
  return 0.0;
}

void forget_peak() {
  std::ofstream("/proc/self/clear_refs") << 5;
}

void race(const std::string& title, std::vector<Contender> all, int64_t n_token, int64_t n_round) {
  for (int64_t round = -1; round < n_round; ++round) {
    for (size_t k = 0; k < all.size(); ++k) {
      Contender& contender = all[(k + static_cast<size_t>(round + 1)) % all.size()];
      contender.prepare();
      const auto start = std::chrono::steady_clock::now();
      contender.run();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      if (round >= 0) {  // the round before the first warms up
        contender.seconds.push_back(took.count());
      }
    }
  }
  for (const Contender& contender : all) {
    std::vector<double> ratios;
    for (size_t i = 0; i < contender.seconds.size(); ++i) {
      ratios.push_back(all.front().seconds[i] / contender.seconds[i]);
    }
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("| %-34s | %-18s | %9.1f | %.3f [%.3f, %.3f] |\n",
                title.c_str(),
                contender.name.c_str(),
                static_cast<double>(n_token) / median(contender.seconds),
                median(ratios),
                *least,
                *most);
    std::fflush(stdout);
  }
}

}  // namespace mascing
