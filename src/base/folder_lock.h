// Limits a folder to one process at a time.
#pragma once

#include <string>

namespace mascing {

/// Locks a folder for this process. Throws Error{kUsage} if another one holds it.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  int file_ = -1;
};

}  // namespace mascing
