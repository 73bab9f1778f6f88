// Whole-file reading and atomic writing on POSIX systems.
#include "base/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_lock.h"
#include "base/mapped_file.h"
#include "base/temporary_name.h"
#include "base/write_error.h"
#include "mascing/error.h"

namespace mascing {

namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 20;

// Removes a temporary file unless its writer, who holds a lock on it, still runs.
void remove_left_over(const std::string& name) {
  const LockFile lock(name, LockFile::Opening::kExisting);
  if (lock.state() == LockState::kOurs) {
    ::unlink(name.c_str());
  }
}

std::string link_of(int file) {
  return "/proc/self/fd/" + std::to_string(file);
}

// A file without a name is removed by the system, even if this process is killed. Not every file
// system supports it, and linking it to a name needs /proc: -1 if it cannot be used.
int open_without_name(const std::string& folder) {
  const int file = ::open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  struct stat status {};
  if (file >= 0 && ::lstat(link_of(file).c_str(), &status) != 0) {
    ::close(file);
    return -1;
  }
  return file;
}

// Follows a symbolic link, so that the file it names is replaced and not the link.
std::string resolve(const std::string& path) {
  std::error_code ignored;
  if (fs::is_symlink(path, ignored)) {
    std::error_code failure;
    const fs::path target = fs::weakly_canonical(path, failure);
    if (failure) {
      refuse_to_write(path, "follow the link", failure.value());
    }
    return target.string();
  }
  return path;
}

// A rename would replace a device such as /dev/null by a plain file.
void refuse_special_target(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) {
      refuse_to_write(path, "create it", errno);
    }
    return;
  }
  if (S_ISDIR(status.st_mode)) {
    refuse_to_write(path, "replace it by a file", EISDIR);
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::kSystem,
                "[write] " + path + ": is a device or pipe, expected a file",
                "use a regular file");
  }
}

void refuse_standard_output(const std::string& path) {
  if (path == "-") {
    throw Error(ErrorKind::kUsage,
                "[write] \"-\" is standard output, and this output cannot go there",
                "name a file or folder; ./- is one");
  }
}

// Some file systems say only when a file is closed that its bytes did not get there. Another
// descriptor is closed, as the lock goes with the last one.
bool close_reports_failure(int file) {
  const int other = ::fcntl(file, F_DUPFD_CLOEXEC, 0);
  return other >= 0 && ::close(other) != 0 && errno != EINTR;
}

bool sync_file(int file) {
  int status = ::fsync(file);
  while (status != 0 && errno == EINTR) {
    status = ::fsync(file);
  }
  return status == 0 || errno == EINVAL || errno == ENOTSUP;
}

}  // namespace

void sync_folder(const std::string& folder) {
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened >= 0) {
    (void)sync_file(opened);
    ::close(opened);
  }
}

std::string read_text_file(const std::string& path) {
  return std::string(MappedFile(path).bytes());
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

CopySource::CopySource(const std::string& path)
    : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) {
    throw Error(ErrorKind::kBadInput,
                "[read] " + path + ": cannot open it: " + std::strerror(errno),
                "check the path and its permissions");
  }
}

CopySource::~CopySource() {
  ::close(file_);
}

AtomicFile::AtomicFile(const std::string& path) : path_(resolve(path)) {
  refuse_standard_output(path);
  refuse_special_target(path_);
  file_ = open_without_name(folder_of(path_));
  is_nameless_ = file_ >= 0;
  if (is_nameless_) {
    (void)try_lock(file_, path_);
  } else {
    open_with_name();
  }
}

// The lock tells others that the file is not left over. Who finds it before it is locked may take
// it away, which the check of its name shows.
void AtomicFile::open_with_name() {
  int error = EEXIST;
  for (int i = 0; i < kMaxTemporaries && error == EEXIST; ++i) {
    const std::string name = temporary_name(path_, i);
    remove_left_over(name);
    file_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0) {
      error = errno;
      continue;
    }
    if (try_lock(file_, path_) != LockState::kHeld && is_still_named(file_, name)) {
      temporary_ = name;
      return;
    }
    ::close(file_);
    file_ = -1;
  }
  refuse_to_write(path_, "create it", error);
}

// The name goes before the lock: afterwards it may be the next writer's.
AtomicFile::~AtomicFile() {
  if (!temporary_.empty() && !is_nameless_) {
    ::unlink(temporary_.c_str());
  }
  if (file_ >= 0) {
    ::close(file_);
  }
}

