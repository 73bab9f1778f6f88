// Streams GGUF files with the bytes of some tensors replaced, and restores the originals. Only for
// the .cpp files of this folder.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "format/gguf.h"
#include "mascing/progress.h"

namespace mascing {

/// New bytes of one tensor of a file.
struct PatchedTensor {
  const GgufTensor* tensor = nullptr;
  std::vector<std::byte> bytes;
};

/// Keys to insert, as they go into a file.
struct PatchKeys {
  std::string bytes;
  int64_t n_key = 0;
};

/// Adds the keys "mascing.bake.*" that say how to undo the change.
void put_patch_keys(const GgufFile& part,
                    const std::vector<PatchedTensor>& changed,
                    GgufWriter& writer);
/// All keys of the writer, after their own place, size and number were filled in, and their
/// padding.
[[nodiscard]] PatchKeys finish_patch_keys(const GgufFile& part, GgufWriter& writer);

/// Writes `part` with `keys` added and tensors changed (in file order), old bytes at the end.
void write_patched(const GgufFile& part,
                   const PatchKeys& keys,
                   const std::vector<PatchedTensor>& changed,
                   AtomicFile& out,
                   const Progress& progress);

[[nodiscard]] bool is_patched(const GgufFile& part);
/// True if the changed tensors are intact.
[[nodiscard]] bool has_patched_bytes(const GgufFile& part);
/// True if the file says how the tensor data looked that were not changed.
[[nodiscard]] bool covers_rest(const GgufFile& part);
/// True if the original can be restored: old bytes and, where the file covers it, the rest are as
/// they were.
[[nodiscard]] bool can_unpatch(const GgufFile& part);
/// Writes the original; can_unpatch must hold.
void write_unpatched(const GgufFile& part, AtomicFile& out, const Progress& progress);

/// Bytes `begin` to `end` of `source`, which has `size` in all.
void copy_in_pieces(const CopySource& source,
                    int64_t begin,
                    int64_t end,
                    int64_t size,
                    AtomicFile& out,
                    const Progress& progress);

/// Replaces what is there.
void copy_file(const std::string& from, const std::string& to);

/// A second name for a file that does not change, or a copy where the file system has no links.
/// Replaces what is there, in one step.
void link_or_copy(const std::string& from, const std::string& to);

}  // namespace mascing
