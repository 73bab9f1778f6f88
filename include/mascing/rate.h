// A share with a confidence interval.
#pragma once

namespace mascing {

/// A share with its 95 % Wilson interval.
struct Rate {
  double rate = 0.0;
  double low = 0.0;
  double high = 0.0;
};

}  // namespace mascing
