// Ids are small letters, digits and underscores; two are abbreviations.
#include "base/metric_names.h"

#include <algorithm>

namespace mascing {

std::string display_name(const std::string& id) {
  std::string name = id;
  if (id == "dsr" || id == "gsr") {
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return static_cast<char>(c - 'a' + 'A');
    });
  }
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

}  // namespace mascing
