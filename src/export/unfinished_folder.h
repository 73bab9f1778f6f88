// A folder that gets its name when it is complete. Only for the .cpp files of this folder.
#pragma once

#include <string>

#include "base/work_folder.h"

namespace mascing {

/// Throws Error{kUsage} if there is something at `final_path` other than an empty folder.
void require_unused_folder(const std::string& final_path);

/// A work folder beside an output that takes the output's name at the end.
class UnfinishedFolder {
 public:
  /// Throws as require_unused_folder.
  explicit UnfinishedFolder(const std::string& final_path);

  [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(name); }
  /// Throws Error{kSystem} if the system refuses.
  void finish();

 private:
  std::string final_path_;
  WorkFolder folder_;
};

}  // namespace mascing
