// Surrogate files: the first byte says whether the rest is a file ('F') or the header of a sound
// one ('H'). What is accepted predicts the label of a few traces of its shape: weights that
// are not finite must be refused there, all others must give probabilities.
#include <cmath>

#include "base/files.h"
#include "fuzz.h"
#include "mascing/surrogate_file.h"
#include "mascing/train.h"
#include "nn/surrogate_layout.h"

namespace mascing::fuzz {

namespace {

std::string surrogate_of(const SurrogateShape& shape) {
  const ScratchFolder folder;
  write_surrogate(folder.path("s"), {shape, initial_surrogate(shape, 1)}, {{"seed", "1"}});
  return read_text_file(folder.path("s"));
}

/// Two traces of one and three tokens; the numbers outlive the set.
TraceSet traces_of(const SurrogateShape& shape, const std::vector<uint16_t>& logits) {
  TraceSet set;
  set.n_layer = shape.n_layer;
  set.n_expert = shape.n_expert;
  for (const int64_t n_token : {1, 3}) {
    TraceView trace;
    trace.id = "t";
    trace.n_token = n_token;
    trace.logits = logits.data();
    set.traces.push_back(trace);
  }
  return set;
}

const std::string& sound() {
  static const std::string only = surrogate_of({2, 3, 2, 2});
  return only;
}

void use(const Surrogate& surrogate) {
  const SurrogateShape& shape = surrogate.shape;
  std::vector<uint16_t> logits(static_cast<size_t>(3 * shape.n_layer * shape.n_expert));
  for (size_t i = 0; i < logits.size(); ++i) {
    logits[i] = static_cast<uint16_t>(0x3C00U + i % 512U);  // 1 and somewhat more
  }
  for (const float p : predict(surrogate, traces_of(shape, logits))) {
    // Weights near the limits of float give infinity minus infinity; anything else is within [0,
    // 1].
    if (p < 0.0F || p > 1.0F) {
      throw std::logic_error("a probability beyond [0, 1]");
    }
  }
}

}  // namespace

std::vector<std::string> seeds() {
  return {"F" + surrogate_of({1, 2, 1, 1}), "F" + sound(), "H" + header_of(sound())};
}

std::vector<std::string> words() {
  return {"\"mascing.surrogate.n_layer\":\"",
          "\"mascing.surrogate.n_hidden\":\"",
          "\"values\":",
          "\"shape\":[",
          "\"data_offsets\":[0,",
          "__metadata__",
          "F32",
          "F16",
          "-1",
          "0",
          "1048576",
          "1048577",
          "9223372036854775807",
          "1e3",
          std::string("\x00\x00\xC0\x7F", 4),   // NaN
          std::string("\x00\x00\x80\x7F", 4),   // infinity
          std::string("\xFF\xFF\x7F\x7F", 4)};  // the largest number
}

void try_input(std::string_view input) {
  const char kind = kind_of(input);
  const std::string_view rest = rest_of(input);
  static const MemoryFile file;
  file.fill(kind == 'H' ? with_header(rest, sound()) : std::string(rest));
  expect_value_or_error([&] {
    std::map<std::string, std::string> metadata;
    use(read_surrogate(file.path(), &metadata));
  });
}

}  // namespace mascing::fuzz
