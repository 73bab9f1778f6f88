// Memory of a trace that streams to disk: the peak for a growing number of conversations.
//
//   trace_memory MODEL.gguf CONVERSATIONS.jsonl N [FOLDER = the system's temporary one]
//
// Traces N conversations, made of the file's by numbering them, through collect_traces and prints
// what the process held at most, less the conversations' own text. One N a process.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "mascing/conversation_file.h"
#include "mascing/error.h"
#include "mascing/llama_host.h"
#include "measure/traces.h"
#include "race.h"

namespace {

using namespace mascing;  // NOLINT: a program of one file

std::vector<Conversation> numbered(const std::string& path, size_t n) {
  const std::vector<Conversation> source = read_conversations(path);
  std::vector<Conversation> rows;
  rows.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    Conversation row = source[i % source.size()];
    row.id = "c" + std::to_string(i);
    row.messages.back().content += " For the " + std::to_string(i) + "th time.";
    rows.push_back(std::move(row));
  }
  return rows;
}

void measure(int argc, char** argv) {
  const size_t n = std::strtoull(argv[3], nullptr, 10);
  const std::filesystem::path parent = argc > 4 ? argv[4] : std::filesystem::temp_directory_path();
  const std::filesystem::path folder = parent / ("trace_memory-" + std::to_string(n));
  std::filesystem::remove_all(folder);
  LlamaHostOptions options;
  options.path = argv[1];
  options.n_thread = 1;
  const auto host = open_llama_host(options);
  const double before = memory_mb("VmRSS:");
  const std::vector<TraceInput> inputs = {{"rows", numbered(argv[2], n)}};
  const double text = memory_mb("VmRSS:") - before;
  std::filesystem::create_directories(folder);
  const TraceSet set = collect_traces(*host, inputs, {folder.string()}, {}).traces;
  uintmax_t disk = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    disk += entry.file_size();
  }
  const double peak = memory_mb("VmHWM:");
  std::printf(
      "%zu of %zu conversations: %.1f MB on disk; peak %.1f MB, conversations' text %.1f MB, "
      "all else %.1f MB\n",
      set.traces.size(),
      n,
      static_cast<double>(disk) / 1048576.0,
      peak,
      text,
      peak - text);
  std::filesystem::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: trace_memory MODEL.gguf CONVERSATIONS.jsonl N [FOLDER]\n");
    return 2;
  }
  try {
    measure(argc, argv);
    return 0;
  } catch (const Error& e) {
    std::fprintf(stderr, "trace_memory: error: %s\n", e.what());
    return 1;
  }
}
