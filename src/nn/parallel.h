// Runs the fixed parts of a batch in parallel.
#pragma once

#include <cstdint>
#include <functional>

namespace mascing::nn {

/// Calls work(0) .. work(n_part - 1), part 0 on the calling thread and each other on a thread of
/// its own, and returns when all are done. Rethrows the exception of the lowest part that threw
/// one.
void run_parts(int64_t n_part, const std::function<void(int64_t i_part)>& work);

}  // namespace mascing::nn
