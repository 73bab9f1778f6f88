// Ridge regression by the smaller of the two normal systems,
//   effect = A y,  A = (X'X + rI)^-1 X' = X' (XX' + rI)^-1,
// the penalty r chosen by leave-one-out error, e_i / (1 - (XA)_ii), on a grid.
#include "stage/effect_map.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/numeric.h"
#include "mascing/error.h"
#include "stage/budget_spent.h"

#include <Eigen/Dense>

namespace mascing {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

struct Fit {
  MatrixXd a;  ///< [d, n]
  VectorXd effect;
  double error = 0.0;  ///< mean squared leave-one-out error
  double ridge = 0.0;
};

Fit fit_at(const MatrixXd& x, const VectorXd& y, double ridge) {
  const auto n = x.rows();
  const auto d = x.cols();
  Fit fit;
  fit.ridge = ridge;
  if (n < d) {
    const MatrixXd gram = x * x.transpose() + ridge * MatrixXd::Identity(n, n);
    fit.a = gram.ldlt().solve(x).transpose();
  } else {
    const MatrixXd gram = x.transpose() * x + ridge * MatrixXd::Identity(d, d);
    fit.a = gram.ldlt().solve(x.transpose());
  }
  fit.effect = fit.a * y;
  const VectorXd residual = y - x * fit.effect;
  for (Eigen::Index i = 0; i < n; ++i) {
    const double left = std::max(1e-6, 1.0 - x.row(i).dot(fit.a.col(i)));
    fit.error += residual[i] * residual[i] / (left * left) / to_double(n);
  }
  return fit;
}

/// How random masks are drawn: d signs of one size, and the mask that a draw stands for.
struct Design {
  int64_t d = 0;
  double size = 0.0;
  uint64_t stream = 0;  ///< of random numbers, beside the seed
  std::function<Steering(const std::vector<float>& drawn, float sign)> steering;
};

/// One conversation for each pair, in rounds, until the effects are known well enough.
EffectMap regress_on_masks(const Design& design,
                           const std::vector<OutcomeSet>& sets,
                           int64_t i_set,
                           const AskModel& ask,
                           const EffectOptions& options) {
  Rng rng(mix_seed(options.seed, design.stream));
  std::vector<float> rows;
  std::vector<double> response;
  EffectMap map;
  for (int64_t n = 0; n < options.n_max && map.reliability() < options.reliability;) {
    if (n > 0 && options.is_spent && options.is_spent()) {
      break;
    }
    report(options.progress, {options.what, n, options.n_max, "pairs of masks", ""});
    const int64_t n_now = std::min(options.n_round, options.n_max - n);
    std::vector<std::vector<float>> drawn;
    std::vector<Question> questions;
    for (int64_t i = 0; i < n_now; ++i) {
      drawn.push_back(draw_perturbation(rng, design.d, design.size));
      const int64_t i_item = rng.below(sets[i_set].size());
      for (const float sign : {1.0F, -1.0F}) {
        questions.push_back({i_set, i_item, design.steering(drawn.back(), sign)});
      }
    }
    std::vector<double> answers;
    try {
      answers = ask(questions);
    } catch (const BudgetSpent&) {
      if (n == 0) {
        throw;
      }
      break;
    }
    for (size_t i = 0; i < drawn.size(); ++i) {
      const double half = (answers[2 * i] - answers[2 * i + 1]) / 2.0;
      if (std::isfinite(half)) {
        response.push_back(half);
        rows.insert(rows.end(), drawn[i].begin(), drawn[i].end());
      }
    }
    map = fit_effects(rows, response, design.d);
    n += n_now;
  }
  return map;
}

}  // namespace

std::vector<double> q_values(const std::vector<double>& p) {
  const int64_t d = std::ssize(p);
  std::vector<int64_t> order(d);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return p[a] < p[b]; });
  std::vector<double> q(d, 1.0);
  double least = 1.0;
  for (int64_t k = d - 1; k >= 0; --k) {
    least = std::min(least, p[order[k]] * to_double(d) / to_double(k + 1));
    q[order[k]] = least;
  }
  return q;
}

double two_sided_p(double effect, double standard_error) {
  const double z = standard_error > 0.0 ? std::fabs(effect) / standard_error : 0.0;
  return std::erfc(z / std::sqrt(2.0));
}

