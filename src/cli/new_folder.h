// A folder that appears when all that belongs in it is written.
#pragma once

#include <string>

namespace mascing::cli {

/// Absolute, without links, "." and a slash at the end.
[[nodiscard]] std::string real_path(const std::string& path);

/// A folder under a name that nobody has, beside `output` or in it where it is there and empty. It
/// becomes `output`, or vanishes.
class NewFolder {
 public:
  /// Throws Error{kUsage} if there is something at `output` other than an empty folder.
  explicit NewFolder(const std::string& output);
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder();

  [[nodiscard]] const std::string& path() const { return path_; }
  void commit();

 private:
  std::string output_;
  bool is_there_;
  std::string path_;
};

}  // namespace mascing::cli
