// A file mapped into memory for reading: its bytes are loaded by the system as they are touched.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mascing {

/// Owns the mapping. The start is aligned to a page. A file that another program shortens while it
/// is mapped cannot be read safely; that is the caller's risk, as with every mapping.
class MappedFile {
 public:
  /// Throws Error{kBadInput} if the file is missing, a folder or another special file, or may not
  /// be read.
  explicit MappedFile(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  /// Null if the file is empty.
  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string_view bytes() const;

  /// Takes the mapped pages out of this process's memory; when they are touched again, they come
  /// from the system's cache or the file.
  void let_go() const noexcept;

 private:
  void release() noexcept;

  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace mascing
