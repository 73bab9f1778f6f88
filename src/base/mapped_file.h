// A file mapped into memory for reading; the system loads pages on access.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mascing {

/// Owns the mapping. The start is aligned to a page. As with every mapping, the
/// file must not be truncated by another program while it is mapped.
class MappedFile {
 public:
  /// Throws Error{kBadInput} if the file is missing, a folder or another special file, or is not
  /// readable.
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

  /// Releases the mapped pages; on the next access they are loaded again from the page cache or the
  /// file.
  void let_go() const noexcept;

 private:
  void release() noexcept;

  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace mascing
