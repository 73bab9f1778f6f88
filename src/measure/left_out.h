// Items of a search's sets that the engine could not process: each counted once, however often it
// is asked.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "stage/outcome.h"

namespace mascing {

class LeftOut {
 public:
  void add(const OutcomeSet& set, int64_t i_item, const std::string& reason);

  [[nodiscard]] bool empty() const { return sets_.empty(); }
  /// "2 of 40 of 'dsr', 1 of 12 of 'general text'; the first because: too long".
  [[nodiscard]] std::string words() const;

 private:
  struct Items {
    std::set<int64_t> left_out;
    int64_t n = 0;  ///< of the whole set
  };

  std::map<std::string, Items> sets_;  ///< by name
  std::string reason_;                 ///< of the first item
};

}  // namespace mascing
