#include "base/parallel.h"

#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mascing/error.h"

namespace mascing {
namespace {

TEST(RunParts, RunsEachPartOnceAndRethrowsTheLowestError) {
  std::vector<int> n_call(4, 0);
  run_parts(4, [&](int64_t i_part) { ++n_call[i_part]; });
  EXPECT_EQ(n_call, std::vector<int>(4, 1));
  try {
    run_parts(4, [](int64_t i_part) {
      if (i_part > 1) {
        throw Error(ErrorKind::kUsage, std::to_string(i_part));
      }
    });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "2");
  }
}

TEST(RunParts, CallsNothingWithoutParts) {
  for (const int64_t n_part : {0, -1}) {
    run_parts(n_part, [](int64_t) { throw Error(ErrorKind::kUsage, "called"); });
  }
}

TEST(RunItems, RunsEachItemOnceWhateverTheNumberOfThreads) {
  for (const int64_t n_thread : {1, 3, 16}) {
    std::vector<std::atomic<int>> n_call(10);
    run_items(10, n_thread, [&](int64_t i) { ++n_call[i]; });
    for (const auto& n : n_call) {
      EXPECT_EQ(n, 1);
    }
  }
  run_items(0, 4, [](int64_t) { FAIL() << "no item"; });
}

TEST(RunItems, RethrowsAnItemsError) {
  EXPECT_THROW(
      run_items(8, 3, [](int64_t i) { i == 5 ? throw Error(ErrorKind::kUsage, "5") : void(); }),
      Error);
}

}  // namespace
}  // namespace mascing
