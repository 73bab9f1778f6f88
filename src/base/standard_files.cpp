// The system gives the lowest number that is free.
#include "base/standard_files.h"

#include <array>

#include <fcntl.h>

namespace mascing {

void open_standard_files() {
  constexpr std::array<int, 3> kModes = {O_RDONLY, O_RDONLY, O_WRONLY};
  for (int i = 0; i < 3; ++i) {
    if (::fcntl(i, F_GETFD) == -1) {
      (void)::open("/dev/null", kModes.at(i));
    }
  }
}

}  // namespace mascing
