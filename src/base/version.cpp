// Only this file is compiled with the version number.
#include "mascing/version.h"

namespace mascing {

const char* version() {
  return MASCING_VERSION;
}

}  // namespace mascing
