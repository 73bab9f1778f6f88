// Under libFuzzer: with MASCING_FUZZ_SEEDS=FOLDER in the environment a target writes its seeds
// there, and its words as a dictionary to FOLDER.dict, and ends (tools/fuzz_table.py asks for it).
#include <cstdlib>

#include "fuzz.h"

namespace mascing::fuzz {
namespace {

/// A line of a dictionary, as libFuzzer reads it: "text with \xNN".
std::string dictionary_line(const std::string& word) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string line = "\"";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte < 0x7F && c != '"' && c != '\\') {
      line += c;
    } else {
      line += std::string("\\x") + kDigits[byte >> 4U] + kDigits[byte & 0xFU];
    }
  }
  return line + "\"\n";
}

void write_seeds(const std::string& folder) {
  int n = 0;
  for (const std::string& seed : seeds()) {
    write_plainly(folder + "/seed-" + std::to_string(n++), seed);
  }
  std::string dictionary;
  for (const std::string& word : words()) {
    dictionary += word.empty() ? "" : dictionary_line(word);
  }
  write_plainly(folder + ".dict", dictionary);
}

}  // namespace
}  // namespace mascing::fuzz

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* folder = std::getenv("MASCING_FUZZ_SEEDS");
  if (folder != nullptr) {
    mascing::fuzz::write_seeds(folder);
    std::exit(0);
  }
  return 0;
}
