// Conversations from the formats in which public datasets come, read as streams: memory does not
// grow with the size of the texts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/progress.h"

namespace mascing {

struct ImportOptions {
  std::string format;              ///< a name of import_format_names(); empty = recognised
  std::string category;            ///< only rows of this category (ASCII case ignored); empty = all
  bool with_duplicates = false;    ///< keep conversations that were read before
  int64_t n_max_byte = 8LL << 20;  ///< rows of more bytes are skipped
};

/// Rows of one file that were skipped for one reason.
struct ImportSkip {
  std::string reason;   ///< stable: "invalid_json", "broken_quotes", ... (docs/import.md)
  std::string example;  ///< what was wrong with the first of them
  int64_t n = 0;
  std::vector<int64_t> lines;  ///< where the first 20 of them begin
};

struct ImportedFile {
  std::string path;
  std::string format;  ///< a name of import_format_names()
  int64_t n_line = 0;
  int64_t n_row = 0;              ///< = conversations + duplicates + other categories + skips
  int64_t n_conversation = 0;     ///< given to the sink
  int64_t n_exact_duplicate = 0;  ///< messages are equal to those of an earlier conversation
  int64_t n_near_duplicate = 0;   ///< equal but for case, punctuation, spaces, invisible characters
  int64_t n_other_category = 0;   ///< left out by ImportOptions::category
  int64_t n_renamed = 0;          ///< their id was used by an earlier conversation
  std::vector<ImportSkip> skips;
  std::vector<int64_t> duplicate_lines;  ///< where the first 20 duplicates begin
};

struct ImportReport {
  std::vector<ImportedFile> files;
  int64_t n_conversation = 0;
  int64_t n_script = 0;  ///< of these, several user turns and not one assistant turn
};

/// Every format with a few words on what it is, in the order of the documentation.
struct ImportFormatName {
  std::string name;
  std::string description;
};
[[nodiscard]] std::vector<ImportFormatName> import_format_names();

/// Reads all files in their order and gives every conversation to `sink` as soon as it is read. An
/// id is the file's own or "<file stem>:<line>"; all are different. Conversations end with a user
/// message: an assistant's last message becomes `reply` (`reference` for ShareGPT). Scripts without
/// assistant turns stay scripts. Throws Error{kBadInput} naming file and line for a file that is
/// missing, compressed, of an unknown format, or cut off within a quote or an array;
/// Error{kInsufficient} for a file without a usable row; Error{kUsage} for an unknown format.
[[nodiscard]] ImportReport import_conversations(
    const std::vector<std::string>& files,
    const ImportOptions& options,
    const std::function<void(const Conversation&)>& sink,
    const Progress& progress = {});

}  // namespace mascing
