// Two passes, so that large means do not swallow small scatter.
#include "stage/row_means.h"

#include <cmath>

#include "base/numeric.h"

namespace mascing {

RowMeans row_means(const std::vector<std::vector<double>>& rows) {
  const double n = to_double(std::ssize(rows));
  const size_t d = rows.front().size();
  RowMeans means = {std::vector<double>(d, 0.0), std::vector<double>(d, 0.0)};
  for (size_t j = 0; j < d; ++j) {
    for (const std::vector<double>& row : rows) {
      means.mean[j] += row[j] / n;
    }
    double square = 0.0;
    for (const std::vector<double>& row : rows) {
      square += (row[j] - means.mean[j]) * (row[j] - means.mean[j]);
    }
    means.standard_error[j] = n > 1.0 ? std::sqrt(square / (n - 1.0) / n) : 0.0;
  }
  return means;
}

}  // namespace mascing