int64_t EffectMap::n_significant(double level) const {
  return std::count_if(q_value.begin(), q_value.end(), [&](double q) { return q <= level; });
}

EffectMap fit_effects(const std::vector<float>& design,
                      const std::vector<double>& response,
                      int64_t d) {
  const int64_t n = std::ssize(response);
  if (n < 3) {
    throw Error(ErrorKind::kInsufficient,
                "[effects] " + std::to_string(n) + " interventions, expected at least 3");
  }
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const MatrixXd x = Eigen::Map<const RowMajor>(design.data(), n, d).cast<double>();
  const VectorXd y = Eigen::Map<const VectorXd>(response.data(), n);
  const double scale = x.squaredNorm() / to_double(d);  // of the Gram matrix's diagonal
  Fit best;
  for (const double relative : {0.03, 0.1, 0.3, 1.0, 3.0, 10.0}) {
    Fit fit = fit_at(x, y, relative * scale);
    if (best.effect.size() == 0 || fit.error < best.error) {
      best = std::move(fit);
    }
  }
  EffectMap map;
  map.n = n;
  map.ridge = best.ridge;
  const double variance = y.squaredNorm() / to_double(n);
  map.r2 = variance > 0.0 ? 1.0 - best.error / variance : 0.0;
  std::vector<double> p;
  for (int64_t j = 0; j < d; ++j) {
    const double error = std::sqrt(best.error * best.a.row(j).squaredNorm());
    map.effect.push_back(best.effect[j]);
    map.standard_error.push_back(error);
    p.push_back(two_sided_p(best.effect[j], error));
  }
  map.q_value = q_values(p);
  return map;
}

double EffectMap::reliability() const {
  double signal = 0.0;
  double error = 0.0;
  for (size_t j = 0; j < effect.size(); ++j) {
    signal += effect[j] * effect[j];
    error += standard_error[j] * standard_error[j];
  }
  return signal > 0.0 ? std::max(0.0, 1.0 - error / signal) : 0.0;
}

std::vector<float> unit_rows(std::vector<float> matrix, int64_t n_expert) {
  for (auto row = matrix.begin(); row != matrix.end(); row += n_expert) {
    const double square = std::inner_product(row, row + n_expert, row, 0.0);
    const float scale = to_float(square > 0.0 ? 1.0 / std::sqrt(square) : 0.0);
    std::transform(row, row + n_expert, row, [&](float value) { return scale * value; });
  }
  return matrix;
}

EffectMap measure_effects(const Mask& base,
                          const FreeEntries& entries,
                          const std::vector<OutcomeSet>& sets,
                          int64_t i_set,
                          const AskModel& ask,
                          const EffectOptions& options) {
  const std::vector<float> zero(entries.size(), 0.0F);
  const Design design = {std::ssize(entries),
                         options.perturbation,
                         0x6d6170,
                         [&](const std::vector<float>& drawn, float sign) {
                           return perturbed(base, entries, zero, drawn, sign);
                         }};
  return regress_on_masks(design, sets, i_set, ask, options);
}

Steering moved_along(const Mask& base,
                     std::vector<float> directions,
                     const std::vector<float>& by) {
  const FreeEntries all = all_entries(base);
  for (int64_t i = 0; i < std::ssize(directions); ++i) {
    directions[i] *= by[i / base.n_expert];
  }
  const std::vector<float> zero(all.size(), 0.0F);
  return perturbed(base, all, zero, directions, 1.0F);
}

EffectMap measure_layer_effects(const Mask& base,
                                const std::vector<float>& directions,
                                const std::vector<OutcomeSet>& sets,
                                int64_t i_set,
                                const AskModel& ask,
                                const EffectOptions& options) {
  const Design design = {base.n_layer,
                         options.perturbation * std::sqrt(to_double(base.n_expert)),
                         0x6c61796572,
                         [&](std::vector<float> drawn, float sign) {
                           for (float& by : drawn) {
                             by *= sign;
                           }
                           return moved_along(base, directions, drawn);
                         }};
  return regress_on_masks(design, sets, i_set, ask, options);
}

}  // namespace mascing
