// A folder that gets its name when it is complete. Only for the .cpp files of this folder.
#pragma once

#include <string>

namespace mascing {

/// Removed with all that is in it unless it was given its final name. Until then it stands beside
/// it, as NAME.tmp-PROCESS; what killed processes left there is removed.
class UnfinishedFolder {
 public:
  /// Throws Error{kUsage} if there is something at `final_path` other than an empty folder.
  explicit UnfinishedFolder(const std::string& final_path);
  ~UnfinishedFolder();
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// Throws Error{kSystem} if the system refuses.
  void finish();

 private:
  void remove_abandoned() const;

  std::string final_path_;
  std::string path_;
};

}  // namespace mascing
