// Sets are told apart by their names, so that folds and splits of one set count together.
#include "measure/left_out.h"

#include <algorithm>

#include "base/text.h"

namespace mascing {

void LeftOut::add(const OutcomeSet& set, int64_t i_item, const std::string& reason) {
  if (sets_.empty()) {
    reason_ = reason;
  }
  Items& items = sets_[set.name];
  items.left_out.insert(i_item);
  items.n = std::max(items.n, set.size());
}

std::string LeftOut::words() const {
  std::string counts;
  for (const auto& [name, items] : sets_) {
    counts += (counts.empty() ? "" : ", ") + std::to_string(items.left_out.size()) + " of " +
              std::to_string(items.n) + " of '" + name + "'";
  }
  return counts + "; the first because: " + printable(reason_, 200);
}

}  // namespace mascing