void AtomicFile::write(const void* data, size_t size_bytes) {
  if (file_ < 0) {
    throw Error(ErrorKind::kSystem, "[write] " + path_ + ": written to after it was finished");
  }
  const auto* bytes = static_cast<const char*>(data);
  if (buffer_.size() + size_bytes > kBufferBytes) {
    flush();
  }
  if (size_bytes > kBufferBytes) {
    put(bytes, size_bytes);
  } else if (size_bytes > 0) {
    buffer_.append(bytes, size_bytes);
  }
  position_ += static_cast<int64_t>(size_bytes);
}

void AtomicFile::flush() {
  put(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::put(const char* data, size_t size_bytes) {
  while (size_bytes > 0) {
    const ssize_t written = ::write(file_, data, size_bytes);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      refuse_to_write(path_, "write it", errno);
    }
    data += written;
    size_bytes -= written;
  }
}

// Bytes copied: fewer than asked for where the kernel or one of the file systems cannot do it.
int64_t AtomicFile::copy_in_kernel(int source, int64_t offset, int64_t size_bytes) {
  int64_t done = 0;
  off64_t position = offset;
  while (done < size_bytes) {
    const size_t n_left = size_bytes - done;
    const ssize_t copied = ::copy_file_range(source, &position, file_, nullptr, n_left, 0);
    if (copied < 0 && errno == EINTR) {
      continue;
    }
    if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG)) {
      refuse_to_write(path_, "write it", errno);
    }
    if (copied <= 0) {
      break;
    }
    done += copied;
  }
  return done;
}

void AtomicFile::append_from(const CopySource& source, int64_t offset, int64_t size_bytes) {
  flush();
  int64_t done = copy_in_kernel(source.file_, offset, size_bytes);
  std::string piece(done < size_bytes ? kBufferBytes : 0, '\0');
  while (done < size_bytes) {
    const size_t n = std::min<int64_t>(size_bytes - done, kBufferBytes);
    const ssize_t n_read = ::pread(source.file_, piece.data(), n, offset + done);
    if (n_read < 0 && errno == EINTR) {
      continue;
    }
    if (n_read <= 0) {
      throw Error(ErrorKind::kBadInput,
                  "[read] " + source.path_ + ": " +
                      (n_read < 0 ? std::strerror(errno) : "unexpected end of file"),
                  "check whether the file was changed meanwhile, and check the disk");
    }
    put(piece.data(), n_read);
    done += n_read;
  }
  position_ += size_bytes;
}

bool AtomicFile::give_name(const std::string& name) const {
  return ::linkat(AT_FDCWD, link_of(file_).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

bool AtomicFile::give_temporary_name() {
  for (int i = 0; i < kMaxTemporaries; ++i) {
    temporary_ = temporary_name(path_, i);
    remove_left_over(temporary_);
    if (give_name(temporary_)) {
      return true;
    }
    if (errno != EEXIST) {
      break;
    }
  }
  return false;
}

void AtomicFile::commit() {
  if (file_ < 0) {
    throw Error(ErrorKind::kSystem, "[write] " + path_ + ": finished twice");
  }
  flush();
  if (!sync_file(file_)) {
    refuse_to_write(path_, "write it to the disk", errno);
  }
  if (is_nameless_) {
    // A new name is given in one step; a file that exists has to be replaced by a rename.
    const bool is_new = give_name(path_);
    if (!is_new && (errno != EEXIST || !give_temporary_name())) {
      refuse_to_write(path_, "give it a name", errno);
    }
    is_nameless_ = false;
    temporary_ = is_new ? "" : temporary_;
  }
  if (close_reports_failure(file_)) {
    refuse_to_write(path_, "close it", errno);
  }
  // Locked until it has its name: nobody takes it for a left-over.
  if (!temporary_.empty() && ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    refuse_to_write(path_, "give it its name", errno);
  }
  temporary_.clear();
  ::close(file_);
  file_ = -1;
  sync_folder(folder_of(path_));
}

void refuse_to_overwrite(const std::string& output, const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    std::error_code ignored;
    if (fs::equivalent(output, input, ignored)) {
      std::string what = "[write] the output ";
      what.append(output).append(" is the input ").append(input);
      throw Error(
          ErrorKind::kUsage, what, "choose another name with -o; an input is never overwritten");
    }
  }
}

void ensure_directory(const std::string& path) {
  refuse_standard_output(path);
  std::error_code failure;
  fs::create_directories(path, failure);
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    refuse_to_write(path, "create the folder", failure ? failure.value() : ENOTDIR);
  }
  const AtomicFile probe((fs::path(path) / ".probe").string());
}

std::string path_within(const std::string& folder, const std::string& name) {
  return std::string(folder).append("/").append(name);
}

bool file_exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::string without_end_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

std::string file_name(const std::string& path) {
  return fs::path(path).filename().string();
}

std::string file_stem(const std::string& path) {
  return fs::path(path).stem().string();
}

}  // namespace mascing
