// What a process says when it ends where no exception can be thrown.
#pragma once

namespace mascing::cli {

/// From here on an error line, a hint and exit code 1 stand for an abort of the inference engine, a
/// division by zero in it (impossible sizes in a model file), a mapped file that was shortened or
/// cannot be read, memory that ran out in a thread, and a stack of this thread, the main one, that
/// is full.
void install_last_words();

}  // namespace mascing::cli
