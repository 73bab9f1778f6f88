// A baked file is the original with keys inserted before the tensor infos, changed router bytes,
// and the original ones at its end:
//   head .. last key | new keys | tensor infos | padding | tensor data | undo: old router bytes
// The new keys are mascing.* (origin_keys.h) and, in each part that holds routers:
//   mascing.bake.keys_offset, keys_size, n_key   the inserted bytes, to take them out again
//   mascing.bake.header_hash                     SHA-256 of the original up to its tensor data
//   mascing.bake.size                            of the original
//   mascing.bake.routers                         names of the changed tensors, in file order
//   mascing.bake.router_hash, undo_hash          of their new and old bytes
//   mascing.bake.rest_hash                       of the other tensor data, long stretches sampled;
//                                                not in files of earlier versions
#include "export/bake_gguf.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/files.h"
#include "base/sha256.h"
#include "base/text.h"
#include "export/baked_routers.h"
#include "export/gguf_patch.h"
#include "export/origin_keys.h"
#include "format/gguf.h"
#include "format/model_file.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr const char* kExportType = "gguf";

[[noreturn]] void fail(const std::string& path, const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::kBadInput, "[bake] " + printable(file_name(path)) + ": " + what, hint);
}

/// "steered.gguf" -> "steered-00001-of-00003.gguf" for split models.
std::string first_part_name(const std::string& output, int64_t n_part) {
  const std::string suffix = ".gguf";
  if (n_part <= 1) {
    return output;
  }
  const std::string stem =
      output.ends_with(suffix) ? output.substr(0, output.size() - suffix.size()) : output;
  const std::string wanted = split_suffix(0, n_part);
  return output.ends_with(wanted) ? output : stem + wanted;
}

PatchKeys keys_of_part(const GgufFile& part,
                       const std::vector<PatchedTensor>& changed,
                       const RouterUpdate& update) {
  GgufWriter writer;
  put_origin(update, kExportType, writer);
  put_patch_keys(part, changed, writer);
  return finish_patch_keys(part, writer);
}

/// Files being written or linked, until all appear together.
class Output {
 public:
  void write(const std::string& path, std::unique_ptr<AtomicFile> file) {
    parts_.push_back({path, "", std::move(file)});
  }
  void link(const std::string& from, const std::string& to) {
    parts_.push_back({to, from, nullptr});
  }
  /// The first part is published last, because the other parts are unusable without it.
  std::vector<std::string> commit() {
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
      if (part->file == nullptr) {
        link_or_copy(part->source, part->path);
      } else {
        part->file->commit();
      }
    }
    std::vector<std::string> paths;
    for (const Part& part : parts_) {
      paths.push_back(part.path);
    }
    return paths;
  }

 private:
  struct Part {
    std::string path;
    std::string source;                ///< to link to
    std::unique_ptr<AtomicFile> file;  ///< null for a link
  };
  std::vector<Part> parts_;
};

/// Links of an earlier export are other names of the model's parts, and may be replaced.
void refuse_itself(const std::string& from, const std::string& to) {
  std::error_code ignored;
  if (std::filesystem::weakly_canonical(from, ignored) ==
      std::filesystem::weakly_canonical(to, ignored)) {
    throw Error(ErrorKind::kUsage,
                "[bake] " + printable(to) + " is the model itself",
                "choose another output; the source is never changed");
  }
}

void require_fitting(const RouterUpdate& update, const ModelInfo& info) {
  const UpdateOrigin& origin = update.origin;
  if (!have_same_routers({origin.architecture, origin.fingerprint, origin.routers},
                         {info.architecture, info.fingerprint, info.routers}) ||
      update.n_layer != info.n_layer || update.n_expert != info.n_expert ||
      update.n_embd != info.n_embd) {
    throw Error(ErrorKind::kMismatch,
                "[bake] the mask was made for '" + origin.model_name + "' (" +
                    origin.fingerprint.substr(0, 12) + "), not for '" + info.name + "' (" +
                    info.fingerprint.substr(0, 12) + ")",
                "use the model the mask was made for, with the same router weights");
  }
}

