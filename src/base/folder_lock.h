// Limits a folder to one process at a time.
#pragma once

#include <string>

#include "base/file_lock.h"

namespace mascing {

/// Locks a folder for this process by a lock on its file `.lock`. Throws Error{kUsage} if another
/// one holds it, Error{kSystem} if that file cannot be written. Where the file system has no locks
/// it goes on without (on_missing_locks).
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);

 private:
  LockFile file_;
};

}  // namespace mascing
