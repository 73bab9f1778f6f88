// Makes a layer's problem from samples and measures updates on the held-out ones.
#include "export/fit_layer_parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/half.h"
#include "base/numeric.h"
#include "base/parallel.h"
#include "export/choice_border.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using Eigen::VectorXf;

constexpr float kBorderWidth = 0.05F;    // of the choice's border, in mean sigma
constexpr float kRoutingWeight = 0.05F;  // of the routing probabilities beside the border
constexpr float kFloor = 0.02F;          // of the mean weight: no token counts for nothing

/// As the router tap has it: the divisor is n.
float spread(const VectorXf& values) {
  const Eigen::VectorXd v = values.cast<double>();
  return to_float(std::sqrt((v.array() - v.mean()).square().sum() / to_double(v.size())));
}

std::vector<int64_t> fit_tokens_first(const RouterSamples& samples, int64_t& n_fit) {
  std::vector<int64_t> order(samples.n_token);
  std::iota(order.begin(), order.end(), 0);
  const auto middle = std::stable_partition(
      order.begin(), order.end(), [&](int64_t i) { return samples.is_held_out[i] == 0; });
  n_fit = middle - order.begin();
  return order;
}

void fill_arrays(const RouterSamples& samples,
                 const std::vector<int64_t>& order,
                 LayerProblem& problem) {
  const int64_t n = samples.n_token;
  problem.features.resize(n, problem.n_embd + (problem.has_constant ? 1 : 0));
  problem.logits.resize(n, samples.n_expert);
  VectorXf input(problem.n_embd);
  double square = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    from_half(samples.inputs.data() + order[i] * problem.n_embd, input.data(), problem.n_embd);
    square += input.cast<double>().squaredNorm();
    problem.features.row(i).head(problem.n_embd) = input.transpose();
    problem.logits.row(i) =
        Eigen::Map<const VectorXf>(samples.logits.data() + order[i] * samples.n_expert,
                                   samples.n_expert)
            .transpose();
  }
  if (problem.has_constant) {
    problem.constant = to_float(std::sqrt(square / to_double(n * problem.n_embd)));
    problem.features.col(problem.n_embd).setConstant(problem.constant);
  }
}

/// Weight of each expert at one token: how near its steered logit is to the border of the choice,
/// plus a share of its routing probability.
void weigh(LayerProblem& problem, float width) {
  const int64_t n_expert = problem.n_expert();
  problem.token_weight.resize(problem.n_fit);
  problem.border_weight.resize(problem.n_fit, n_expert);
  for (int64_t i = 0; i < problem.n_fit; ++i) {
    const VectorXf wanted = problem.wanted.row(i).transpose();
    const VectorXf steered = problem.logits.row(i).transpose() + to_float(problem.alpha) * wanted;
    const VectorXf odds = (steered.array() - steered.maxCoeff()).exp();
    const VectorXf p = odds / odds.sum();
    const float sigma = std::max(problem.pushes.front().sigma[i], 1e-12F);
    const float mean = p.dot(wanted);
    problem.token_weight[i] = p.dot((wanted.array() - mean).square().matrix()) / (sigma * sigma);
    const std::vector<float> above =
        border_distances(problem.choice, steered.data(), n_expert, problem.n_expert_used);
    const Eigen::ArrayXf distance =
        (Eigen::Map<const Eigen::ArrayXf>(above.data(), n_expert) / width)
            .cwiseMax(-30.0F)
            .cwiseMin(30.0F);
    const Eigen::ArrayXf inside = 1.0F / (1.0F + (-distance).exp());
    problem.border_weight.row(i) =
        (inside * (1.0F - inside) + kRoutingWeight * p.array() + 1e-4F).matrix().transpose();
  }
  problem.token_weight.array() += kFloor * problem.token_weight.mean() + 1e-12F;
}

/// Of k experts, those chosen by both logits.
int64_t count_agreeing(const LayerChoice& choice, const VectorXf& a, const VectorXf& b, int64_t k) {
  if (choice.is_by_token) {
    return k;
  }
  std::vector<int32_t> of_a;
  std::vector<int32_t> of_b;
  std::vector<int32_t> shared;
  choose_experts(choice, a.data(), a.size(), k, of_a);
  choose_experts(choice, b.data(), b.size(), k, of_b);
  std::set_intersection(
      of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), std::back_inserter(shared));
  return std::ssize(shared);
}

