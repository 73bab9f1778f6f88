// An flock on the folder's file `.lock`: the system releases it when the process ends, however it
// ends.
#include "base/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "mascing/error.h"

namespace mascing {

FolderLock::FolderLock(const std::string& folder) {
  const std::string path = folder + "/.lock";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) {
    throw Error(ErrorKind::kSystem,
                "[run] cannot write to '" + folder + "'",
                "choose another output folder with -o");
  }
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    close(file_);
    throw Error(ErrorKind::kUsage,
                "[run] another mascing run is writing to '" + folder + "'",
                "wait for it to finish, or set another output folder with -o");
  }
}

FolderLock::~FolderLock() {
  close(file_);
}

}  // namespace mascing
