#include "host/llama/gradient_outcome.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "host/llama/logits.h"

namespace mascing {
namespace {

constexpr double kLeastRest = 1e-12;  ///< mass of the tokens that are taken as one

/// d log p(token) / d logits = one at the token - p; adds `weight` times that.
void add_log_prob(
    const float* row, int64_t n, double norm, int32_t token, double weight, float* d_row) {
  for (int64_t v = 0; v < n; ++v) {
    d_row[v] -= to_float(weight * std::exp(row[v] - norm));
  }
  d_row[token] += to_float(weight);
}

/// KL(p || q) with the tokens that p does not name taken as one, of mass p_r and q_r:
/// d / d logit_v = q_v - p_v for a named token, q_v (1 - p_r / q_r) for the others.
void add_divergence(
    const TopRow& p, const float* row, int64_t n, double norm, double weight, float* d_row) {
  double rest = 1.0;
  for (const int32_t token : p.tokens) {
    rest -= std::exp(row[token] - norm);
  }
  const double share = 1.0 - std::exp(p.rest) / std::max(rest, kLeastRest);
  std::vector<double> d(n);
  for (int64_t v = 0; v < n; ++v) {
    d[v] = std::exp(row[v] - norm) * share;
  }
  for (size_t i = 0; i < p.tokens.size(); ++i) {
    const int32_t token = p.tokens[i];
    d[token] = std::exp(row[token] - norm) - std::exp(to_scalar<double>(p.log_probs[i]));
  }
  for (int64_t v = 0; v < n; ++v) {
    d_row[v] += to_float(weight * d[v]);
  }
}

}  // namespace

OpeningScores score_openings(const GradientRequest& request, const OpeningRows& rows) {
  OpeningScores scores;
  std::vector<double> norms;
  for (const float* row : rows.logits) {
    norms.push_back(log_sum_exp(row, rows.n_vocab));
  }
  for (int64_t k = 0; k < std::ssize(rows.reads); ++k) {
    double sum = 0.0;
    for (int64_t t = 0; t < std::ssize(rows.reads[k]); ++t) {
      const int64_t row = rows.reads[k][t];
      sum += rows.logits[row][(*request.openings)[k][t]] - norms[row];
      if (request.reference) {
        scores.divergence += divergence((*request.reference)[t], rows.logits[row], rows.n_vocab);
      }
    }
    scores.log_prob.push_back(sum);
  }
  return scores;
}

std::vector<float> differentiate_openings(const GradientRequest& request,
                                          const OpeningRows& rows,
                                          const OpeningScores& d_scores) {
  const int64_t n = rows.n_vocab;
  std::vector<float> d_rows(std::ssize(rows.logits) * n, 0.0F);
  for (int64_t k = 0; k < std::ssize(rows.reads); ++k) {
    for (int64_t t = 0; t < std::ssize(rows.reads[k]); ++t) {
      const int64_t row = rows.reads[k][t];
      const float* logits = rows.logits[row];
      const double norm = log_sum_exp(logits, n);
      float* d_row = d_rows.data() + row * n;
      if (d_scores.log_prob[k] != 0.0) {
        add_log_prob(logits, n, norm, (*request.openings)[k][t], d_scores.log_prob[k], d_row);
      }
      if (request.reference && d_scores.divergence != 0.0) {
        add_divergence((*request.reference)[t], logits, n, norm, d_scores.divergence, d_row);
      }
    }
  }
  return d_rows;
}

}  // namespace mascing
