// Whole-file reading and atomic writing on POSIX systems.
#include "base/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "mascing/error.h"

namespace mascing {

namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = size_t{1} << 20;

std::string hint_for(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "the disk (or your quota) is full; free some space, or use another folder";
    case EROFS:
      return "the file system is read-only; use another folder";
    case EACCES:
    case EPERM:
      return "no write permission; use another folder or change its permissions";
    case ENOENT:
      return "the folder does not exist; create it first";
    case ENOTDIR:
      return "part of the path is a file, not a folder";
    case EISDIR:
      return "the path is a folder; use a file inside it";
    case ENAMETOOLONG:
      return "the name is too long for the file system; use a shorter one";
    case ELOOP:
      return "the links lead in a circle; use the path of a real file or folder";
    case EFBIG:
      return "the file is too large for this file system or the limit of ulimit -f";
    default:
      return "check the disk and the folder";
  }
}

[[noreturn]] void refuse(const std::string& path, const std::string& action, int code) {
  throw Error(ErrorKind::kSystem,
              "[write] " + path + ": cannot " + action + ": " + std::strerror(code),
              hint_for(code));
}

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

constexpr int kMaxTemporaries = 100;   // processes that write one file at the same time
constexpr size_t kMaxNameBytes = 240;  // leaves room for the ending below

// The i-th temporary name of a file. It holds no process number: such a number comes again, and a
// left-over file would never be found by the next process.
std::string temporary_name(const std::string& path, int i) {
  const fs::path whole(path);
  std::string name = whole.filename().string();
  if (name.size() > kMaxNameBytes) {
    name = sha256_hex(name).substr(0, 32);
  }
  return (whole.parent_path() / (name + ".tmp-" + std::to_string(i))).string();
}

// True if `name` is still a name of the open file.
bool is_named(int file, const std::string& name) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file, &opened) == 0 && ::lstat(name.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

// Removes a temporary file unless its writer, who holds a lock on it, still runs.
void remove_left_over(const std::string& name) {
  const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) {
    return;
  }
  if (::flock(file, LOCK_EX | LOCK_NB) == 0 && is_named(file, name)) {
    ::unlink(name.c_str());
  }
  ::close(file);
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
      refuse(path, "follow the link", failure.value());
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
      refuse(path, "create it", errno);
    }
    return;
  }
  if (S_ISDIR(status.st_mode)) {
    refuse(path, "replace it by a file", EISDIR);
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

// Makes the rename itself durable; some file systems cannot, which is no reason to fail.
void sync_folder(const std::string& folder) {
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened >= 0) {
    ::fsync(opened);
    ::close(opened);
  }
}

}  // namespace

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
    ::flock(file_, LOCK_EX | LOCK_NB);
  } else {
    open_with_name();
  }
}

// The lock tells others that the file is not left over. Who finds it before it is locked may take
// it away, which the check of its name shows.
void AtomicFile::open_with_name() {
  for (int i = 0; i < kMaxTemporaries; ++i) {
    const std::string name = temporary_name(path_, i);
    remove_left_over(name);
    file_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && errno != EEXIST) {
      break;
    }
    const bool is_free =
        file_ >= 0 && (::flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
    if (is_free && is_named(file_, name)) {
      temporary_ = name;
      return;
    }
    if (file_ >= 0) {
      ::close(file_);
      file_ = -1;
      errno = EEXIST;
    }
  }
  refuse(path_, "create it", errno);
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) {
    ::close(file_);
  }
  if (!temporary_.empty() && !is_nameless_) {
    ::unlink(temporary_.c_str());
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
      refuse(path_, "write it", errno);
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
      refuse(path_, "write it", errno);
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
  if (::fsync(file_) != 0 && errno != EINVAL && errno != ENOTSUP) {
    refuse(path_, "write it to the disk", errno);
  }
  if (is_nameless_) {
    // A new name is given in one step; a file that exists has to be replaced by a rename.
    const bool is_new = give_name(path_);
    if (!is_new && (errno != EEXIST || !give_temporary_name())) {
      refuse(path_, "give it a name", errno);
    }
    is_nameless_ = false;
    temporary_ = is_new ? "" : temporary_;
  }
  const int closed = ::close(file_);
  file_ = -1;
  if (closed != 0 && errno != EINTR) {
    refuse(path_, "close it", errno);
  }
  if (!temporary_.empty() && ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    refuse(path_, "give it its name", errno);
  }
  temporary_.clear();
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
    refuse(path, "create the folder", failure ? failure.value() : ENOTDIR);
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

std::string file_name(const std::string& path) {
  return fs::path(path).filename().string();
}

std::string file_stem(const std::string& path) {
  return fs::path(path).stem().string();
}

}  // namespace mascing
