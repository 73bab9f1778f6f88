// All points of all conversations are asked at once, so that the host can pack them.
#include "stage/path_attribution.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "base/numeric.h"
#include "stage/row_means.h"

namespace mascing {
namespace {

constexpr int64_t kLeastConversations = 3;  // for an error of the mean

Steering scaled(const Mask& mask, double factor) {
  auto part = std::make_shared<Mask>(mask);
  for (float& entry : part->values()) {
    entry = to_float(factor * entry);
  }
  return {std::move(part), 1.0F};
}

/// Conversation by conversation, from no mask to the whole one.
std::vector<Question> path_questions(
    const Mask& mask, int64_t i_set, int64_t n_all, int64_t n_item, int64_t n_interval) {
  std::vector<Steering> points;
  for (int64_t k = 0; k <= n_interval; ++k) {
    points.push_back(scaled(mask, ratio(k, n_interval)));
  }
  std::vector<Question> questions;
  for (int64_t i = 0; i < n_item; ++i) {
    for (const Steering& point : points) {
      questions.push_back({i_set, i * n_all / n_item, point});
    }
  }
  return questions;
}

/// Parts [L, E] of one conversation, from its answers along the path; nothing if one is missing.
/// What an adapter's ranks [L, R, E] push one expert by is one part.
std::optional<std::vector<double>> parts_of(const Mask& mask,
                                            const OutcomeGradient* answers,
                                            int64_t n_interval) {
  const std::vector<float>& values = mask.values();
  const int64_t n_of_layer = std::ssize(values) / mask.n_layer;
  std::vector<double> parts(mask.n_layer * mask.n_expert, 0.0);
  for (int64_t k = 0; k <= n_interval; ++k) {
    const std::vector<float>& slope = answers[k].d_steer;
    if (slope.size() != values.size() || !std::isfinite(answers[k].value)) {
      return std::nullopt;
    }
    const double weight = (k == 0 || k == n_interval ? 0.5 : 1.0) / to_double(n_interval);
    for (int64_t j = 0; j < std::ssize(values); ++j) {
      const int64_t i_expert = j / n_of_layer * mask.n_expert + j % mask.n_expert;
      parts[i_expert] += weight * values[j] * slope[j];
    }
  }
  return parts;
}

}  // namespace

PathAttribution attribute_change(const Mask& mask,
                                 const std::vector<OutcomeSet>& sets,
                                 int64_t i_set,
                                 const AskGradients& ask,
                                 const PathOptions& options) {
  const int64_t n_all = sets[i_set].size();
  const int64_t n_interval = std::max<int64_t>(1, options.n_interval);
  const int64_t n_point = n_interval + 1;
  const std::vector<OutcomeGradient> answers =
      ask(path_questions(mask, i_set, n_all, std::min(n_all, options.n_item), n_interval));
  PathAttribution result;
  std::vector<std::vector<double>> rows;
  double change = 0.0;
  for (int64_t begin = 0; begin + n_point <= std::ssize(answers); begin += n_point) {
    if (auto parts = parts_of(mask, &answers[begin], n_interval)) {
      change += answers[begin + n_interval].value - answers[begin].value;
      rows.push_back(std::move(*parts));
    }
  }
  if (std::ssize(rows) < kLeastConversations) {
    return result;
  }
  RowMeans means = row_means(rows);
  result.part = std::move(means.mean);
  result.standard_error = std::move(means.standard_error);
  result.n = std::ssize(rows);
  result.change = change / to_double(result.n);
  return result;
}

}  // namespace mascing
