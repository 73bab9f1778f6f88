// Row by row: convert, normalise, drop duplicates, name, pass on. Only three hashes of each
// conversation are kept.
#include "mascing/import.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/similar_text.h"
#include "base/text.h"
#include "format/import/hash_set.h"
#include "format/import/row_source.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"

namespace mascing {

namespace {

constexpr size_t kMaxLines = 20;       // that are kept of one reason
constexpr int64_t kReportRows = 1000;  // between two progress reports
constexpr int64_t kBytesPerUnit = 1 << 20;

int64_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

bool is_blank_text(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

/// A text of punctuation alone stands for itself.
std::string normalised_or_whole(const std::string& text) {
  std::string words = normalise_text(text);
  return words.empty() ? text : words;
}

/// Takes away what follows the last user message. The assistant's messages among it are one answer;
/// a system message would be lost.
std::string take_answer(ImportRow& row, std::vector<Message>& messages) {
  std::string answer;
  while (!messages.empty() && messages.back().role != "user") {
    const Message last = std::move(messages.back());
    messages.pop_back();
    if (last.role == "assistant") {
      answer.insert(0, answer.empty() || last.content.empty() ? "" : "\n\n");
      answer.insert(0, last.content);
    } else if (!messages.empty()) {
      row.refuse("late_system", "a system message follows the last user message");
    }
  }
  return answer;
}

/// Ends the conversation with a user message: what follows the last one becomes the reply.
void put_into_shape(ImportRow& row, const ImportFormat& format, Conversation& conversation) {
  auto& messages = conversation.messages;
  const std::string answer = take_answer(row, messages);
  if (messages.empty()) {
    row.refuse("no_user_message", "the conversation has no user message");
    return;
  }
  const bool has_blank = std::any_of(messages.begin(), messages.end(), [](const Message& message) {
    return message.role == "user" && is_blank_text(message.content);
  });
  if (has_blank) {
    row.refuse("empty_request", "a user message is empty");
  }
  const bool is_reference = format.name == std::string("sharegpt");
  std::string& kept = is_reference ? conversation.reference : conversation.reply;
  if (kept.empty()) {
    kept = answer;
  } else if (!answer.empty() && trim(answer) != trim(kept)) {
    row.refuse("two_replies",
               "the last message is the assistant's, and another reply stands beside");
  }
}

std::vector<Message> normalised(std::vector<Message> messages) {
  for (Message& message : messages) {
    message.content = normalised_or_whole(message.content);
  }
  return messages;
}

ColumnNames lower_names(const ImportOptions& options) {
  ColumnNames names;
  for (const bool is_optional : {false, true}) {
    for (const auto& [own, theirs] : is_optional ? options.optional_columns : options.columns) {
      const std::string name = to_lower_ascii(own);
      names.push_back({name == "request" ? "prompt" : name, to_lower_ascii(theirs), is_optional});
    }
  }
  return names;
}

class Importer {
 public:
  Importer(const ImportOptions& options,
           const std::function<void(const Conversation&)>& sink,
           const Progress& progress)
      : options_(options), sink_(sink), progress_(progress) {}

  void read(const std::string& path, const ImportFormat* format) {
    const int64_t n_byte = size_of(path);
    RowSource rows(path, format, options_.n_max_byte, lower_names(options_), [&] {
      announce(path, 0, n_byte);
    });
    ImportedFile file;
    file.path = path;
    file.format = rows.format().name;
    stem_ = unused_stem(path);
    ImportRow row;
    while (rows.next(row)) {
      if (file.n_row++ % kReportRows == 0) {
        announce(path, rows.position(), n_byte);
      }
      take(row, rows.format(), file);
    }
    announce(path, n_byte, n_byte);
    file.n_line = rows.n_line();
    file.counts_elements = rows.counts_elements();
    file.renamed_columns.assign(rows.renamed_columns().begin(), rows.renamed_columns().end());
    require_any(file);
    report_.n_conversation += file.n_conversation;
    report_.files.push_back(std::move(file));
  }

  [[nodiscard]] ImportReport finish() {
    require_category();
    return std::move(report_);
  }

 private:
  void take(ImportRow& row, const ImportFormat& format, ImportedFile& file) {
    Conversation conversation;
    if (!row.is_refused()) {
      format.convert(row, conversation);
    }
    if (!row.is_refused()) {
      put_into_shape(row, format, conversation);
    }
    if (!row.is_refused()) {
      note_unused(row, file);
      categories_.insert(conversation.category);
    }
    if (row.is_refused()) {
      add_skip(row, file);
    } else if (!is_wanted(conversation)) {
      ++file.n_other_category;
    } else if (!is_duplicate(conversation, row.line, file)) {
      give_id(conversation, row.line, file);
      sink_(conversation);
      ++file.n_conversation;
      note_label(row, file);
      report_.n_script += is_script(conversation) ? 1 : 0;
    }
  }

  static void note_unused(const ImportRow& row, ImportedFile& file) {
    if (file.n_row > kReportRows) {
      return;  // columns are the same all over a file
    }
    for (const std::string& name : row.unused()) {
      auto& names = file.unused_columns;
      const bool is_known = std::find(names.begin(), names.end(), name) != names.end();
      if (!is_known && names.size() < kMaxLines) {
        names.push_back(name);
      }
    }
  }

  static void note_label(const ImportRow& row, ImportedFile& file) {
    if (row.unread_label().empty()) {
      return;
    }
    if (file.n_unread_label++ == 0) {
      file.unread_label = row.unread_label();
    }
    add_line(row.line, file.unread_label_lines);
  }

  static void add_skip(const ImportRow& row, ImportedFile& file) {
    const Skip& skip = row.skip();
    auto at = std::find_if(file.skips.begin(), file.skips.end(), [&](const ImportSkip& other) {
      return other.reason == skip.reason;
    });
    if (at == file.skips.end()) {
      at = file.skips.insert(at, {skip.reason, skip.detail, 0, {}});
    }
    ++at->n;
    add_line(row.line, at->lines);
  }

  static void add_line(int64_t line, std::vector<int64_t>& lines) {
    if (lines.size() < kMaxLines) {
      lines.push_back(line);
    }
  }

  [[nodiscard]] bool is_wanted(const Conversation& conversation) const {
    return options_.category.empty() ||
           to_lower_ascii(conversation.category) == to_lower_ascii(options_.category);
  }

  bool is_duplicate(const Conversation& conversation, int64_t line, ImportedFile& file) {
    if (options_.with_duplicates) {
      return false;
    }
    const std::vector<Message>& messages = conversation.messages;
    const bool is_exact = !exact_.insert(hash_text(messages_text(messages)));
    const bool is_near = !normalised_.insert(hash_text(messages_text(normalised(messages))));
    file.n_exact_duplicate += is_exact ? 1 : 0;
    file.n_near_duplicate += is_near && !is_exact ? 1 : 0;
    if (is_exact || is_near) {
      add_line(line, file.duplicate_lines);
    }
    return is_exact || is_near;
  }

  void give_id(Conversation& conversation, int64_t line, ImportedFile& file) {
    if (!conversation.id.empty() && ids_.insert(hash_text(conversation.id))) {
      return;
    }
    file.n_renamed += conversation.id.empty() ? 0 : 1;
    conversation.id = stem_ + ":" + std::to_string(line);
    while (!ids_.insert(hash_text(conversation.id))) {
      conversation.id += '+';
    }
  }

  std::string unused_stem(const std::string& path) {
    const std::string stem = file_stem(path);
    const int64_t n = ++n_stem_[stem];
    return n == 1 ? stem : stem + "-" + std::to_string(n);
  }

  void announce(const std::string& path, int64_t position, int64_t n_byte) const {
    report(progress_,
           {"importing " + file_name(path),
            position / kBytesPerUnit,
            n_byte / kBytesPerUnit,
            "MiB",
            ""});
  }

  void require_category() const {
    const auto has_all_dropped = [](const ImportedFile& file) {
      return file.n_conversation + file.n_exact_duplicate + file.n_near_duplicate == 0;
    };
    if (options_.category.empty() ||
        !std::all_of(report_.files.begin(), report_.files.end(), has_all_dropped)) {
      return;
    }
    const std::vector<std::string> known(categories_.begin(), categories_.end());
    std::string list;
    for (size_t i = 0; i < std::min(known.size(), kMaxLines); ++i) {
      list += (i == 0 ? "" : ", ") + (known[i].empty() ? "(none)" : printable(known[i]));
    }
    const std::string nearest = closest_match(options_.category, known);
    throw Error(ErrorKind::kInsufficient,
                "[import] no row is of the category \"" + printable(options_.category) +
                    "\"; there are " + list,
                nearest.empty() ? "use one of these, or omit --category"
                                : "did you mean " + printable(nearest) + "?");
  }

  static void require_any(const ImportedFile& file) {
    const int64_t n_used = file.n_conversation + file.n_exact_duplicate + file.n_near_duplicate +
                           file.n_other_category;
    if (n_used > 0) {
      return;
    }
    std::string why = file.n_row == 0 ? "it has a header but no rows" : "";
    if (!file.skips.empty()) {
      const ImportSkip& skip = file.skips.front();
      why = (file.counts_elements ? "element " : "line ") + std::to_string(skip.lines.front()) +
            ": " + skip.example;
    }
    throw Error(ErrorKind::kInsufficient,
                "[import] " + file_name(file.path) + ": none of " + std::to_string(file.n_row) +
                    " rows could be read as " + file.format + ": " + why,
                "set the right format with --format, or correct the file");
  }

  const ImportOptions& options_;
  const std::function<void(const Conversation&)>& sink_;
  const Progress& progress_;
  std::string stem_;
  std::map<std::string, int64_t> n_stem_;
  HashSet exact_;
  HashSet normalised_;
  HashSet ids_;
  std::set<std::string> categories_;
  ImportReport report_;
};

}  // namespace

std::vector<ImportFormatName> import_format_names() {
  std::vector<ImportFormatName> names;
  for (const ImportFormat& format : import_formats()) {
    names.push_back({format.name, format.description});
  }
  return names;
}

ImportReport import_conversations(const std::vector<std::string>& files,
                                  const ImportOptions& options,
                                  const std::function<void(const Conversation&)>& sink,
                                  const Progress& progress) {
  const ImportFormat* format = nullptr;
  if (!options.format.empty()) {
    format = find_format(options.format);
    std::vector<std::string> names;
    for (const ImportFormat& known : import_formats()) {
      names.emplace_back(known.name);
    }
    if (format == nullptr) {
      const std::string nearest = closest_match(options.format, names);
      throw Error(ErrorKind::kUsage,
                  "[import] unknown format \"" + printable(options.format) + "\"",
                  nearest.empty() ? "see `mascing import --help` for the formats"
                                  : "did you mean " + nearest + "?");
    }
  }
  Importer importer(options, sink, progress);
  for (const std::string& path : files) {
    importer.read(path, format);
  }
  return importer.finish();
}

}  // namespace mascing
