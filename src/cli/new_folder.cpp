// A new folder is renamed. One that is there, perhaps the current one or a mount, stays, and what
// was written is moved up into it.
#include "cli/new_folder.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing::cli {

namespace fs = std::filesystem;

std::string real_path(const std::string& path) {
  const fs::path real = fs::weakly_canonical(fs::absolute(path));
  return (real.has_filename() ? real : real.parent_path()).string();
}

NewFolder::NewFolder(const std::string& output)
    : output_(real_path(output)), is_there_(fs::exists(output_)) {
  if (is_there_ && !(fs::is_directory(output_) && fs::is_empty(output_))) {
    throw Error(ErrorKind::kUsage,
                "[init] " + printable(output, 200) + " exists and is not empty",
                "name a new folder with -o; init never writes into one that is in use");
  }
  if (!is_there_) {
    ensure_directory(fs::path(output_).parent_path().string());
  }
  std::error_code error;
  int64_t n = 0;
  do {
    path_ = output_ + (is_there_ ? "/.new-" : ".new-") + std::to_string(n++);
  } while (!fs::create_directory(path_, error) && !error);
  ensure_directory(path_);
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void NewFolder::commit() {
  if (!is_there_) {
    fs::rename(path_, output_);
    return;
  }
  std::vector<fs::path> files(fs::directory_iterator(path_), fs::directory_iterator{});
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    fs::rename(file, fs::path(output_) / file.filename());
  }
}

}  // namespace mascing::cli