/// The parts of the mask that touch the layer; its S where none does.
void fill_pushes(const Mask& mask, int64_t i_layer, LayerProblem& problem) {
  const int64_t n_token = problem.logits.rows();
  const auto add = [&](SigmaRule rule, const std::vector<float>& steer) {
    SigmaPush push;
    push.steer = Eigen::Map<const VectorXf>(steer.data() + i_layer * mask.n_expert, mask.n_expert);
    if (push.steer.isZero(0.0F) && (&steer != &mask.steer || !mask.is_zero(i_layer))) {
      return;
    }
    push.sigma.resize(n_token);
    for (int64_t i = 0; i < n_token; ++i) {
      push.sigma[i] = rule == SigmaRule::kCalibrated ? mask.sigma[i_layer]
                                                     : spread(problem.logits.row(i).transpose());
    }
    problem.pushes.push_back(std::move(push));
  };
  add(mask.sigma_rule, mask.steer);
  for (const MaskPart& part : mask.parts) {
    add(part.sigma_rule, part.steer);
  }
  problem.wanted = Eigen::MatrixXf::Zero(n_token, mask.n_expert);
  for (const SigmaPush& push : problem.pushes) {
    problem.wanted += push.sigma * push.steer.transpose();
  }
  problem.sigma = problem.pushes.front().sigma.head(problem.n_fit).cast<double>().mean();
}

}  // namespace

LayerProblem make_problem(const RouterSamples& samples,
                          const Mask& mask,
                          int64_t i_layer,
                          double alpha,
                          const FitOptions& options) {
  LayerProblem problem;
  problem.n_embd = samples.n_embd;
  problem.n_expert_used = mask.n_expert_used;
  problem.has_constant = options.may_shift;
  problem.alpha = alpha;
  problem.choice = layer_choice(options.traits, i_layer);
  const std::vector<int64_t> order = fit_tokens_first(samples, problem.n_fit);
  problem.n_held_out = samples.n_token - problem.n_fit;
  if (problem.n_fit == 0 || problem.n_held_out == 0) {
    throw Error(ErrorKind::kInsufficient,
                "[export] " + std::to_string(samples.n_token) +
                    " tokens are too few to fit the routers of layer " + std::to_string(i_layer),
                "add calibration conversations (--data)");
  }
  fill_arrays(samples, order, problem);
  fill_pushes(mask, i_layer, problem);
  weigh(problem, kBorderWidth * to_float(problem.sigma) + 1e-6F);
  return problem;
}

void for_pieces(int64_t n,
                int64_t size,
                int64_t n_thread,
                const std::function<void(int64_t begin, int64_t end)>& work) {
  const int64_t n_piece = (n + size - 1) / size;
  const int64_t n_part = std::clamp<int64_t>(n_thread, 1, std::max<int64_t>(1, n_piece));
  run_parts(n_part, [&](int64_t i_part) {
    for (int64_t i = i_part; i < n_piece; i += n_part) {
      work(i * size, std::min(n, (i + 1) * size));
    }
  });
}

FitQuality measure(const LayerProblem& problem, const LayerUpdate& layer) {
  const int64_t n_expert = problem.n_expert();
  const int64_t k = std::clamp<int64_t>(problem.n_expert_used, 1, n_expert);
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const RowMajor> down(layer.down.data(), layer.rank, problem.n_embd);
  const Eigen::Map<const RowMajor> up(layer.up.data(), n_expert, layer.rank);
  const float strength = to_float(problem.alpha);
  std::vector<double> ratios;
  int64_t n_same = 0;
  int64_t n_shared = 0;
  for (int64_t i = problem.n_fit; i < problem.n_fit + problem.n_held_out; ++i) {
    VectorXf push = up * (down * problem.features.row(i).head(problem.n_embd).transpose());
    if (!layer.shift.empty()) {
      push += Eigen::Map<const VectorXf>(layer.shift.data(), n_expert);
    }
    const VectorXf logits = problem.logits.row(i).transpose();
    const VectorXf wanted_push = problem.wanted.row(i).transpose();
    const VectorXf exact = logits + strength * wanted_push;
    const VectorXf approximate = logits + strength * push;
    // Along the wanted push without its mean: what is the same for all experts changes nothing.
    const VectorXf along = wanted_push.array() - wanted_push.mean();
    const double full = along.squaredNorm();
    ratios.push_back(full > 0.0 ? along.dot(push) / full : 1.0);
    const int64_t n = count_agreeing(problem.choice, exact, approximate, k);
    n_shared += n;
    n_same += n == k ? 1 : 0;
  }
  FitQuality quality;
  quality.n_token = problem.n_held_out;
  const double n = to_double(std::ssize(ratios));
  const double mean = std::accumulate(ratios.begin(), ratios.end(), 0.0) / n;
  double square = 0.0;
  for (const double ratio : ratios) {
    square += (ratio - mean) * (ratio - mean);
  }
  std::sort(ratios.begin(), ratios.end());
  quality.ratio_spread = std::sqrt(square / n);
  const auto percentile = [&](double share) {
    return ratios[static_cast<size_t>(share * (n - 1.0))];
  };
  quality.ratio_low = percentile(0.01);
  quality.ratio_high = percentile(0.99);
  quality.same_experts = to_double(n_same) / n;
  quality.overlap = to_double(n_shared) / (n * to_double(k));
  return quality;
}

}  // namespace mascing
