// Folders carry the number of their process; those of processes that run no more are removed.
#include "export/unfinished_folder.h"

#include <cerrno>
#include <csignal>
#include <filesystem>

#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr const char* kUnfinishedMark = ".tmp-";  // and the number of the process, behind the name

/// "out/hf/" -> "out/hf": what stands beside the folder must not get into it.
std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

/// The final path, if it may be used.
std::string unused_folder(const std::string& final_path) {
  require_unused_folder(final_path);
  return without_slash(final_path);
}

}  // namespace

void require_unused_folder(const std::string& final_path) {
  std::error_code ignored;
  if (std::filesystem::exists(final_path, ignored) &&
      !std::filesystem::is_empty(final_path, ignored)) {
    throw Error(ErrorKind::kUsage,
                "[hf] " + printable(without_slash(final_path), 200) + " already exists",
                "choose a new folder; models are never overwritten");
  }
}

void remove_abandoned(const std::string& final_path) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(without_slash(final_path), ignored);
  const std::string prefix = whole.filename().string() + kUnfinishedMark;
  for (const auto& entry : std::filesystem::directory_iterator(whole.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string digits = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
    const bool is_number = !digits.empty() && digits.size() < 10 &&
                           digits.find_first_not_of("0123456789") == std::string::npos;
    if (!is_number || !entry.is_directory(ignored)) {
      continue;  // AtomicFile counts its temporary names, too
    }
    const int number = std::stoi(digits);
    // A folder of this process's own number is of an earlier one: containers count from 1 again.
    if (number == ::getpid() || (::kill(number, 0) != 0 && errno == ESRCH)) {
      std::filesystem::remove_all(entry.path(), ignored);
    }
  }
}

TrialFolder::TrialFolder(const std::string& final_path)
    : path_(without_slash(final_path) + kUnfinishedMark + std::to_string(::getpid())) {
  remove_abandoned(final_path);
  ensure_directory(path_);
}

TrialFolder::~TrialFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

UnfinishedFolder::UnfinishedFolder(const std::string& final_path)
    : final_path_(unused_folder(final_path)), folder_(final_path_) {}

void UnfinishedFolder::finish() {
  std::error_code failure;
  std::filesystem::remove(final_path_, failure);
  std::filesystem::rename(folder_.path(), final_path_, failure);
  if (failure) {
    throw Error(ErrorKind::kSystem,
                "[hf] cannot give " + folder_.path() + " its final name: " + failure.message(),
                "check the output folder");
  }
}

}  // namespace mascing
