// Times of a benchmark: user time of this process, and the median of several measurements.
#pragma once

#include <algorithm>
#include <vector>

#include <sys/resource.h>

namespace mascing {

/// Of all threads of the process so far.
inline double user_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

/// 0 of none.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n == 0 ? 0.0 : 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

}  // namespace mascing
