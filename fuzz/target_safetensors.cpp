// Safetensors as a container. What is accepted is read in full.
#include "base/files.h"
#include "format/safetensors.h"
#include "fuzz.h"

namespace mascing::fuzz {

namespace {

std::string container() {
  const float floats[] = {1, 2, 3, 4, 5, 6};
  const uint16_t halves[] = {1, 2, 3};
  const ScratchFolder folder;
  write_safetensors(folder.path("s"),
                    {{"weight", "F32", {2, 3}, floats, sizeof floats},
                     {"half", "F16", {3}, halves, sizeof halves},
                     {"scalar", "F32", {}, floats, sizeof(float)}},
                    {{"note", "tiny"}});
  return read_text_file(folder.path("s"));
}

}  // namespace

std::vector<std::string> seeds() {
  return {container()};
}

std::vector<std::string> words() {
  return {"\"dtype\":",
          "\"shape\":",
          "\"data_offsets\":",
          "__metadata__",
          "F32",
          "F16",
          "BF16",
          "[0,0]",
          "[9223372036854775807]",
          "-1",
          "4294967296",
          "{",
          "}",
          "[",
          "]",
          "\\u0000"};
}

void try_input(std::string_view input) {
  static const MemoryFile file;
  file.fill(input);
  expect_value_or_error([&] {
    const SafetensorsFile tensors = SafetensorsFile::open(file.path());
    uint64_t sum = 0;
    for (const SafetensorsTensor& tensor : tensors.tensors()) {
      for (size_t i = 0; i < tensor.size_bytes; ++i) {
        sum += static_cast<uint64_t>(tensor.data[i]);
      }
    }
    static volatile uint64_t sink;
    sink = sum;
  });
}

}  // namespace mascing::fuzz
