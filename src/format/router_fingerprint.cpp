// Text and bytes in a fixed order: changing it would invalidate every existing mask.
#include "format/router_fingerprint.h"

#include <array>
#include <charconv>
#include <cmath>

namespace mascing {
namespace {

template <typename Number>
void append_number(std::string& line, Number value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  line.append(line.empty() ? "" : " ").append(text.data(), end);
}

/// Reads a number and the space behind it; false if there is none.
template <typename Number>
bool take_number(const char*& at, const char* end, Number& value) {
  const auto [stop, failure] = std::from_chars(at, end, value);
  at = stop < end && *stop == ' ' ? stop + 1 : stop;
  return failure == std::errc();
}

}  // namespace

RouterFingerprint::RouterFingerprint(const std::string& architecture) {
  hash_.update("mascing.router " + architecture + "\n");
}

void RouterFingerprint::add(int64_t block,
                            const std::string& kind,
                            int32_t type,
                            const std::vector<int64_t>& dims,
                            const void* data,
                            size_t size_bytes) {
  std::string head = std::to_string(block) + " " + kind + " " + std::to_string(type);
  for (const int64_t n : dims) {
    head += " ";
    head += std::to_string(n);
  }
  hash_.update(head + "\n");
  hash_.update(data, size_bytes);
}

std::vector<std::string> sketch_lines(const RouterSketch& sketch) {
  std::vector<std::string> lines;
  for (int64_t r = 0; r < std::ssize(sketch.types); ++r) {
    std::string line;
    append_number(line, sketch.types[r]);
    for (int64_t i = 0; i < RouterSketch::kWidth; ++i) {
      append_number(line, sketch.values[r * RouterSketch::kWidth + i]);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

RouterSketch sketch_from_lines(const std::vector<std::string>& lines) {
  RouterSketch sketch;
  for (const std::string& line : lines) {
    const char* at = line.data();
    const char* end = line.data() + line.size();
    int64_t type = 0;
    bool is_sound = take_number(at, end, type);
    sketch.types.push_back(type);
    for (int64_t i = 0; i < RouterSketch::kWidth; ++i) {
      float value = 0.0F;
      is_sound = is_sound && take_number(at, end, value) && std::isfinite(value);
      sketch.values.push_back(value);
    }
    if (!is_sound || at != end) {
      return {};
    }
  }
  return sketch;
}

}  // namespace mascing
