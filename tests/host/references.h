// References of texts from a host, without a cache.
#pragma once

#include <vector>

#include "stage/outcome.h"

namespace mascing {

inline void add_references(Host& host, std::vector<OutcomeSet>& sets) {
  for (OutcomeSet& set : sets) {
    set_references(reference_texts(host, set.texts), set);
  }
}

}  // namespace mascing
