// The objectives of steering and their gradients by S: against central differences, the plain loops
// and PyTorch.
#include "stage/steer_objective.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "nn/reference.h"
#include "stage/ragged_traces.h"
#include "stage/route_divergence.h"
#include "stage/steer_fixtures.h"

namespace mascing {
namespace {

using nn::relative_error;

/// Shape of the traces and how sigma is taken. With 3 experts the projection is folded away.
struct GradientCase {
  int64_t n_expert;
  SigmaRule rule;
};

class SteerGradient : public testing::TestWithParam<GradientCase> {
 protected:
  [[nodiscard]] double loss(const std::vector<double>& steer,
                            std::vector<double>* d_steer = nullptr) {
    std::vector<double*> gradients;
    if (d_steer != nullptr) {
      gradients.push_back(d_steer->data());
    }
    return objective_.losses(batch_, {{0, 0, steer.data()}}, gradients)[0];
  }

  TraceSet set_ = planted_traces(5, 3, GetParam().n_expert, {1, 2, 1.5}, 1);
  std::vector<int64_t> batch_ = first_traces(5);
  std::vector<float> sigma_ =
      GetParam().rule == SigmaRule::kToken ? std::vector<float>() : calibrate_sigma(set_, batch_);
  Surrogate surrogate_ = random_surrogate(set_, 2);
  SteerObjective<double> objective_{{surrogate_}, set_, sigma_, 2};
  std::vector<double> steer_ = nn::random_values<double>(3 * GetParam().n_expert, 3, 0.3);
  std::vector<double> d_steer_ = std::vector<double>(steer_.size(), 0.0);
};

TEST_P(SteerGradient, OfTheSurrogateMatchesFiniteDifferences) {
  static_cast<void>(loss(steer_, &d_steer_));
  const std::vector<double> expected =
      nn::finite_differences(steer_, [&](const std::vector<double>& at) { return loss(at); });
  EXPECT_LT(relative_error(d_steer_, expected), 1e-6);
}

TEST_P(SteerGradient, EqualsThatOfThePlainLoopsOverSteeredLogits) {
  const double fast = loss(steer_, &d_steer_);
  const int64_t size = set_.n_layer * set_.n_expert;
  std::vector<std::vector<double>> steered;
  std::vector<std::vector<double>> sigmas;
  for (int64_t i_trace : batch_) {
    std::vector<double> z(set_.traces[i_trace].n_token * size);
    std::vector<double> sigma(z.size());
    for (int64_t t = 0; t < set_.traces[i_trace].n_token; ++t) {
      read_token<double>(set_, i_trace, t, z.data() + t * size);
    }
    for (size_t row = 0; row < z.size(); row += set_.n_expert) {
      double mean = 0.0;
      double square = 0.0;
      for (int64_t e = 0; e < set_.n_expert; ++e) {
        mean += z[row + e] / static_cast<double>(set_.n_expert);
      }
      for (int64_t e = 0; e < set_.n_expert; ++e) {
        square += (z[row + e] - mean) * (z[row + e] - mean) / static_cast<double>(set_.n_expert);
      }
      const int64_t i_layer = static_cast<int64_t>(row) / set_.n_expert % set_.n_layer;
      for (int64_t e = 0; e < set_.n_expert; ++e) {
        sigma[row + e] = sigma_.empty() ? std::sqrt(square) : static_cast<double>(sigma_[i_layer]);
        z[row + e] += sigma[row + e] * steer_[i_layer * set_.n_expert + e];
      }
    }
    steered.push_back(z);
    sigmas.push_back(sigma);
  }
  const std::vector<double> values(surrogate_.values.begin(), surrogate_.values.end());
  const nn::ReferenceResult<double> plain =
      nn::reference_surrogate(surrogate_.shape, values, steered, std::vector<double>(5, 0.0));
  std::vector<double> expected(size, 0.0);
  for (size_t i = 0; i < sigmas.size(); ++i) {
    for (size_t k = 0; k < sigmas[i].size(); ++k) {
      expected[k % size] += sigmas[i][k] * plain.d_input[i][k];
    }
  }
  EXPECT_NEAR(fast, plain.loss, 1e-11);
  EXPECT_LT(relative_error(d_steer_, expected), 1e-9);
}

TEST_P(SteerGradient, SumsToZeroOverTheExpertsOfALayer) {
  static_cast<void>(loss(steer_, &d_steer_));
  for (int64_t i_layer = 0; i_layer < 3; ++i_layer) {
    const auto begin = d_steer_.begin() + i_layer * set_.n_expert;
    EXPECT_NEAR(std::accumulate(begin, begin + set_.n_expert, 0.0), 0.0, 1e-12);
  }
}

TEST_P(SteerGradient, MatchesFiniteDifferencesWithOffsets) {
  std::vector<float> offsets;
  for (size_t i = 0; i < batch_.size(); ++i) {
    offsets.push_back(static_cast<float>(i) - 1.5F);
  }
  std::fill(d_steer_.begin(), d_steer_.end(), 0.0);
  const double with =
      objective_.losses(batch_, {{0, 0, steer_.data()}}, {d_steer_.data()}, offsets)[0];
  EXPECT_NE(with, loss(steer_));
  const std::vector<double> expected =
      nn::finite_differences(steer_, [&](const std::vector<double>& at) {
        return objective_.losses(batch_, {{0, 0, at.data()}}, {}, offsets)[0];
      });
  EXPECT_LT(relative_error(d_steer_, expected), 1e-6);
}

TEST_P(SteerGradient, IsTheSameWithWhatIsKeptFromCallToCall) {
  const double first = loss(steer_, &d_steer_);
  objective_.keep(batch_);
  for (int call = 0; call < 2; ++call) {
    std::vector<double> d_kept(steer_.size(), 0.0);
    EXPECT_EQ(loss(steer_, &d_kept), first);
    EXPECT_EQ(d_kept, d_steer_);
  }
}

TEST_P(SteerGradient, OfSeveralMatricesIsThatOfEachAlone) {
  const std::vector<double> other = nn::random_values<double>(steer_.size(), 4, 0.5);
  std::vector<double> d_other(steer_.size(), 0.0);
  std::vector<double> d_first(steer_.size(), 0.0);
  const double alone = loss(steer_, &d_steer_);
  const std::vector<double> both = objective_.losses(
      batch_, {{0, 1, other.data()}, {0, 0, steer_.data()}}, {d_other.data(), d_first.data()});
  EXPECT_EQ(both[1], alone);
  EXPECT_EQ(d_first, d_steer_);
  EXPECT_NE(d_other, d_steer_);
}

TEST_P(SteerGradient, OfTheDivergenceMatchesFiniteDifferences) {
  for (const double reach : {0.0, 0.8}) {
    set_.n_expert_used = 1;
    RouteDivergence<double> divergence(set_, reach, sigma_, 2);
    std::fill(d_steer_.begin(), d_steer_.end(), 0.0);
    static_cast<void>(divergence.add(batch_, {{steer_.data(), 2.0, d_steer_.data()}}));
    const std::vector<double> expected =
        nn::finite_differences(steer_, [&](const std::vector<double>& at) {
          std::vector<double> unused(at.size());
          return 2.0 * divergence.add(batch_, {{at.data(), 0.0, unused.data()}})[0];
        });
    EXPECT_LT(relative_error(d_steer_, expected), 1e-6) << "reach " << reach;
  }
}

INSTANTIATE_TEST_SUITE_P(Rules,
                         SteerGradient,
                         testing::Values(GradientCase{6, SigmaRule::kToken},
                                         GradientCase{6, SigmaRule::kCalibrated},
                                         GradientCase{3, SigmaRule::kToken},
                                         GradientCase{3, SigmaRule::kCalibrated},
                                         GradientCase{19, SigmaRule::kToken}));

TEST(PyTorch, GivesTheSameGradientsByTheSteeringMatrix) {
  const nlohmann::json fixture = nn::read_fixture("surrogate.json");
  const nlohmann::json& steering = fixture.at("steering");
  const TraceSet set = fixture_traces(fixture);
  const std::vector<int64_t> batch = first_traces(static_cast<int64_t>(set.traces.size()));
  const auto steer = steering.at("steer").get<std::vector<float>>();
  const std::vector<float> sigma = calibrate_sigma(set, batch);
  EXPECT_LT(relative_error(sigma, nn::numbers(steering.at("layer_sigma"))), 1e-6);
  for (const bool is_token : {true, false}) {
    const nlohmann::json& expected = steering.at(is_token ? "token" : "calibrated");
    const std::vector<float> layer_sigma = is_token ? std::vector<float>() : sigma;
    SteerObjective<float> objective({fixture_surrogate(fixture)}, set, layer_sigma, 1);
    std::vector<float> d_steer(steer.size(), 0.0F);
    const int target = steering.at("target");
    EXPECT_NEAR(objective.losses(batch, {{0, target, steer.data()}}, {d_steer.data()})[0],
                expected.at("loss").get<double>(),
                1e-5);
    EXPECT_LT(relative_error(d_steer, nn::numbers(expected.at("d_steer"))), 1e-5);
    d_steer.assign(steer.size(), 0.0F);
    RouteDivergence<float> divergence(set, 0.0, layer_sigma, 1);
    EXPECT_NEAR(divergence.add(batch, {{steer.data(), 1.0, d_steer.data()}})[0],
                expected.at("divergence").get<double>(),
                1e-5);
    EXPECT_LT(relative_error(d_steer, nn::numbers(expected.at("d_divergence"))), 1e-5);
  }
}

/// One layer of four experts, two tokens; the spread is 2 in both.
TraceSet four_experts() {
  TraceSetBuilder builder(1, 4);
  builder.add(-1, {4.0F, 3.9F, 0.0F, -0.1F, 0.0F, 4.0F, -0.1F, 3.9F});
  TraceSet set = builder.build();
  set.n_expert_used = 1;
  return set;
}

TEST(RouteDivergence, IgnoresWhatCannotEnterTheTopK) {
  const TraceSet set = four_experts();
  const std::vector<float> steer = {0.0F, 0.0F, 0.5F, 0.0F};  // expert 2 is far below both times
  std::vector<float> d_steer(4, 0.0F);
  RouteDivergence<float> near(set, 1.0, {}, 1);
  EXPECT_EQ(near.add({0}, {{steer.data(), 1.0, d_steer.data()}})[0], 0.0);
  EXPECT_EQ(d_steer, std::vector<float>(4, 0.0F));
  RouteDivergence<float> all(set, 0.0, {}, 1);
  EXPECT_GT(all.add({0}, {{steer.data(), 1.0, d_steer.data()}})[0], 0.0);
  RouteDivergence<float> far(set, 3.0, {}, 1);
  EXPECT_GT(far.add({0}, {{steer.data(), 1.0, d_steer.data()}})[0], 0.0);
}

TEST(TopKFlips, CountsReplacedChoices) {
  TraceSet set = four_experts();
  EXPECT_EQ(top_k_flips(set, {0}, {0.0F, 0.0F, 0.0F, 0.0F}, {}), 0.0);
  EXPECT_EQ(top_k_flips(set, {0}, {1.0F, 1.0F, 1.0F, 1.0F}, {}), 0.0);   // a common shift
  EXPECT_EQ(top_k_flips(set, {0}, {-0.2F, 0.0F, 0.0F, 0.0F}, {}), 0.5);  // of the first token
  EXPECT_EQ(top_k_flips(set, {0}, {0.0F, 0.0F, 5.0F, 0.0F}, {}), 1.0);
  EXPECT_EQ(top_k_flips(set, {0}, {-0.2F, 0.0F, 0.0F, 0.0F}, {0.1F}), 0.0);  // a small sigma
  set.n_expert_used = 2;
  EXPECT_EQ(top_k_flips(set, {0}, {0.0F, 0.0F, 5.0F, 0.0F}, {}), 0.5);
  set.n_expert_used = 0;
  EXPECT_EQ(top_k_flips(set, {0}, {0.0F, 0.0F, 5.0F, 0.0F}, {}), 0.0);
}

}  // namespace
}  // namespace mascing
