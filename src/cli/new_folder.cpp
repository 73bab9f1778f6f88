// A new folder is renamed. One that is there, perhaps the current one or a mount, stays, and what
// was written is moved up into it.
#include "cli/new_folder.h"

#include <filesystem>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing::cli {

namespace fs = std::filesystem;

std::string real_path(const std::string& path) {
  const fs::path real = fs::weakly_canonical(fs::absolute(path));
  return (real.has_filename() ? real : real.parent_path()).string();
}

namespace {

bool is_empty_folder(const std::string& path) {
  return fs::is_directory(path) && fs::is_empty(path);
}

/// Where the new folder is made. Throws Error{kUsage} if there is something else than an empty one.
WorkPlace place_for(const std::string& output) {
  remove_abandoned(output, WorkPlace::kWithin);  // who was killed left it empty but for that
  remove_abandoned(output, WorkPlace::kBeside);  // also beside a whole folder, just moved there
  if (fs::exists(output) && !is_empty_folder(output)) {
    throw Error(ErrorKind::kUsage,
                "[init] " + printable(output, 200) + " exists and is not empty",
                "name a new folder with -o; init never writes into one that is in use");
  }
  return fs::exists(output) ? WorkPlace::kWithin : WorkPlace::kBeside;
}

}  // namespace

NewFolder::NewFolder(const std::string& output)
    : output_(real_path(output)), place_(place_for(output_)), folder_(output_, place_) {}

void NewFolder::commit() {
  if (place_ == WorkPlace::kWithin) {
    folder_.move_up();
  } else {
    folder_.move_to(output_);
  }
}

}  // namespace mascing::cli
