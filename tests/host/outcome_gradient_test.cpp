// Derivatives of the closed loop's answers against differences of the answers themselves.
#include "stage/outcome_gradient.h"

#include <cmath>

#include <gtest/gtest.h>

#include "gradient_check.h"
#include "references.h"
#include "stage/opening_margin.h"
#include "zoo.h"

namespace mascing {
namespace {

TEST(MarginGradient, MatchesDifferencesForEveryNumberOfWantedOpenings) {
  const std::vector<double> log_prob = {-1.5, -4.0, -2.5};
  for (int64_t n_wanted = 0; n_wanted <= 3; ++n_wanted) {
    std::vector<double> slope;
    (void)opening_margin(log_prob, n_wanted, &slope);
    for (size_t i = 0; i < log_prob.size(); ++i) {
      std::vector<double> plus = log_prob;
      std::vector<double> minus = log_prob;
      plus[i] += 1e-5;
      minus[i] -= 1e-5;
      const double difference =
          (opening_margin(plus, n_wanted) - opening_margin(minus, n_wanted)) / 2e-5;
      EXPECT_NEAR(slope[i], difference, 1e-7) << n_wanted << " of 3, opening " << i;
    }
  }
}

class OutcomeGradients : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = std::string(MASCING_ZOO) + "/outcome.gguf";
    write_zoo_model(zoo_model("qwen3moe"), 1, path);
    host_ = open_differentiable(path);
    const GradientRequest request = random_request(host_->describe(), SigmaRule::kToken);
    steering_ = request.steering;
    OutcomeSet margins;
    margins.prompts = {request.tokens};
    margins.openings = request.openings;
    margins.n_wanted = 1;
    OutcomeSet texts;
    texts.texts = {{request.tokens, 9}};
    OutcomeSet losses = texts;
    losses.rises = true;
    sets_ = {margins, texts, losses};
    add_references(*host_, sets_);
  }
  /// What a set answers with one entry of the mask moved.
  double answer(int64_t i_set, size_t entry, float step) {
    auto mask = std::make_shared<Mask>(*steering_.mask);
    mask->steer[entry] += step;
    return measure_outcome_gradients(
               *host_, sets_, {{i_set, 0, {mask, steering_.alpha}}}, SwapOptions{0.0, 0})
        .at(0)
        .value;
  }

  std::unique_ptr<Host> host_;
  Steering steering_;
  std::vector<OutcomeSet> sets_;
};

TEST_F(OutcomeGradients, MatchDifferencesOfMarginsDivergencesAndRises) {
  std::vector<Question> questions;
  for (int64_t i = 0; i < 3; ++i) {
    questions.push_back({i, 0, steering_});
  }
  const auto exact = measure_outcome_gradients(*host_, sets_, questions, SwapOptions{0.0, 0});
  const std::vector<double> plain = measure_outcomes(*host_, sets_, questions);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(exact[i].value, plain[i], 5e-3) << "set " << i;  // half-precision cache
    double largest = 0.0;
    for (const float derivative : exact[i].d_steer) {
      largest = std::max(largest, std::fabs(static_cast<double>(derivative)));
    }
    int64_t n_smooth = 0;
    for (size_t k = 0; k < exact[i].d_steer.size(); ++k) {
      const double near = (answer(i, k, 0.02F) - answer(i, k, -0.02F)) / 0.04;
      const double far = (answer(i, k, 0.04F) - answer(i, k, -0.04F)) / 0.08;
      if (std::fabs(near - far) < 0.02 * (std::fabs(near) + 0.05 * largest)) {
        ++n_smooth;
        EXPECT_NEAR(exact[i].d_steer[k], (4.0 * near - far) / 3.0, 2e-3 * largest)
            << "set " << i << " entry " << k;
      }
    }
    EXPECT_GE(n_smooth, std::ssize(exact[i].d_steer) / 2) << "set " << i;
  }
}

TEST_F(OutcomeGradients, AnItemThatCannotBeProcessedHasNone) {
  OutcomeSet broken = sets_[0];
  broken.prompts = {{}, sets_[0].prompts[0]};
  const auto answers = measure_outcome_gradients(
      *host_, {broken}, {{0, 0, steering_}, {0, 1, steering_}}, SwapOptions{});
  EXPECT_TRUE(std::isnan(answers[0].value));
  EXPECT_TRUE(answers[0].d_steer.empty());
  EXPECT_NE(answers[0].error, "");
  EXPECT_FALSE(answers[1].d_steer.empty());
}

}  // namespace
}  // namespace mascing
