// Locks on files (flock). The system releases a lock when its process ends, however it ends; where
// the file system carries locks, as NFS does, other machines see them. Process numbers tell neither
// of this: they come again, and each container counts its own.
#pragma once

#include <string>

namespace mascing {

enum class LockState {
  kOurs,
  kHeld,    ///< by another process, or by this one under another descriptor
  kNone,    ///< the file system has no locks: nobody can tell who writes
  kFailed,  ///< there is no file to lock
};

/// Tries to lock an open file, opened for writing, until it is closed. Never waits, and never
/// returns kFailed. The first kNone of a process is reported (on_missing_locks); `path` is for
/// that.
[[nodiscard]] LockState try_lock(int file, const std::string& path);

/// True if `name` is still a name of the open file. Who locks a file that he found must ask: the
/// holder before may have removed it meanwhile.
[[nodiscard]] bool is_still_named(int file, const std::string& name);

/// What to call, once, if a file system has no locks. Nothing without it.
void on_missing_locks(void (*say)(const std::string& path));

/// A file that is there to be locked.
class LockFile {
 public:
  enum class Opening {
    kAny,       ///< creates the file unless it is there
    kNew,       ///< it must not be there
    kExisting,  ///< it must be there
  };
  /// Opens the file and tries to lock it until the end of this object. Look at state().
  LockFile(const std::string& path, Opening opening);
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile();

  [[nodiscard]] LockState state() const { return state_; }
  /// Why it failed (errno); ENOENT also where the file vanished meanwhile.
  [[nodiscard]] int error() const { return error_; }

 private:
  int file_ = -1;
  int error_ = 0;
  LockState state_ = LockState::kFailed;
};

}  // namespace mascing
