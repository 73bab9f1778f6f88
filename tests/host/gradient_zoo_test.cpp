// Exact derivatives on the graphs of all MoE architectures that libllama builds, against
// differences of the same outcome; each leaves a row for the table in docs/gradients.md.
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/numeric.h"
#include "gradient_check.h"
#include "mascing/error.h"
#include "zoo.h"
#include "zoo_names.h"

namespace mascing {
namespace {

constexpr double kTolerance = 1e-3;
/// ggml reads GELU from a table with one entry per half-precision number: a staircase.
constexpr double kTableTolerance = 6e-2;
constexpr double kLeastSmooth = 0.5;

bool is_of_the_paper(const std::string& name) {
  for (size_t i = 0; i < 7; ++i) {
    if (zoo_models()[i].name == name) {
      return true;
    }
  }
  return false;
}

class GradientZoo : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::string path = std::string(MASCING_ZOO) + "/gradient-" + GetParam() + ".gguf";
    write_zoo_model(zoo_model(GetParam()), 1, path);
    host_ = open_differentiable(path);
  }
  void write_row(const nlohmann::ordered_json& row) const {
    std::ofstream(std::string(MASCING_ZOO) + "/" + GetParam() + ".json") << row.dump() << '\n';
  }

  std::unique_ptr<Host> host_;
};

TEST_P(GradientZoo, MatchesDifferences) {
  GradientRequest request = random_request(host_->describe(), SigmaRule::kCalibrated);
  const Result<SteerGradient> plain = host_->gradients({request}).at(0);
  nlohmann::ordered_json row = {{"name", GetParam()}, {"error", plain.error}};
  ASSERT_TRUE(plain.ok()) << plain.error;
  const DerivativeCheck check = check_derivatives(*host_, request);
  const bool has_table = GetParam() == "gemma4" || GetParam() == "grok";
  const double tolerance = has_table ? kTableTolerance : kTolerance;
  EXPECT_GE(ratio(check.n_smooth, check.n_entry), kLeastSmooth);
  EXPECT_LT(check.worst, is_of_the_paper(GetParam()) ? kTolerance : 3.0 * tolerance);
  EXPECT_LT(check.error, is_of_the_paper(GetParam()) ? kTolerance : 3.0 * tolerance);
  request.swap = {};
  const SteerGradient with_swaps = gradient_of(*host_, request);
  EXPECT_EQ(with_swaps.values, plain.value.values) << "swaps have a derivative, but no value";
  row["entries"] = check.n_entry;
  row["smooth"] = check.n_smooth;
  row["worst"] = check.worst;
  row["without_swap"] = with_swaps.n_layer_without_swap;
  row["layers"] = host_->describe().n_layer;
  row["passed"] = !HasFailure();
  write_row(row);
}

INSTANTIATE_TEST_SUITE_P(All, GradientZoo, testing::ValuesIn(names_of(zoo_models())), test_name);

}  // namespace
}  // namespace mascing
