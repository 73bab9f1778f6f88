// Each line is one write at the end of the file. Only a new program shortens it.
#include "cli/typed_history.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/files.h"
#include "base/owners_file.h"
#include "base/text.h"
#include "cli/mask_options.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

constexpr int64_t kKept = 1000;
constexpr size_t kLongestLine = 4096;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_worth_keeping(const std::string& line) {
  return !line.empty() && line.front() != ' ' && line.size() <= kLongestLine &&
         printable(line, line.size()) == line;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + '\n';
  }
  return text;
}

}  // namespace

std::string history_file(const std::string& name) {
  if (to_lower_ascii(variable("MASCING_HISTORY")) == "off") {
    return "";
  }
  std::string folder = variable("XDG_STATE_HOME");
  if (folder.empty() && !variable("HOME").empty()) {
    folder = variable("HOME") + "/.local/state";
  }
  return folder.empty() ? "" : folder + "/mascing/" + name + "-history";
}

TypedHistory::TypedHistory(std::string path) : path_(std::move(path)) {
  if (path_.empty()) {
    return;
  }
  try {
    ensure_directory(path_.substr(0, path_.rfind('/')));
    const OwnersFile file(path_);
    if (!file.is_open()) {
      give_up(std::strerror(errno));
      return;
    }
    std::istringstream stream(read_text_file(path_));
    for (std::string line; std::getline(stream, line);) {
      if (is_worth_keeping(line)) {
        lines_.push_back(line);
      }
    }
    if (std::ssize(lines_) > 2 * kKept) {
      lines_.erase(lines_.begin(), lines_.end() - kKept);
      (void)file.replace(joined(lines_));
    }
  } catch (const Error& error) {
    give_up(error.what());
  }
}

void TypedHistory::add(const std::string& line) {
  if (!is_worth_keeping(line) || (!lines_.empty() && lines_.back() == line)) {
    return;
  }
  lines_.push_back(line);
  if (path_.empty()) {
    return;
  }
  const OwnersFile file(path_);
  if (!file.is_open() || !file.append(line + '\n')) {
    give_up(std::strerror(errno));
  }
}

void TypedHistory::give_up(const std::string& what) {
  say_warning("history_not_kept",
              path_ + ": " + what,
              "lines are kept until the program ends; --no-history says nothing of it");
  path_.clear();
}

}  // namespace mascing::cli
