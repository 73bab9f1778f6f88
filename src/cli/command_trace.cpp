// `mascing trace`: records the router logits of labelled conversations.
#include <algorithm>
#include <iostream>
#include <map>
#include <utility>

#include "base/files.h"
#include "base/folder_lock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/mask_options.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "mascing/contrast.h"
#include "mascing/conversation_file.h"
#include "mascing/data_summary.h"
#include "mascing/error.h"
#include "mascing/trace_store.h"
#include "measure/cache.h"
#include "measure/traces.h"

namespace mascing::cli {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;

struct TraceArguments {
  std::vector<std::string> files;
  TraceStoreOptions store = {"traces"};
  std::string contrast = "all";
  std::string split = "all";
  std::string shard = "1/1";
  uint64_t seed = 0;
  ModelOptions model;
};

/// The rows of the wanted split; without one, says so if test conversations are among all.
std::vector<Conversation> rows_of(const std::string& path, const TraceArguments& arguments) {
  std::vector<Warning> warnings;
  std::vector<Conversation> rows = read_conversations(path, &warnings);
  say_warnings(warnings);
  if (arguments.split != "all") {
    std::erase_if(rows, [&](const Conversation& row) {
      return split_name(row, arguments.seed) != arguments.split;
    });
    if (rows.empty()) {
      throw Error(
          ErrorKind::kInsufficient,
          "[trace] " + printable(path, 200) + " has no conversation of the split " +
              arguments.split,
          "omit --split, or give rows a \"split\"; without one it follows topic and --seed");
    }
    return rows;
  }
  const auto n_test = std::count_if(
      rows.begin(), rows.end(), [](const Conversation& row) { return row.split == "test"; });
  if (n_test > 0) {
    std::cerr << "note: " << n_test << " of " << rows.size() << " conversations of "
              << printable(file_name(path))
              << " belong to the test split; a mask made from them cannot be tested on them "
                 "(--split discovery leaves them out)\n";
  }
  return rows;
}

/// Selects from a file's labelled conversations and prints a summary.
std::vector<Conversation> choose(const std::string& path,
                                 Contrast contrast,
                                 const TraceArguments& arguments) {
  std::vector<Conversation> rows = rows_of(path, arguments);
  if (contrast == Contrast::kAll) {
    return rows;
  }
  ContrastSet set = match_contrast(rows, contrast, arguments.seed);
  const ContrastReport& r = set.report;
  std::cerr << file_name(path) << ": " << r.n_label_1 << " pairs: " << r.n_same_turns
            << " of one topic and number of turns, " << r.n_same_topic << " of one topic, "
            << r.n_prefix << " with a prefix; dropped " << r.n_dropped_1 << " with label 1, "
            << r.n_dropped_0 << " with label 0\n";
  return std::move(set.rows);
}

/// What each conversation was given as: 1, 0, or unlabelled, and how many stand there twice.
class LabelCount {
 public:
  void add(const std::string& file, const Conversation& row) {
    const int label = row.label.value_or(-1);
    ++n_[label];
    const auto [at, is_new] =
        known_.try_emplace(messages_text(row.messages), label, file + ", " + row.id);
    if (is_new) {
      return;
    }
    ++n_repeated_;
    if (at->second.first != label && n_contradicting_++ == 0) {
      example_ = printable(at->second.second) + " and " + printable(file + ", " + row.id);
    }
  }
  void say() const {
    std::cerr << "labels: " << count(1) << " with label 1, " << count(0) << " with label 0, "
              << count(-1) << " without\n";
    if (n_repeated_ > 0) {
      std::cerr << "note: " << n_repeated_
                << " conversations repeat an earlier one and count once more\n";
    }
    if (n_contradicting_ > 0) {
      say_warning("labels_contradict",
                  "another label, or none, than an equal one: " +
                      counted(n_contradicting_, "conversation") + ", " + example_,
                  "keep one of them; a mask learns from the difference");
    }
  }

  /// True if something can be learned from the labels.
  [[nodiscard]] bool has_both() const { return count(0) > 0 && count(1) > 0; }

 private:
  [[nodiscard]] int64_t count(int label) const {
    const auto found = n_.find(label);
    return found == n_.end() ? 0 : found->second;
  }

