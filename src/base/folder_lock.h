// One process at a time works in a folder.
#pragma once

#include <string>

namespace mascing {

/// Holds a folder for one process. Throws Error{kUsage} if another one has it.
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
