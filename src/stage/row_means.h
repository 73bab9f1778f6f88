// The mean of several rows of numbers, column by column, and how sure it is.
#pragma once

#include <vector>

namespace mascing {

struct RowMeans {
  std::vector<double> mean;            ///< [d]
  std::vector<double> standard_error;  ///< [d] of the mean, from the scatter of the rows
};

/// `rows` [n][d]; one row has a mean without an error.
[[nodiscard]] RowMeans row_means(const std::vector<std::vector<double>>& rows);

}  // namespace mascing
