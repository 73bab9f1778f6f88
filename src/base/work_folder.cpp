// OUTPUT.tmp-0/.work-lock  held by the process that writes
//             /files/      what it writes
//             /complete/   the same folder, when all of it is to move up
// Only who holds the lock removes what is in such a folder, the lock last: there is no moment in
// which files stand without it, and none in which two processes take one folder for theirs. A
// folder that is not locked yet is empty.
#include "base/work_folder.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/files.h"
#include "base/temporary_name.h"
#include "base/write_error.h"

namespace mascing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWorkLock = ".work-lock";  // not that of a run's folder, which stays there
constexpr const char* kWorkFiles = "files";
constexpr const char* kWorkComplete = "complete";

/// The path whose temporary names those of the work folders are.
std::string work_stem(const std::string& output, WorkPlace place) {
  const std::string stem = without_end_slashes(output);
  return place == WorkPlace::kWithin ? stem + "/" : stem;
}

/// What is in a folder, by name; nothing if it cannot be read.
std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::error_code failure;
  std::vector<fs::path> found;
  fs::directory_iterator at(folder, failure);
  while (!failure && at != fs::directory_iterator{}) {
    found.push_back(at->path());
    at.increment(failure);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// For the holder of its lock. If something cannot be removed, the lock stays with it.
void remove_work_folder(const std::string& folder) {
  std::error_code failure;
  for (const fs::path& entry : sorted_entries(folder)) {
    if (entry.filename() != kWorkLock) {
      fs::remove_all(entry, failure);
    }
    if (failure) {
      return;
    }
  }
  fs::remove(path_within(folder, kWorkLock), failure);
  fs::remove(folder, failure);
}

/// 0, or why an entry could not be moved (errno). Nothing is replaced.
int move_entries(const std::string& from, const std::string& to) {
  for (const fs::path& entry : sorted_entries(from)) {
    const fs::path target = fs::path(to) / entry.filename();
    std::error_code failure;
    if (fs::exists(fs::symlink_status(target, failure))) {
      return EEXIST;
    }
    fs::rename(entry, target, failure);
    if (failure) {
      return failure.value();
    }
  }
  sync_folder(to);
  return 0;
}

bool is_plain_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(fs::symlink_status(path, ignored));
}

/// Only an empty one. Who has just made it makes another.
void remove_empty_folder(const std::string& folder) {
  std::error_code ignored;
  fs::remove(folder, ignored);
}

void take_away(const std::string& folder, const std::string& around) {
  {
    const LockFile lock(path_within(folder, kWorkLock), LockFile::Opening::kExisting);
    if (lock.state() == LockState::kOurs) {
      const std::string complete = path_within(folder, kWorkComplete);
      if (!is_plain_folder(complete) || move_entries(complete, around) == 0) {
        remove_work_folder(folder);
      }
    }
  }
  remove_empty_folder(folder);  // NFS keeps a removed file under another name until it is closed
}

}  // namespace

void remove_abandoned(const std::string& output, WorkPlace place) {
  const std::string stem = work_stem(output, place);
  const std::string around = folder_of(stem);
  for (const fs::path& entry : sorted_entries(around)) {
    if (is_temporary_name(entry.filename().string(), stem) && is_plain_folder(entry.string())) {
      take_away(entry.string(), around);
    }
  }
}

WorkFolder::WorkFolder(const std::string& output, WorkPlace place) {
  const std::string stem = work_stem(output, place);
  around_ = folder_of(stem);
  ensure_directory(around_);
  remove_abandoned(output, place);
  int error = EEXIST;
  for (int i = 0; i < kMaxTemporaries && error == EEXIST; ++i) {
    error = make(temporary_name(stem, i));
  }
  if (error != 0) {
    refuse_to_write(temporary_name(stem, 0), "create the folder", error);
  }
}

// 0, or errno: EEXIST if the name is taken, or was taken away before it was locked.
int WorkFolder::make(const std::string& folder) {
  std::error_code failure;
  if (!fs::create_directory(folder, failure)) {
    return failure ? failure.value() : EEXIST;
  }
  lock_ = std::make_unique<LockFile>(path_within(folder, kWorkLock), LockFile::Opening::kNew);
  if (lock_->state() == LockState::kHeld || lock_->error() == ENOENT) {
    return EEXIST;
  }
  if (lock_->state() == LockState::kFailed) {
    fs::remove(folder, failure);
    return lock_->error();
  }
  const std::string files = path_within(folder, kWorkFiles);
  if (!fs::create_directory(files, failure)) {
    const int error = failure ? failure.value() : EIO;
    remove_work_folder(folder);
    return error;
  }
  folder_ = folder;
  path_ = files;
  return 0;
}

WorkFolder::~WorkFolder() {
  remove_work_folder(folder_);
  lock_.reset();
  remove_empty_folder(folder_);
}

std::string WorkFolder::file(const std::string& name) const {
  return path_within(path_, name);
}

void WorkFolder::move_to(const std::string& folder) {
  std::error_code failure;
  fs::rename(path_, folder, failure);
  if (failure) {
    refuse_to_write(folder, "give the new folder its name", failure.value());
  }
  sync_folder(folder_of(folder));
}

// Who is killed in between leaves the name kWorkComplete, and the next one goes on from there.
void WorkFolder::move_up() {
  const std::string complete = path_within(folder_, kWorkComplete);
  std::error_code failure;
  fs::rename(path_, complete, failure);
  const int error = failure ? failure.value() : move_entries(complete, around_);
  if (error != 0) {
    refuse_to_write(around_, "move the new files into it", error);
  }
}

}  // namespace mascing
