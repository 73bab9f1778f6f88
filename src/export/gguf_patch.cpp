// The layout is drawn in bake_gguf.cpp. Tensor offsets count from the start of the tensor data, so
// inserting keys moves all of it and changes none of them.
#include "export/gguf_patch.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/sha256.h"
#include "format/gguf_layout.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr int64_t kPiece = int64_t{64} << 20;
constexpr const char* kOffsetKey = "mascing.bake.keys_offset";
constexpr const char* kSizeKey = "mascing.bake.keys_size";
constexpr const char* kCountKey = "mascing.bake.n_key";
constexpr const char* kHeaderHashKey = "mascing.bake.header_hash";
constexpr const char* kFileSizeKey = "mascing.bake.size";
constexpr const char* kNamesKey = "mascing.bake.routers";
constexpr const char* kNewHashKey = "mascing.bake.router_hash";
constexpr const char* kOldHashKey = "mascing.bake.undo_hash";
constexpr const char* kRestHashKey = "mascing.bake.rest_hash";
constexpr const char* kPaddingKey = "mascing.bake.padding";

int64_t place_of(const GgufFile& part, const GgufTensor& tensor) {
  return tensor.data - part.file().data();
}

std::string_view bytes_at(const GgufFile& part, size_t offset, size_t size) {
  return part.file().bytes().substr(offset, size);
}

std::string padding_to(size_t size, size_t alignment) {
  return std::string((alignment - size % alignment) % alignment, '\0');
}

std::string header_with(const GgufFile& part, const PatchKeys& keys) {
  std::string header(part.metadata_bytes());
  const uint64_t count = part.n_key() + keys.n_key;
  std::memcpy(header.data() + GgufFile::kKeyCountOffset, &count, sizeof(count));
  header += keys.bytes;
  header += part.header_bytes().substr(part.metadata_bytes().size());
  return header + padding_to(header.size(), part.alignment());
}

/// The original's header from a patched one, or nothing if the record does not fit the file.
std::optional<std::string> original_header(const GgufFile& part) {
  const auto offset = part.get_uint(kOffsetKey);
  const auto size = part.get_uint(kSizeKey);
  const auto n_new = part.get_int(kCountKey);
  const auto hash = part.get_string(kHeaderHashKey);
  const std::string_view metadata = part.metadata_bytes();
  if (!offset || !size || !n_new || !hash || *offset > metadata.size() ||
      *size != metadata.size() - *offset || *offset < GgufFile::kKeyCountOffset + 8 || *n_new < 0 ||
      *n_new > part.n_key()) {
    return std::nullopt;
  }
  std::string header(metadata.substr(0, *offset));
  const uint64_t count = part.n_key() - *n_new;
  std::memcpy(header.data() + GgufFile::kKeyCountOffset, &count, sizeof(count));
  header += part.header_bytes().substr(metadata.size());
  header += padding_to(header.size(), part.alignment());
  return sha256_hex(header) == *hash ? std::optional(header) : std::nullopt;
}

/// Changed tensors in file order; nothing if one is missing or they are in another order.
std::optional<std::vector<const GgufTensor*>> changed_tensors(const GgufFile& part) {
  std::vector<const GgufTensor*> tensors;
  const std::byte* end = part.file().data();
  const auto names = part.get_string_array(kNamesKey);
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    tensors.push_back(part.find_tensor(name));
    if (tensors.back() == nullptr || tensors.back()->data < end) {
      return std::nullopt;
    }
    end = tensors.back()->data + tensors.back()->size_bytes;
  }
  return tensors;
}

/// Of the tensor data up to `end` but for the changed tensors.
std::string hash_of_rest(const GgufFile& part,
                         const std::vector<const GgufTensor*>& changed,
                         size_t end) {
  Sha256 hash;
  size_t position = part.data_offset();
  const auto add_up_to = [&](size_t stop) {
    hash.update(sampled_sha256(bytes_at(part, position, stop - position)));
    part.file().let_go();
  };
  for (const GgufTensor* tensor : changed) {
    const auto place = static_cast<size_t>(place_of(part, *tensor));
    add_up_to(place);
    position = place + tensor->size_bytes;
  }
  add_up_to(end);
  return hash.hex();
}

/// Where the old bytes begin, if they are all there.
std::optional<size_t> undo_offset(const GgufFile& part) {
  const auto header = original_header(part);
  const auto size = part.get_uint(kFileSizeKey);
  const auto tensors = changed_tensors(part);
  if (!header || !size || !tensors || *size < header->size()) {
    return std::nullopt;
  }
  size_t n_old = 0;
  size_t end = 0;
  for (const GgufTensor* tensor : *tensors) {
    n_old += tensor->size_bytes;
    end = place_of(part, *tensor) + tensor->size_bytes;
  }
  const size_t n_data = *size - header->size();  // of the original's tensors
  const size_t n_all = part.file().size();
  if (n_old > n_all || part.data_offset() > n_all - n_old ||
      n_data != n_all - n_old - part.data_offset()) {
    return std::nullopt;
  }
  const size_t begin = n_all - n_old;
  return end <= begin ? std::optional(begin) : std::nullopt;
}

/// llama.cpp reads tensors at multiples of 32 bytes whatever the file's alignment is. If that is
/// less, the original's place in the file was such, and the keys must move the data by a multiple.
void pad_keys(const GgufFile& part, GgufWriter& writer) {
  if (part.alignment() < kGgufDefaultAlignment) {
    writer.set_string(kPaddingKey, "");
    const size_t n_blank = padding_to(writer.metadata_bytes().size(), kGgufDefaultAlignment).size();
    writer.set_string(kPaddingKey, std::string(n_blank, ' '));
  }
}

}  // namespace

