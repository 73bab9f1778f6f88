// A folder that appears when all that belongs in it is written.
#pragma once

#include <string>

#include "base/work_folder.h"

namespace mascing::cli {

/// Absolute, without links, "." and a slash at the end.
[[nodiscard]] std::string real_path(const std::string& path);

/// A work folder beside `output`, or in it where it is there and empty. It becomes `output`, or
/// vanishes.
class NewFolder {
 public:
  /// Throws Error{kUsage} if there is something at `output` other than an empty folder. What killed
  /// processes left of theirs does not count, and is removed.
  explicit NewFolder(const std::string& output);

  [[nodiscard]] const std::string& path() const { return folder_.path(); }
  void commit();

 private:
  std::string output_;
  WorkPlace place_;
  WorkFolder folder_;
};

}  // namespace mascing::cli