  std::map<int, int64_t> n_;
  std::map<std::string, std::pair<int, std::string>> known_;  ///< with file and id of the first
  int64_t n_repeated_ = 0;
  int64_t n_contradicting_ = 0;
  std::string example_;  ///< the first two of them
};

/// What became of traces that the folder held before.
void say_kept(const std::string& folder, bool was_finished, int64_t n_kept) {
  if (n_kept > 0) {
    std::cerr << counted(n_kept, "conversation") << " already done\n";
  } else if (was_finished) {
    std::cerr << "note: " << printable(folder)
              << " was made with other conversations, options or model, or by another version of "
                 "mascing; all conversations were traced anew\n";
  }
  const UnlistedShards others = unlisted_shards(folder);
  if (others.n_file > 0) {
    std::cerr << "note: " << printable(folder) << " keeps " << counted(others.n_file, "file")
              << " of other traces (" << (others.n_byte + kMebibyte - 1) / kMebibyte
              << " MiB); only tracing the same again reads them\n";
  }
}

std::string next_step(const TraceStoreOptions& store, bool has_both_labels) {
  if (!store.shard.is_whole()) {
    return "run the same command with --merge and the folders of all shards";
  }
  return has_both_labels
             ? command_line({"mascing", "train", store.folder, "-o", "surrogate.safetensors"})
             : "give rows \"label\": 0 or 1 (mascing collect does) and trace them; train and steer "
               "need both";
}

void execute(const TraceArguments& arguments, Session& session) {
  const auto contrast = parse_contrast(arguments.contrast);
  if (!contrast) {
    throw Error(ErrorKind::kUsage,
                "[trace] --contrast is \"" + arguments.contrast + "\", expected " + kContrastWords,
                "omit it to trace all conversations");
  }
  TraceStoreOptions store = arguments.store;
  store.shard = parse_shard(arguments.shard);
  std::vector<TraceInput> inputs;
  LabelCount labels;
  for (const std::string& path : arguments.files) {
    inputs.push_back({file_stem(path), choose(path, *contrast, arguments)});
    for (const Conversation& row : inputs.back().rows) {
      labels.add(file_name(path), row);
    }
  }
  labels.say();
  ensure_directory(store.folder);
  const FolderLock lock(store.folder);
  const bool was_finished = file_exists(path_within(store.folder, "manifest.json"));
  const auto host = arguments.model.open();
  store.context = context_key(host->describe(), arguments.model.n_thread(), arguments.model.key());
  const auto [traces, skipped, n_kept] =
      collect_traces(*host, inputs, store, ProgressLine().callback());
  say_kept(store.folder, was_finished, n_kept);
  std::cout << counted(std::ssize(traces.traces), "conversation") << " traced, " << traces.n_layer
            << " layers x " << traces.n_expert << " experts; " << skipped.size() << " skipped\n";
  for (const Skipped& skip : skipped) {
    std::cout << "  skipped " << skip.id << ": " << skip.reason << '\n';
  }
  say_written(store.folder, next_step(store, labels.has_both()));
  session.exit_code = 0;
}

}  // namespace

void add_trace(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<TraceArguments>();
  CLI::App* command = app.add_subcommand("trace",
                                         "Record the router logits at the final user message of "
                                         "each conversation (JSONL with labels).");
  add_examples(*command, "  mascing trace labelled.jsonl benign.jsonl -m model.gguf -o traces/");
  command
      ->add_option("files",
                   arguments->files,
                   "Conversations (JSONL); rows without a label are used to preserve routing")
      ->required();
  command->add_option("-o,--output", arguments->store.folder, "Folder of the trace store")
      ->capture_default_str();
  command
      ->add_option("--contrast",
                   arguments->contrast,
                   "Labelled conversations to use: all; matched (equal label counts per topic, "
                   "similar number of turns); prefixes (as matched, filled up with the safe "
                   "prefixes of label-1 conversations)")
      ->capture_default_str();
  command
      ->add_option("--split",
                   arguments->split,
                   "Only conversations of this split (discovery, selection or test); those that "
                   "name none are divided by a hash of topic and --seed, as in `run`")
      ->check(CLI::IsMember({"all", "discovery", "selection", "test"}))
      ->capture_default_str();
  add_seed(*command, arguments->seed);
  command
      ->add_option(
          "--shard", arguments->shard, "Trace shard I of N, such as 2/4; combine with --merge")
      ->capture_default_str();
  command->add_option("--merge",
                      arguments->store.merge,
                      "Shard folders to combine; missing conversations are traced");
  arguments->model.add_to(*command);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
