// A folder for what is not finished: it takes its name when it is, or vanishes.
#pragma once

#include <memory>
#include <string>

#include "base/file_lock.h"

namespace mascing {

/// Where a work folder of an output stands: OUTPUT.tmp-NUMBER, or OUTPUT/.tmp-NUMBER.
enum class WorkPlace { kBeside, kWithin };

/// Removes the work folders of an output that killed processes left: those with a lock that nobody
/// holds. What has no such lock, or lies on a file system without locks, may be somebody's and
/// stays. One within its output that was complete is moved up first, as its process would have.
void remove_abandoned(const std::string& output, WorkPlace place);

/// Holds a lock in its folder as long as it lives, and removes the folder with all that is in it at
/// the end.
class WorkFolder {
 public:
  /// Removes what is abandoned and makes a folder under the first number that is free. `output` may
  /// end in a slash. Throws Error{kSystem}.
  WorkFolder(const std::string& output, WorkPlace place);
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder();

  /// What to write into.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const;

  /// Gives path() another name, in one step. An empty folder of that name is replaced. Nothing may
  /// be written afterwards. Throws Error{kSystem} if the system refuses.
  void move_to(const std::string& folder);
  /// Moves all that is in path() into the output, for a folder kWithin. Throws Error{kSystem}, also
  /// where something has such a name.
  void move_up();

 private:
  [[nodiscard]] int make(const std::string& folder);

  std::string around_;  ///< the folder that it stands in
  std::string folder_;
  std::string path_;  ///< within folder_, beside its lock
  std::unique_ptr<LockFile> lock_;
};

}  // namespace mascing
