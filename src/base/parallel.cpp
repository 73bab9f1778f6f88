// A thread costs some ten microseconds to start and a batch some milliseconds: no pool is kept.
#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "mascing/error.h"

namespace mascing {

void run_parts(int64_t n_part, const std::function<void(int64_t i_part)>& work) {
  if (n_part <= 0) {
    return;
  }
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
    try {
      for (int64_t i_part = 1; i_part < n_part; ++i_part) {
        threads.emplace_back(guarded, i_part);
      }
    } catch (const std::system_error& failure) {
      throw Error(ErrorKind::kSystem,
                  std::string("[threads] cannot start a thread: ") + failure.what(),
                  "use fewer threads (-t), or raise ulimit -u or the container's limit");
    }
    guarded(0);
  }
  for (const std::exception_ptr& error : errors) {
    if (error) {
      std::rethrow_exception(error);
    }
  }
}

void run_items(int64_t n_item, int64_t n_thread, const std::function<void(int64_t i_item)>& work) {
  const int64_t n_part = std::min(n_item, n_thread);
  if (n_part <= 1) {
    for (int64_t i = 0; i < n_item; ++i) {
      work(i);
    }
    return;
  }
  std::atomic<int64_t> next = 0;
  run_parts(n_part, [&](int64_t) {
    for (int64_t i = next++; i < n_item; i = next++) {
      work(i);
    }
  });
}

}  // namespace mascing
