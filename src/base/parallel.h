// Runs the fixed parts of a piece of work in parallel.
#pragma once

#include <cstdint>
#include <functional>

namespace mascing {

/// Calls work(0) .. work(n_part - 1), part 0 on the calling thread and each other on a thread of
/// its own, and returns when all are done. Rethrows the exception of the lowest part that threw
/// one. Throws Error{kSystem} if a thread cannot be started; some parts may have run then.
void run_parts(int64_t n_part, const std::function<void(int64_t i_part)>& work);

/// Calls work(0) .. work(n_item - 1) on up to `n_thread` threads, which take the next item when
/// they are done with one. Rethrows an exception; the items behind it may be left out.
void run_items(int64_t n_item, int64_t n_thread, const std::function<void(int64_t i_item)>& work);

}  // namespace mascing
