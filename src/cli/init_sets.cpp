// Import, limit, splits, files.
#include "cli/init_sets.h"

#include <algorithm>
#include <iostream>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "cli/import_words.h"
#include "cli/progress_line.h"
#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/import.h"

namespace mascing::cli {
namespace {

/// True if the model has to write the assistant's turns.
bool needs_rollout(const SetSource& source, const std::vector<Conversation>& rows) {
  const auto n_script = std::count_if(rows.begin(), rows.end(), is_script);
  const auto n_recorded = std::count_if(rows.begin(), rows.end(), has_reply);
  if (n_script > 0 && n_recorded > 0) {
    throw Error(ErrorKind::kBadInput,
                "[init] --" + source.word + ": " + std::to_string(n_script) +
                    " scripts without the assistant's turns, and " + std::to_string(n_recorded) +
                    " conversations with them",
                "roll the scripts out with mascing collect, or give only one of the two");
  }
  return n_script > 0;
}

std::string names_of(const std::vector<std::string>& files) {
  std::string names;
  for (const std::string& file : files) {
    names += (names.empty() ? "" : ", ") + file_name(file);
  }
  return names;
}

/// The file's names of the renamed columns that were found go to `found`.
std::vector<Conversation> read_set(SetSource& source,
                                   int64_t n_limit,
                                   uint64_t seed,
                                   std::set<std::string>& found) {
  ImportOptions options;
  options.category = source.category;
  options.columns = source.columns;
  options.optional_columns = source.optional_columns;
  std::vector<Conversation> rows;
  const Progress may_stop = [](const ProgressEvent&) { return !stop_was_requested(); };
  const ImportReport report = import_conversations(
      source.files, options, [&](const Conversation& row) { rows.push_back(row); }, may_stop);
  for (const ImportedFile& file : report.files) {
    say_imported(file);
    found.insert(file.renamed_columns.begin(), file.renamed_columns.end());
  }
  const int64_t n_read = std::ssize(rows);
  rows = take_topics(std::move(rows), n_limit, seed);
  const int64_t n_left_out = n_read - std::ssize(rows);
  source.set.source = "From " + names_of(source.files);
  if (n_left_out > 0) {
    const std::string counts =
        std::to_string(std::ssize(rows)) + " of " + std::to_string(n_read) + " conversations";
    std::cerr << "--" << source.word << ": took " << counts << ", the others are left out (--limit "
              << n_limit << ")\n";
    source.set.source += ": " + counts;
  }
  if (rows.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[init] --" + source.word + ": every topic has more conversations than --limit",
                "raise --limit, or take all with --limit 0");
  }
  source.set.needs_rollout = needs_rollout(source, rows);
  return rows;
}

void require_found(const std::vector<SetSource>& sources, const std::set<std::string>& found) {
  for (const SetSource& source : sources) {
    for (const auto& [own, theirs] : source.optional_columns) {
      if (found.count(to_lower_ascii(theirs)) == 0) {
        throw Error(ErrorKind::kBadInput,
                    "[init] --column " + printable(own) + "=" + printable(theirs) +
                        ": no file has a column \"" + printable(theirs) + "\"",
                    "give --column the name of a column of a file");
      }
    }
  }
}

void require_splits(const std::vector<Conversation>& rows,
                    const SetSource& source,
                    int64_t n_limit) {
  for (const char* split : {"discovery", "selection", "test"}) {
    const bool has_any = std::any_of(
        rows.begin(), rows.end(), [&](const Conversation& row) { return row.split == split; });
    if (!has_any) {
      throw Error(ErrorKind::kInsufficient,
                  "[init] --" + source.word + ": " + std::to_string(rows.size()) +
                      " conversations leave none for the " + split + " split",
                  std::string("add conversations, of more topics") +
                      (n_limit > 0 ? ", or take more of those there are: --limit 0" : ""));
    }
  }
}

}  // namespace

std::vector<std::vector<Conversation>> read_sets(std::vector<SetSource>& sources,
                                                 int64_t n_limit,
                                                 uint64_t seed) {
  std::vector<std::vector<Conversation>> sets;
  sets.reserve(sources.size());
  std::set<std::string> found;
  for (SetSource& source : sources) {
    sets.push_back(read_set(source, n_limit, seed, found));
  }
  require_found(sources, found);
  const SplitReport report = assign_splits(sets, seed);
  for (size_t i = 0; i < sets.size(); ++i) {
    require_splits(sets[i], sources[i], n_limit);
  }
  std::cerr << "splits: " << report.n_group << " groups of one topic or of near duplicates";
  if (report.n_tied > 0) {
    std::cerr << "; " << report.n_tied << " conversations follow a near duplicate of another topic";
  }
  std::cerr << "; the largest group has " << report.n_largest << '\n';
  return sets;
}

void write_sets(const std::string& folder,
                const std::vector<std::vector<Conversation>>& sets,
                std::vector<SetSource>& sources) {
  const std::string data = path_within(folder, "data");
  ensure_directory(data);
  for (size_t i = 0; i < sets.size(); ++i) {
    const std::string name = sources[i].word + ".jsonl";
    AtomicFile file(path_within(data, name));
    for (const Conversation& row : sets[i]) {
      file.write(to_jsonl(row) + '\n');
    }
    file.commit();
    sources[i].set.data = {"data/" + name};
  }
}

}  // namespace mascing::cli
