// Names for the Eigen types used here: everything is row-major, as PyTorch stores it, and
// workspaces only ever grow. How Eigen groups the terms of a sum depends on where in memory they
// lie relative to its packets: what is summed lives in aligned memory, so that the same input gives
// the same bytes.
#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Core>

namespace mascing::nn {

template <typename Scalar>
using RowMatrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename Scalar>
using RowVector = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;

/// Views over numbers that somebody else owns.
template <typename Scalar>
using MatrixMap = Eigen::Map<RowMatrix<Scalar>>;
template <typename Scalar>
using ConstMatrixMap = Eigen::Map<const RowMatrix<Scalar>>;
template <typename Scalar>
using ConstVectorMap = Eigen::Map<const RowVector<Scalar>>;
template <typename Scalar>
using ArrayMap = Eigen::Map<Eigen::Array<Scalar, 1, Eigen::Dynamic>>;
template <typename Scalar>
using ConstArrayMap = Eigen::Map<const Eigen::Array<Scalar, 1, Eigen::Dynamic>>;

/// A vector whose first number lies on a packet boundary.
template <typename Scalar>
using AlignedVector = std::vector<Scalar, Eigen::aligned_allocator<Scalar>>;

/// Memory that is reused from batch to batch: reallocated only if a larger view is asked for, and
/// its contents are unspecified after `reserve`.
template <typename Scalar>
class Workspace {
 public:
  void reserve(int64_t n_row, int64_t n_col) {
    n_row_ = n_row;
    n_col_ = n_col;
    if (storage_.size() < n_row * n_col) {
      storage_.resize(n_row * n_col);
    }
  }
  [[nodiscard]] MatrixMap<Scalar> view() { return {storage_.data(), n_row_, n_col_}; }
  [[nodiscard]] ConstMatrixMap<Scalar> view() const { return {storage_.data(), n_row_, n_col_}; }

 private:
  Eigen::Array<Scalar, Eigen::Dynamic, 1> storage_;
  int64_t n_row_ = 0;
  int64_t n_col_ = 0;
};

}  // namespace mascing::nn
