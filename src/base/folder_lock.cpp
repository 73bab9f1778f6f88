#include "base/folder_lock.h"

#include <cstring>

#include "mascing/error.h"

namespace mascing {

FolderLock::FolderLock(const std::string& folder)
    : file_(folder + "/.lock", LockFile::Opening::kAny) {
  if (file_.state() == LockState::kFailed) {
    throw Error(ErrorKind::kSystem,
                "[run] cannot write to '" + folder + "': " + std::strerror(file_.error()),
                "choose another output folder with -o");
  }
  if (file_.state() == LockState::kHeld) {
    throw Error(ErrorKind::kUsage,
                "[run] another mascing run is writing to '" + folder + "'",
                "wait for it to finish, or set another output folder with -o");
  }
}

}  // namespace mascing