/// The model, if it can take the update and be written as `first`.
OpenModel open_bakeable(const std::string& model,
                        const std::string& output,
                        const RouterUpdate& update,
                        const TensorCodec& codec) {
  OpenModel opened = open_model(model, false, &codec);
  if (opened.parts.front().has("mascing.export") || read_bake(model)) {
    fail(model, "is already baked", "bake the original, or `mascing mask unbake` this one first");
  }
  require_fitting(update, opened.info);
  require_writable(opened, update, codec);
  const int64_t n_part = std::ssize(opened.parts);
  const std::string first = first_part_name(output, n_part);
  for (int64_t i = 0; i < n_part; ++i) {
    refuse_itself(opened.parts[i].path(), part_path(first, i, n_part));
  }
  return opened;
}

}  // namespace

RoundingLoss largest_loss(const std::vector<RoundingLoss>& losses) {
  RoundingLoss largest;
  for (const RoundingLoss& loss : losses) {
    if (loss.loss >= largest.loss) {
      largest = loss;
    }
  }
  return largest;
}

void require_kept(const std::vector<RoundingLoss>& losses, const std::string& hint) {
  constexpr double kMost = 0.5;
  const RoundingLoss worst = largest_loss(losses);
  if (worst.loss > kMost) {
    throw Error(ErrorKind::kBadInput,
                "[bake] routers of type " + worst.type +
                    " cannot hold the change: " + format_number(100.0 * worst.loss, 1) +
                    " % of it is lost to rounding in the worst layer",
                hint);
  }
}

BakeReport bake_gguf(const std::string& model,
                     const std::string& output,
                     const RouterUpdate& update,
                     const TensorCodec& codec,
                     const Progress& progress) {
  const OpenModel opened = open_bakeable(model, output, update, codec);
  BakeReport report;
  const int64_t n_part = std::ssize(opened.parts);
  const std::string first = first_part_name(output, n_part);
  Output written;
  for (int64_t i = 0; i < n_part; ++i) {
    const GgufFile& part = opened.parts[i];
    const std::string path = part_path(first, i, n_part);
    const std::vector<PatchedTensor> changed =
        bake_routers(opened, i, update, codec, report.losses);
    if (changed.empty()) {
      written.link(part.path(), path);
      continue;
    }
    auto file = std::make_unique<AtomicFile>(path);
    write_patched(part, keys_of_part(part, changed, update), changed, *file, progress);
    written.write(path, std::move(file));
  }
  require_kept(report.losses, kGgufRoundingHint);
  report.files = written.commit();
  return report;
}

void require_bakeable(const std::string& model,
                      const std::string& output,
                      const RouterUpdate& outline,
                      const TensorCodec& codec) {
  (void)open_bakeable(model, output, outline, codec);
}

std::optional<BakeRecord> read_bake(const std::string& model) {
  const OpenModel opened = open_model(model);
  std::optional<BakeRecord> record;
  for (const GgufFile& part : opened.parts) {
    if (!is_patched(part)) {
      continue;
    }
    if (!record) {
      record.emplace();
      record->update = get_origin(part, kExportType);
      record->is_intact = record->can_undo = record->is_rest_checked = true;
    }
    record->is_intact = record->is_intact && has_patched_bytes(part);
    record->can_undo = record->can_undo && can_unpatch(part);
    record->is_rest_checked = record->is_rest_checked && covers_rest(part);
  }
  return record;
}

std::vector<std::string> unbake_gguf(const std::string& model,
                                     const std::string& output,
                                     const Progress& progress) {
  const OpenModel opened = open_model(model);
  const int64_t n_part = std::ssize(opened.parts);
  const std::string first = first_part_name(output, n_part);
  const std::optional<BakeRecord> record = read_bake(model);
  if (!record) {
    fail(model, "is not baked", "only files from `mascing export --to gguf` can be unbaked");
  }
  if (!record->is_intact || !record->can_undo) {
    fail(model,
         record->is_intact
             ? "the saved original router weights or other weights are missing or damaged"
             : "its routers were changed after it was baked",
         "it cannot be restored; use the original file");
  }
  Output written;
  for (int64_t i = 0; i < n_part; ++i) {
    const GgufFile& part = opened.parts[i];
    const std::string path = part_path(first, i, n_part);
    refuse_itself(part.path(), path);
    if (!is_patched(part)) {
      written.link(part.path(), path);
      continue;
    }
    auto file = std::make_unique<AtomicFile>(path);
    write_unpatched(part, *file, progress);
    written.write(path, std::move(file));
  }
  return written.commit();
}

}  // namespace mascing
