// Stands in for the bundle in a build without npm (cmake/web.cmake): pages are plain, and there
// is no console.
#include "report/bundle.h"

namespace mascing {

const char* bundled_script() {
  return "";
}

const char* bundled_style() {
  return "";
}

const char* console_script() {
  return "";
}

const char* console_style() {
  return "";
}

}  // namespace mascing
