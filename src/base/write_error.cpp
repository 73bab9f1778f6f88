// Hints by errno.
#include "base/write_error.h"

#include <cerrno>
#include <cstring>

#include "mascing/error.h"

namespace mascing {
namespace {

std::string write_hint(int code) {
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
    case EEXIST:
    case ENOTEMPTY:
      return "something of that name is there already; remove it if it is NAME.tmp-0 or the like "
             "of a command that was killed, else use another name";
    case ENAMETOOLONG:
      return "the name is too long for the file system; use a shorter one";
    case ELOOP:
      return "the links lead in a circle; use the path of a real file or folder";
    case EFBIG:
      return "the file is too large for this file system or the limit of ulimit -f";
    case EMFILE:
    case ENFILE:
      return "too many files are open; raise the limit of ulimit -n";
    default:
      return "check the disk and the folder";
  }
}

}  // namespace

void refuse_to_write(const std::string& path, const std::string& action, int code) {
  throw Error(ErrorKind::kSystem,
              "[write] " + path + ": cannot " + action + ": " + std::strerror(code),
              write_hint(code));
}

}  // namespace mascing