void copy_in_pieces(const CopySource& source,
                    int64_t begin,
                    int64_t end,
                    int64_t size,
                    AtomicFile& out,
                    const Progress& progress) {
  while (begin < end) {
    const int64_t n = std::min(kPiece, end - begin);
    out.append_from(source, begin, n);
    begin += n;
    report(progress, {"copy", begin >> 20, size >> 20, "MiB", ""});
  }
}

void put_patch_keys(const GgufFile& part,
                    const std::vector<PatchedTensor>& changed,
                    GgufWriter& writer) {
  Sha256 new_hash;
  Sha256 old_hash;
  std::vector<std::string> names;
  std::vector<const GgufTensor*> tensors;
  for (const PatchedTensor& patch : changed) {
    names.push_back(patch.tensor->name);
    tensors.push_back(patch.tensor);
    new_hash.update(patch.bytes.data(), patch.bytes.size());
    old_hash.update(patch.tensor->data, patch.tensor->size_bytes);
  }
  writer.set_string(kHeaderHashKey, sha256_hex(bytes_at(part, 0, part.data_offset())));
  writer.set_uint64(kFileSizeKey, part.file().size());
  writer.set_string_array(kNamesKey, names);
  writer.set_string(kNewHashKey, new_hash.hex());
  writer.set_string(kOldHashKey, old_hash.hex());
  writer.set_string(kRestHashKey, hash_of_rest(part, tensors, part.file().size()));
}

PatchKeys finish_patch_keys(const GgufFile& part, GgufWriter& writer) {
  writer.set_uint64(kOffsetKey, part.metadata_bytes().size());
  writer.set_uint64(kSizeKey, 0);
  writer.set_int(kCountKey, 0);
  pad_keys(part, writer);
  // Numbers of fixed width: filling them in does not change the size.
  writer.set_int(kCountKey, writer.n_key());
  writer.set_uint64(kSizeKey, writer.metadata_bytes().size());
  return {writer.metadata_bytes(), writer.n_key()};
}

void write_patched(const GgufFile& part,
                   const PatchKeys& keys,
                   const std::vector<PatchedTensor>& changed,
                   AtomicFile& out,
                   const Progress& progress) {
  const CopySource source(part.path());
  const int64_t size = std::ssize(part.file());
  out.write(header_with(part, keys));
  auto position = static_cast<int64_t>(part.data_offset());
  for (const PatchedTensor& patch : changed) {
    const int64_t place = place_of(part, *patch.tensor);
    copy_in_pieces(source, position, place, size, out, progress);
    out.write(patch.bytes.data(), patch.bytes.size());
    position = place + std::ssize(patch.bytes);
  }
  copy_in_pieces(source, position, size, size, out, progress);
  for (const PatchedTensor& patch : changed) {
    out.write(patch.tensor->data, patch.tensor->size_bytes);
  }
}

bool is_patched(const GgufFile& part) {
  return part.has(kNewHashKey);
}

bool has_patched_bytes(const GgufFile& part) {
  const auto tensors = changed_tensors(part);
  if (!tensors) {
    return false;
  }
  Sha256 hash;
  for (const GgufTensor* tensor : *tensors) {
    hash.update(tensor->data, tensor->size_bytes);
  }
  return hash.hex() == part.get_string(kNewHashKey);
}

bool covers_rest(const GgufFile& part) {
  return part.has(kRestHashKey);
}

bool can_unpatch(const GgufFile& part) {
  const auto begin = undo_offset(part);
  if (!begin || sha256_hex(bytes_at(part, *begin, part.file().size() - *begin)) !=
                    part.get_string(kOldHashKey)) {
    return false;
  }
  return !covers_rest(part) ||
         hash_of_rest(part, changed_tensors(part).value(), *begin) == part.get_string(kRestHashKey);
}

void write_unpatched(const GgufFile& part, AtomicFile& out, const Progress& progress) {
  const CopySource source(part.path());
  const int64_t size = std::ssize(part.file());
  const size_t undo = undo_offset(part).value();
  out.write(original_header(part).value());
  auto position = static_cast<int64_t>(part.data_offset());
  size_t old = undo;
  const std::vector<const GgufTensor*> tensors = changed_tensors(part).value();
  for (const GgufTensor* tensor : tensors) {
    const int64_t place = place_of(part, *tensor);
    copy_in_pieces(source, position, place, size, out, progress);
    out.write(bytes_at(part, old, tensor->size_bytes));
    old += tensor->size_bytes;
    position = place + static_cast<int64_t>(tensor->size_bytes);
  }
  copy_in_pieces(source, position, static_cast<int64_t>(undo), size, out, progress);
}

void copy_file(const std::string& from, const std::string& to) {
  const CopySource source(from);
  AtomicFile copy(to);
  copy.append_from(source, 0, static_cast<int64_t>(std::filesystem::file_size(from)));
  copy.commit();
}

void link_or_copy(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  std::error_code failure;
  if (!fs::is_symlink(to, failure) && fs::equivalent(from, to, failure)) {
    return;  // a link of an earlier export
  }
  const std::string unfinished = to + ".tmp-link";  // of a killed process: replaced
  fs::remove(unfinished, failure);
  fs::create_hard_link(fs::canonical(from), unfinished, failure);
  if (!failure) {
    fs::rename(unfinished, to, failure);
  }
  if (failure) {
    std::error_code ignored;
    fs::remove(unfinished, ignored);
    copy_file(from, to);
  }
}

}  // namespace mascing
