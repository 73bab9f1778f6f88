// Touching a page also maps its neighbours in the page cache, half a megabyte and more, so
// releasing single traces frees nothing. Instead the whole mapping is dropped whenever the traces
// released since the last time may have mapped a certain amount. Readers get their pages back from
// the page cache.
#include "format/trace_release.h"

#include <algorithm>
#include <atomic>

namespace mascing {
namespace {

constexpr int64_t kStayBytes = int64_t{256} << 20;
constexpr int64_t kDropBytes = int64_t{96} << 20;
constexpr int64_t kLeastBytes = int64_t{512} << 10;  // that reading a trace brings in
constexpr int64_t kLogitBytes = sizeof(uint16_t);

}  // namespace

std::function<void(const TraceView&)> releasing(
    const std::shared_ptr<const std::vector<SafetensorsFile>>& files, int64_t n_value) {
  int64_t size = 0;
  for (const SafetensorsFile& file : *files) {
    size += std::ssize(file.file());
  }
  if (size <= kStayBytes) {
    return {};
  }
  const auto n_released = std::make_shared<std::atomic<int64_t>>(0);  // bytes since the last drop
  return [files, n_value, n_released](const TraceView& trace) {
    const int64_t n_byte = trace.n_token * n_value * kLogitBytes;
    const int64_t n_before = n_released->fetch_add(std::max(n_byte, kLeastBytes));
    if (n_before + std::max(n_byte, kLeastBytes) >= kDropBytes) {
      n_released->store(0);
      for (const SafetensorsFile& file : *files) {
        file.file().let_go();
      }
    }
  };
}

}  // namespace mascing
