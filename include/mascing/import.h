// Reads conversations from the formats of public datasets as streams, so memory does not grow with
// the size of the texts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "mascing/conversation.h"
#include "mascing/progress.h"

namespace mascing {

struct ImportOptions {
  std::string format;    ///< a name of import_format_names(); empty = detect
  std::string category;  ///< only rows of this category (ASCII case ignored); empty = all
  /// Columns of other names: ours (prompt, reply, label, topic, ...) and the file's. ASCII case is
  /// ignored.
  std::vector<std::pair<std::string, std::string>> columns;
  /// The same, where a file has them; a file without one is read as it is.
  std::vector<std::pair<std::string, std::string>> optional_columns;
  bool with_duplicates = false;    ///< keep exact and near duplicates
  int64_t n_max_byte = 8LL << 20;  ///< rows of more bytes are skipped
};

/// Rows of one file that were skipped for one reason.
struct ImportSkip {
  std::string reason;   ///< stable: "invalid_json", "broken_quotes", ... (docs/import.md)
  std::string example;  ///< the problem of the first one
  int64_t n = 0;
  std::vector<int64_t> lines;  ///< start lines of the first 20, or numbers of elements
};

struct ImportedFile {
  std::string path;
  std::string format;  ///< a name of import_format_names()
  int64_t n_line = 0;
  bool counts_elements = false;  ///< a JSON array: its elements are counted from 1 instead of lines
  int64_t n_row = 0;             ///< = conversations + duplicates + other categories + skips
  int64_t n_conversation = 0;    ///< passed to the sink
  int64_t n_exact_duplicate = 0;  ///< messages are equal to those of an earlier conversation
  int64_t n_near_duplicate =
      0;  ///< equal except for case, punctuation, spaces and invisible characters
  int64_t n_other_category = 0;  ///< excluded by ImportOptions::category
  int64_t n_renamed = 0;         ///< their id was already used by an earlier conversation
  int64_t n_unread_label = 0;    ///< neither 0 nor 1, of conversations that have none then
  std::string unread_label;      ///< the first of them, in words
  std::vector<int64_t> unread_label_lines;  ///< start lines of the first 20
  std::vector<std::string> unused_columns;  ///< the first 20 that the format has no use for, as
                                            ///< seen in the first 1,000 rows
  /// Of ImportOptions::columns and optional_columns: the file's names, in lower case.
  std::vector<std::string> renamed_columns;
  std::vector<ImportSkip> skips;
  std::vector<int64_t> duplicate_lines;  ///< start lines of the first 20 duplicates
};

struct ImportReport {
  std::vector<ImportedFile> files;
  int64_t n_conversation = 0;
  int64_t n_script = 0;  ///< of these, those with several user turns and no assistant turns
};

/// A format with a short description, in the order of the documentation.
struct ImportFormatName {
  std::string name;
  std::string description;
};
[[nodiscard]] std::vector<ImportFormatName> import_format_names();

/// Reads all files in order and passes every conversation to `sink` as soon as it is read. An
/// id is the file's own or "<file stem>:<line>"; all are unique. Conversations end with a user
/// message; a final assistant message becomes `reply` (`reference` for ShareGPT). Scripts without
/// assistant turns stay scripts. Throws Error{kBadInput} naming file and line for a file that is
/// missing, compressed, of an unknown format, or truncated within a quote or an array;
/// Error{kInsufficient} for a file without a usable row, or if no row is of the category;
/// Error{kUsage} for an unknown format.
[[nodiscard]] ImportReport import_conversations(
    const std::vector<std::string>& files,
    const ImportOptions& options,
    const std::function<void(const Conversation&)>& sink,
    const Progress& progress = {});

}  // namespace mascing
