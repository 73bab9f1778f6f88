// Reads small files, and writes files atomically with a temporary file in the same folder, fsync
// and rename.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mascing {

/// The bytes of a file. Throws Error{kBadInput} if it is missing, a folder, or not readable.
[[nodiscard]] std::string read_text_file(const std::string& path);

/// Replaces `path` atomically. Throws Error{kSystem} with the path and the cause (disk full,
/// read-only or missing folder); the old content is then kept.
void write_file_atomically(const std::string& path, std::string_view bytes);

/// A file whose parts can be copied without passing through memory.
class CopySource {
 public:
  /// Throws Error{kBadInput} if the file is missing or not readable.
  explicit CopySource(const std::string& path);
  CopySource(const CopySource&) = delete;
  CopySource& operator=(const CopySource&) = delete;
  ~CopySource();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class AtomicFile;
  std::string path_;
  int file_ = -1;
};

/// A file being written. Nothing is visible under `path` before commit(); without commit() the
/// temporary file is removed. All functions throw Error{kSystem}.
class AtomicFile {
 public:
  /// Opens a temporary file next to `path`, unnamed if the system supports it. Symbolic links are
  /// followed; `path` must not be a folder or a device. What a killed process left under a
  /// temporary name of `path` is replaced.
  explicit AtomicFile(const std::string& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(const void* data, size_t size_bytes);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  /// Appends bytes [offset, offset + size_bytes) of `source`, in the kernel if the file systems
  /// support it, otherwise through a small buffer. Throws Error{kBadInput} if the source is too
  /// short.
  void append_from(const CopySource& source, int64_t offset, int64_t size_bytes);
  /// Bytes written so far.
  [[nodiscard]] int64_t position() const { return position_; }
  /// Makes the content durable and visible. Nothing may be written afterwards.
  void commit();

 private:
  void flush();
  int64_t copy_in_kernel(int source, int64_t offset, int64_t size_bytes);
  void put(const char* data, size_t size_bytes);
  void open_with_name();
  [[nodiscard]] bool give_name(const std::string& name) const;
  [[nodiscard]] bool give_temporary_name();

  std::string path_;
  std::string temporary_;
  std::string buffer_;
  int file_ = -1;
  bool is_nameless_ = false;
  int64_t position_ = 0;
};

/// Throws Error{kUsage} if `output` is one of the files in `inputs`, under this or another name (a
/// link, another path). Names that do not exist are different files.
void refuse_to_overwrite(const std::string& output, const std::vector<std::string>& inputs);

/// Creates the folder and its parents if needed and checks that it is writable.
/// Throws Error{kSystem} otherwise.
void ensure_directory(const std::string& path);

/// Makes what was renamed in a folder durable; some file systems cannot, which is no reason to
/// fail.
void sync_folder(const std::string& folder);

/// `name` within `folder`.
[[nodiscard]] std::string path_within(const std::string& folder, const std::string& name);

/// True for anything that exists under this name, folders included.
[[nodiscard]] bool file_exists(const std::string& path);

/// "out/hf/" -> "out/hf"; the root stays "/".
[[nodiscard]] std::string without_end_slashes(std::string path);

/// Last part of a path, for messages: "out/mask.gguf" -> "mask.gguf".
[[nodiscard]] std::string file_name(const std::string& path);
/// Last part without its extension: "data/attacks.jsonl" -> "attacks".
[[nodiscard]] std::string file_stem(const std::string& path);

}  // namespace mascing
