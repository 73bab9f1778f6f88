// Folders beside an output: for trials, and for a folder that gets its name when it is complete.
// Only for the .cpp files of this folder.
#pragma once

#include <string>

namespace mascing {

/// Throws Error{kUsage} if there is something at `final_path` other than an empty folder.
void require_unused_folder(const std::string& final_path);

/// Removes what killed processes left beside an output: folders NAME.tmp-PROCESS.
void remove_abandoned(const std::string& final_path);

/// A folder NAME.tmp-PROCESS beside an output, removed with all that is in it. What killed
/// processes left there is removed.
class TrialFolder {
 public:
  explicit TrialFolder(const std::string& final_path);
  ~TrialFolder();
  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Such a folder that takes the name of the output at the end.
class UnfinishedFolder {
 public:
  /// Throws as require_unused_folder.
  explicit UnfinishedFolder(const std::string& final_path);

  [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(name); }
  /// Throws Error{kSystem} if the system refuses.
  void finish();

 private:
  std::string final_path_;
  TrialFolder folder_;
};

}  // namespace mascing
