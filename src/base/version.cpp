// The build hands the version over to this file alone.
#include "mascing/version.h"

namespace mascing {

const char* version() {
  return MASCING_VERSION;
}

}  // namespace mascing
