// How a judge that waits for a server or a program learns that it should stop.
#pragma once

#include <functional>

namespace mascing {

/// Asked several times a second, on the thread that judges. It throws Error{kInterrupted} to end
/// the wait; the judge lets go of what it waits for and passes the error on. Empty = nobody asks.
using JudgeWatch = std::function<void()>;

}  // namespace mascing
