// A thread costs some ten microseconds to start and a batch some milliseconds: no pool is kept.
#include "nn/parallel.h"

#include <exception>
#include <thread>
#include <vector>

namespace mascing::nn {

void run_parts(int64_t n_part, const std::function<void(int64_t i_part)>& work) {
  std::vector<std::exception_ptr> errors(n_part);
  const auto guarded = [&](int64_t i_part) {
    try {
      work(i_part);
    } catch (...) {
      errors[i_part] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread>
        threads;  // join when they go out of scope, also if one cannot be started
    threads.reserve(n_part);
    for (int64_t i_part = 1; i_part < n_part; ++i_part) {
      threads.emplace_back(guarded, i_part);
    }
    guarded(0);
  }
  for (const std::exception_ptr& error : errors) {
    if (error) {
      std::rethrow_exception(error);
    }
  }
}

}  // namespace mascing::nn
