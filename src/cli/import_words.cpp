// Texts.
#include "cli/import_words.h"

#include <algorithm>
#include <iostream>

#include "base/files.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

constexpr int64_t kShownLines = 5;

/// "lines 3, 5, 7", or the numbers of elements in a JSON array.
std::string lines_of(const ImportedFile& file, const std::vector<int64_t>& lines, int64_t n) {
  std::string text;
  for (int64_t i = 0; i < std::min(std::ssize(lines), kShownLines); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(lines[i]);
  }
  const std::string word = file.counts_elements ? "element" : "line";
  return word + (n == 1 ? " " : "s ") + text + (n > kShownLines ? ", ..." : "");
}

}  // namespace

void say_imported(const ImportedFile& file) {
  std::cerr << file_name(file.path) << ": " << file.format << ", " << counted(file.n_row, "row")
            << " in " << counted(file.n_line, "line") << ": "
            << counted(file.n_conversation, "conversation") << '\n';
  for (const ImportSkip& skip : file.skips) {
    std::cerr << "  skipped " << skip.n << " (" << skip.reason << "), "
              << lines_of(file, skip.lines, skip.n) << ": " << printable(skip.example, 120) << '\n';
  }
  const int64_t n_duplicate = file.n_exact_duplicate + file.n_near_duplicate;
  if (n_duplicate > 0) {
    std::cerr << "  dropped " << n_duplicate << " duplicates (" << file.n_near_duplicate
              << " near duplicates), " << lines_of(file, file.duplicate_lines, n_duplicate) << '\n';
  }
  if (file.n_other_category > 0) {
    std::cerr << "  dropped " << file.n_other_category << " of other categories\n";
  }
  if (file.n_unread_label > 0) {
    std::cerr << "  no label for " << counted(file.n_unread_label, "conversation") << ", "
              << lines_of(file, file.unread_label_lines, file.n_unread_label) << ": "
              << file.unread_label << ", expected 0 or 1 (1 = the behaviour to move away from)\n";
  }
  if (!file.unused_columns.empty()) {
    std::string names;
    for (const std::string& name : file.unused_columns) {
      names += (names.empty() ? "" : ", ") + printable(name, 30);
    }
    std::cerr << "  columns not used: " << names << "; --column gives a column another meaning\n";
  }
  if (file.n_renamed > 0) {
    std::cerr << "  renamed " << counted(file.n_renamed, "conversation")
              << " (ids already in use)\n";
  }
}

std::pair<std::string, std::string> parse_column(const std::string& word,
                                                 const std::string& command) {
  const size_t sign = word.find('=');
  if (sign == std::string::npos || sign == 0 || sign + 1 == word.size()) {
    throw Error(ErrorKind::kUsage,
                "[" + command + "] --column \"" + printable(word) + "\", expected OURS=THEIRS",
                "such as --column prompt=question --column reply=answer");
  }
  return {word.substr(0, sign), word.substr(sign + 1)};
}

}  // namespace mascing::cli
