// Text and bytes in a fixed order: changing it would invalidate every existing mask.
#include "format/router_fingerprint.h"

namespace mascing {

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

}  // namespace mascing
