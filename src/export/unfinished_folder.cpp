#include "export/unfinished_folder.h"

#include <filesystem>

#include "base/files.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

/// The final path, if it may be used.
std::string unused_folder(const std::string& final_path) {
  require_unused_folder(final_path);
  return without_end_slashes(final_path);
}

}  // namespace

void require_unused_folder(const std::string& final_path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const bool is_empty = fs::is_directory(final_path, ignored) && fs::is_empty(final_path, ignored);
  if (fs::exists(final_path, ignored) && !is_empty) {
    throw Error(ErrorKind::kUsage,
                "[hf] " + printable(without_end_slashes(final_path), 200) + " already exists",
                "choose a new folder; models are never overwritten");
  }
}

UnfinishedFolder::UnfinishedFolder(const std::string& final_path)
    : final_path_(unused_folder(final_path)), folder_(final_path_, WorkPlace::kBeside) {}

void UnfinishedFolder::finish() {
  std::error_code ignored;
  std::filesystem::remove(final_path_, ignored);  // an empty folder, or a link to one
  folder_.move_to(final_path_);
}

}  // namespace mascing
