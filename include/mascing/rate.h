// A share with a confidence interval.
#pragma once

#include <cstdint>

namespace mascing {

/// A share with its 95 % Wilson interval.
struct Rate {
  double rate = 0.0;
  double low = 0.0;
  double high = 0.0;
  int64_t n = 0;  ///< cases behind it; 0 = none, or not known (results of earlier versions)
};

}  // namespace mascing
