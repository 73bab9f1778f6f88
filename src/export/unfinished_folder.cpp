// Renamed when it is complete; folders of processes that run no more are removed.
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

}  // namespace

UnfinishedFolder::UnfinishedFolder(const std::string& final_path)
    : final_path_(without_slash(final_path)),
      path_(final_path_ + kUnfinishedMark + std::to_string(::getpid())) {
  std::error_code ignored;
  if (std::filesystem::exists(final_path, ignored) &&
      !std::filesystem::is_empty(final_path, ignored)) {
    throw Error(ErrorKind::kUsage,
                "[hf] " + printable(final_path, 200) + " already exists",
                "choose a new folder; models are never overwritten");
  }
  remove_abandoned();
  ensure_directory(path_);
}

UnfinishedFolder::~UnfinishedFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void UnfinishedFolder::finish() {
  std::error_code failure;
  std::filesystem::remove(final_path_, failure);
  std::filesystem::rename(path_, final_path_, failure);
  if (failure) {
    throw Error(ErrorKind::kSystem,
                "[hf] cannot give " + path_ + " its final name: " + failure.message(),
                "check the output folder");
  }
}

/// What killed processes left behind: folders of this name whose number is no running process.
void UnfinishedFolder::remove_abandoned() const {
  std::error_code ignored;
  const std::filesystem::path parent =
      std::filesystem::absolute(final_path_, ignored).parent_path();
  const std::string prefix = file_name(final_path_) + kUnfinishedMark;
  for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string digits = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
    const bool is_number = !digits.empty() && digits.size() < 10 &&
                           digits.find_first_not_of("0123456789") == std::string::npos;
    const int number = is_number ? std::stoi(digits) : -1;
    // A folder of this process's own number is of an earlier one: containers count from 1 again.
    if (is_number && (number == ::getpid() || (::kill(number, 0) != 0 && errno == ESRCH))) {
      std::filesystem::remove_all(entry.path(), ignored);
    }
  }
}

}  // namespace mascing
