// The forecast beside what runs then ask for.
#include "mascing/forecast.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <thread>

#include <gmock/gmock.h>

#include "base/expect_error.h"
#include "base/numeric.h"
#include "mascing/model_size.h"
#include "run/baseline_settings.h"
#include "run/forecast_speed.h"
#include "run/forecast_tokens.h"
#include "run/run_fixture.h"

namespace mascing {
namespace {

const std::string kZoo = std::string(MASCING_DEMO) + "/../zoo/";

const StageForecast& stage(const Forecast& forecast, const std::string& name) {
  return *std::find_if(forecast.stages.begin(), forecast.stages.end(), [&](const auto& one) {
    return one.name == name;
  });
}

/// A run on exact gradients whose only set is its target.
RunTokens tokens_of_a_target() {
  SetTokens target;
  target.role = SetRole::kTarget;
  target.n = {400, 150, 260};
  target.prompt = 100.0;
  target.reply = 50.0;
  RunTokens tokens;
  tokens.sets = {target};
  tokens.is_exact = true;
  return tokens;
}

class ForecastTest : public RunTest {
 protected:
  [[nodiscard]] Forecast forecast(const Scenario& scenario, bool with_baselines = false) const {
    FakeHost host(nature_);
    ForecastOptions options;
    options.with_baselines = with_baselines;
    options.measure_s = 5.0;  // at most; the sample is small
    return forecast_run(scenario, host, options);
  }
};

TEST_F(ForecastTest, CountsTheRepliesThatALoopLooksAt) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kRouterAdapter};
  scenario.search.n_loop_step = 60;
  RunTokens tokens = tokens_of_a_target();
  const auto generated = [&] {
    const std::vector<StageForecast> stages = count_stages(scenario, tokens);
    return std::accumulate(
        stages.begin(), stages.end(), int64_t{0}, [](int64_t n, const auto& one) {
          return n + one.n_generated;
        });
  };
  const int64_t usual = generated();
  tokens.reasons = true;
  const int64_t reasoning = generated();
  scenario.search.n_refresh_step = 0;
  EXPECT_EQ(usual - generated(), 5 * 64 * 50) << "every tenth step, not in the last ones";
  EXPECT_EQ(reasoning - generated(), 5 * 192 * 50);
}

TEST_F(ForecastTest, RepliesAreThoseOfTheRunWithinAFactorOfOneAndAHalf) {
  for (const bool has_loop : {false, true}) {
    Scenario scenario = write_defend(folder_.path());
    if (!has_loop) {
      scenario.search.methods = {MaskMethod::kMeanDifference};
    }
    const Forecast expected = forecast(scenario);
    const Results results = run(scenario, folder_.path(has_loop ? "loop" : "plain")).results;
    int64_t n_prefill = 0;
    int64_t n_generated = 0;
    for (const StageForecast& one : expected.stages) {
      n_prefill += one.n_prefill + one.n_gradient;
      n_generated += one.n_generated;
      EXPECT_GE(one.seconds, 0.0) << one.name;
    }
    int64_t n_read = 0;
    for (const auto& [name, tokens] : results.stage_tokens) {
      n_read += tokens.n_prefill;
    }
    EXPECT_EQ(n_read, results.n_prefill_token) << "stages share all tokens";
    // Openings are taken to be as long as in a real model's replies; here they are a word or two.
    EXPECT_GT(to_double(n_prefill), to_double(results.n_prefill_token) / 1.5);
    EXPECT_LT(to_double(n_generated), 1.5 * to_double(results.n_generated_token));
    EXPECT_GT(to_double(n_generated), to_double(results.n_generated_token) / 1.5);
  }
}

TEST_F(ForecastTest, BaselinesAreAStageOfTheirOwn) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kMeanDifference};
  const Forecast without = forecast(scenario);
  EXPECT_EQ(without.stages.back().name, "test");
  const Forecast with = forecast(scenario, true);
  ASSERT_EQ(with.stages.back().name, "baselines");
  EXPECT_GT(with.seconds, without.seconds);
  RunOptions options;
  options.output = folder_.path("out");
  options.with_baselines = true;
  const RunOutcome outcome = run_scenario(scenario,
                                          FakeHost::make_info(),
                                          [&] { return std::make_unique<FakeHost>(nature_); },
                                          options,
                                          {});
  const StageTokens& baselines = outcome.results.stage_tokens.at("baselines");
  EXPECT_EQ(baselines.n_prefill, outcome.results.n_baseline_prefill_token);
  EXPECT_EQ(baselines.n_generated, outcome.results.n_baseline_generated_token);
  const StageForecast& stage = with.stages.back();
  const double n_prefill = to_double(outcome.results.n_baseline_prefill_token);
  const double n_generated = to_double(outcome.results.n_baseline_generated_token);
  // No setting harms the text of this model, so all are tried: more than on a real one.
  EXPECT_GT(to_double(stage.n_prefill), n_prefill / 3.0);
  EXPECT_LT(to_double(stage.n_prefill), n_prefill);
  EXPECT_GT(to_double(stage.n_generated), n_generated / 3.0);
  EXPECT_LT(to_double(stage.n_generated), n_generated);
  scenario.baselines.methods = {"mean_difference", "system_prompt"};
  const auto counts = count_settings(scenario, FakeHost::make_info());
  ASSERT_EQ(counts.size(), 1U) << "there is no system prompt";
  EXPECT_EQ(counts[0].n, 6);
  EXPECT_TRUE(counts[0].is_steered);
}

TEST_F(ForecastTest, FollowsTheScenario) {
  Scenario scenario = write_defend(folder_.path());
  const Forecast plain = forecast(scenario);
  EXPECT_EQ(plain.speed.gradient, 0.0) << "this model has none";
  EXPECT_EQ(stage(plain, "closed_loop").n_gradient, 0);
  scenario.search.n_loop_step *= 2;
  EXPECT_GT(stage(forecast(scenario), "closed_loop").n_prefill,
            stage(plain, "closed_loop").n_prefill);
  const auto n_tested = [&](std::vector<int64_t> seeds) {
    scenario.sample_seeds = std::move(seeds);
    return to_double(stage(forecast(scenario), "test").n_generated);
  };
  const double n_greedy = n_tested({});
  EXPECT_NEAR(n_tested({1, 2, 3}), 4.0 * n_greedy, 0.3 * n_greedy);
  const double n_usual = to_double(stage(plain, "test").n_generated);
  EXPECT_GT(n_usual, 1.5 * n_greedy) << "target and hold sets are sampled unless told otherwise";
  EXPECT_LT(n_usual, 3.9 * n_greedy) << "ordinary requests are not";
  use_paper_recipe(scenario);
  const Forecast paper = forecast(scenario);
  EXPECT_EQ(std::count_if(paper.stages.begin(),
                          paper.stages.end(),
                          [](const StageForecast& one) { return one.name == "closed_loop"; }),
            0);
  EXPECT_GT(stage(paper, "train_and_steer").seconds, 0.0);
  EXPECT_GT(stage(paper, "select").n_generated, 2 * stage(plain, "select").n_generated);
}

TEST(CountStages, ScriptsArePlayedFirst) {
  Scenario scenario;
  scenario.search.methods = {MaskMethod::kMeanDifference};
  RunTokens tokens;
  SetTokens set;
  set.role = SetRole::kTarget;
  set.n = {10, 4, 6};
  set.prompt = 100.0;
  set.reply = 30.0;
  tokens.sets = {set};
  EXPECT_EQ(count_stages(scenario, tokens).front().name, "label");
  tokens.sets[0].n_play_turn = 3.0;
  tokens.sets[0].play_prompt = 50.0;
  tokens.sets[0].play_reply = 30.0;
  const StageForecast play = count_stages(scenario, tokens).front();
  EXPECT_EQ(play.name, "play");
  EXPECT_EQ(play.n_prefill, 20 * 50);
  EXPECT_EQ(play.n_generated, 20 * 3 * 30);
}

TEST(MeasureSpeed, KnowsTheLengthOfWholeReplies) {
  FakeHost host;
  const std::vector<Prompt> prompts(
      8, host.render({.messages = {{"user", "please forge the seal for me"}}}));
  const ModelSpeed speed = measure_speed(host, prompts, {5.0, 4, true, {0.0F, 0, 50, 0}});
  EXPECT_GT(speed.prefill, 0.0);
  EXPECT_GT(speed.generated, 0.0);
  EXPECT_EQ(speed.gradient, 0.0);
  EXPECT_TRUE(speed.has_whole_reply);
  const auto reply = host.generate({{prompts.front().tokens}}, {0.0F, 0, 50, 0});
  EXPECT_NEAR(speed.reply_token, to_double(std::ssize(reply.front().value.tokens)), 1e-9);
}

/// A machine of 5,000 prompt tokens a second and 10 ms a decode, whatever the number of sequences;
/// its first call reads the weights.
class TimedHost : public FakeHost {
 public:
  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override {
    double elapsed_s = n_call_++ == 0 ? 1.0 : 0.0;
    std::vector<Result<Reply>> replies(requests.size());
    std::vector<int32_t> before;
    for (size_t i = 0; i < requests.size(); ++i) {
      const auto& tokens = requests[i].tokens;
      const auto differs =
          std::mismatch(tokens.begin(), tokens.end(), before.begin(), before.end());
      elapsed_s += to_double(tokens.end() - differs.first) / kPrefill;
      before = tokens;
      replies[i].value.tokens.assign(sampling.n_max_token, 1);
    }
    elapsed_s += to_double(sampling.n_max_token) * kDecodeSeconds;
    std::this_thread::sleep_for(std::chrono::duration<double>(elapsed_s));
    return replies;
  }

  static constexpr double kPrefill = 5000.0;
  static constexpr double kDecodeSeconds = 0.01;

 private:
  int64_t n_call_ = 0;
};

std::vector<Prompt> long_prompts(int64_t n) {
  std::vector<Prompt> prompts(n);
  int32_t first = 0;
  for (Prompt& prompt : prompts) {
    prompt.tokens.resize(4000);
    std::iota(prompt.tokens.begin(), prompt.tokens.end(), first++);
    prompt.final_user = {3900, 3990};
  }
  return prompts;
}

TEST(MeasureSpeed, OfAModelThatTakesLongForAPromptIsThatOfManySequences) {
  TimedHost host;
  const ModelSpeed speed =
      measure_speed(host, long_prompts(24), {0.5, 16, false, {0.0F, 0, 50, 0}});
  EXPECT_GT(speed.prefill, TimedHost::kPrefill / 1.3);
  EXPECT_LT(speed.prefill, TimedHost::kPrefill * 1.3);
  const double decoded = 16.0 / TimedHost::kDecodeSeconds;
  EXPECT_GT(speed.generated, decoded / 1.3);
  EXPECT_LT(speed.generated, decoded * 1.3);
  EXPECT_FALSE(speed.has_whole_reply);
  EXPECT_LT(speed.measured_s, 1.0 + 4.0 * 0.5);
}

/// Of four replies one ends after five tokens, one after seven, the others never; 2 ms a token.
class EndlessHost : public FakeHost {
 public:
  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override {
    std::vector<Result<Reply>> replies(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      const int64_t n_own = i % 4 == 0 ? 5 : 7;
      const bool ends = i % 4 < 2 && sampling.n_max_token > n_own;
      replies[i].value.tokens.assign(ends ? n_own : sampling.n_max_token, 1);
      replies[i].value.finish = ends ? FinishReason::kStop : FinishReason::kLength;
    }
    n_longest = std::max(n_longest, sampling.n_max_token);
    std::this_thread::sleep_for(std::chrono::milliseconds(2 * sampling.n_max_token));
    return replies;
  }

  int64_t n_longest = 0;
};

TEST(MeasureSpeed, OfRepliesThatAreCutOffTheirLengthFollowsFromThoseThatEnd) {
  EndlessHost host;
  const ModelSpeed speed =
      measure_speed(host, long_prompts(16), {0.5, 16, false, {0.0F, 0, 100'000, 0}});
  EXPECT_TRUE(speed.has_whole_reply);
  EXPECT_EQ(speed.n_ended, 8);
  EXPECT_GE(speed.reply_token, 5.0 + (4.0 * 2.0 + 8.0 * 3.0) / 8.0);
  EXPECT_LE(speed.reply_token, 5.0 + (4.0 * 2.0 + 8.0 * to_double(host.n_longest - 5)) / 8.0);
}

/// Differentiates one opening after the other, 10 ms each.
class InTurnHost : public FakeHost {
 public:
  [[nodiscard]] bool reads_in_turn() const override { return true; }
  [[nodiscard]] std::string why_no_gradients() const override { return ""; }
  std::vector<Result<SteerGradient>> gradients(
      const std::vector<GradientRequest>& requests) override {
    for (const GradientRequest& request : requests) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10) *
                                  static_cast<int>(request.openings->size()));
    }
    return std::vector<Result<SteerGradient>>(requests.size());
  }
};

TEST(MeasureSpeed, WhereOpeningsAreReadInTurnATextIsDifferentiatedSooner) {
  InTurnHost host;
  const std::vector<Prompt> prompts(
      4, host.render({.messages = {{"user", "please forge the seal for me"}}}));
  const ModelSpeed speed = measure_speed(host, prompts, {0.3, 4, true, {0.0F, 0, 50, 0}});
  EXPECT_TRUE(speed.reads_in_turn);
  EXPECT_GT(speed.gradient, 0.0);
  EXPECT_GT(speed.text_gradient, 4.0 * speed.gradient) << "a margin has 13 openings";
}

TEST_F(ForecastTest, OpeningsThatAreReadInTurnTakeAsLongAsReplies) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kClosedLoop};
  scenario.search.gradients = GradientSource::kPairs;
  InTurnHost host;
  ForecastOptions options;
  options.measure_s = 0.5;
  const Forecast found = forecast_run(scenario, host, options);
  const StageForecast& loop = stage(found, "closed_loop");
  EXPECT_GT(loop.n_opening, 0);
  EXPECT_LT(loop.n_opening, loop.n_prefill);
  EXPECT_EQ(stage(found, "label").n_opening, 0);
  EXPECT_NEAR(loop.seconds,
              to_double(loop.n_prefill - loop.n_opening) / found.speed.prefill +
                  to_double(loop.n_generated + loop.n_opening) / found.speed.generated,
              1e-6 * loop.seconds);
  EXPECT_THAT(found.notes, testing::Contains(testing::HasSubstr("recurrent state")));
  EXPECT_THAT(forecast(scenario).notes,
              testing::Not(testing::Contains(testing::HasSubstr("recurrent state"))));
}

TEST(CountStages, TextsAreAPartOfWhatIsDifferentiated) {
  Scenario scenario;
  scenario.search.methods = {MaskMethod::kClosedLoop};
  scenario.search.n_loop_step = 10;
  scenario.search.n_loop_item = 48;
  const RunTokens tokens = tokens_of_a_target();
  const auto loop_of = [&] {
    const std::vector<StageForecast> stages = count_stages(scenario, tokens);
    return *std::find_if(stages.begin(), stages.end(), [](const StageForecast& one) {
      return one.name == "closed_loop";
    });
  };
  // The target has two of three parts of each step's questions, its wanted replies the third: 100
  // tokens of the prompt and 36 of the reply. 64 of them tell the costs of experts.
  const StageForecast loop = loop_of();
  EXPECT_EQ(loop.n_text_gradient, (64 + 160) * 136);
  const int64_t n_margin = 320 + 128 + 256 + 9 * 32;  // steps, effects, layers, attribution
  EXPECT_EQ(loop.n_gradient, loop.n_text_gradient + n_margin * 140);
  // The margins' check and what the unsteered model says.
  EXPECT_EQ(loop.n_opening, 2 * 400 * 26);
}

TEST(ModelSize, IsThatOfTheFile) {
  const std::string path = kZoo + "qwen3moe-wide.gguf";
  const ModelSize size = read_model_size(path);
  const auto n_byte = static_cast<int64_t>(std::filesystem::file_size(path));
  EXPECT_LT(size.n_weight_byte, n_byte);
  EXPECT_GT(size.n_weight_byte, n_byte * 9 / 10);
  EXPECT_LE(size.n_quantised_byte, size.n_weight_byte);
  EXPECT_GT(size.n_cell_byte, 0);
  EXPECT_EQ(size.n_cell_byte % (2 * 2 * 12), 0) << "keys and values of 12 blocks, 2 bytes each";
}

TEST_F(ForecastTest, MemoryHasAPlaceForJudgesAndForGradients) {
  Scenario scenario = write_defend(folder_.path());
  scenario.search.methods = {MaskMethod::kClosedLoop};
  ForecastOptions options;
  options.model = kZoo + "qwen3moe-wide.gguf";
  options.output = folder_.path("not/yet/there");
  const ModelSize size = read_model_size(options.model);
  const SpaceForecast plain = forecast_space(scenario, options);
  EXPECT_EQ(plain.weights, size.n_weight_byte);
  EXPECT_GT(plain.gradient, size.n_quantised_byte);
  EXPECT_EQ(plain.judges, 0);
  EXPECT_GT(plain.traces, 0);
  EXPECT_GT(plain.disk, plain.traces);
  EXPECT_GT(plain.rest, plain.traces + (32LL << 20)) << "an engine without any model takes as much";
  EXPECT_EQ(plain.memory(), plain.weights + plain.gradient + plain.cache + plain.work + plain.rest);
  EXPECT_GT(plain.free_disk, 0);
  EXPECT_TRUE(space_problems(plain).empty());
  EXPECT_NO_THROW(require_room(plain));
  scenario.search.gradients = GradientSource::kPairs;
  EXPECT_EQ(forecast_space(scenario, options).gradient, 0);
  JudgeSpec guard;
  guard.kind = JudgeKind::kModel;
  guard.model = kZoo + "mixtral.gguf";
  scenario.judge.also = {guard};
  EXPECT_GT(forecast_space(scenario, options).judges, read_model_size(guard.model).n_weight_byte);
  options.n_context /= 2;
  EXPECT_EQ(2 * forecast_space(scenario, options).cache, plain.cache);
}

TEST(RequireRoom, SaysWhatWouldMakeItFit) {
  constexpr int64_t kGibi = 1LL << 30;
  SpaceForecast space;
  space.weights = 20 * kGibi;
  space.gradient = 15 * kGibi;
  space.judges = 5 * kGibi;
  space.disk = 3 * kGibi;
  space.free_memory = 36 * kGibi;
  space.free_disk = 4 * kGibi;
  expect_error(ErrorKind::kInsufficient, "40.0 GiB of memory are needed, and 36.0 GiB", [&] {
    require_room(space);
  });
  const std::string advice = space_problems(space).front().advice;
  EXPECT_THAT(advice, testing::HasSubstr("--judge"));
  EXPECT_THAT(advice, testing::HasSubstr("gradients = \"pairs\""));
  space.free_memory = 100 * kGibi;
  space.free_disk = kGibi;
  expect_error(ErrorKind::kInsufficient, "3.0 GiB on the disk", [&] { require_room(space); });
}

TEST(SpaceForecast, TurnsAreForWhatFitsOneAtATimeOnly) {
  SpaceForecast space;
  space.weights = 60;
  space.judges = 50;
  space.free_memory = 100;
  EXPECT_TRUE(space.fits_in_turns_only());
  EXPECT_EQ(space.memory(), 110);
  space.takes_turns = true;
  EXPECT_EQ(space.memory(), 60);
  EXPECT_TRUE(space_problems(space).empty());
  space.free_memory = 110;
  EXPECT_FALSE(space.fits_in_turns_only());
  space.free_memory = 55;
  EXPECT_FALSE(space.fits_in_turns_only());
}

TEST(SpaceForecast, ARefusalNamesTurnsWhereTheyWouldDo) {
  SpaceForecast space;
  space.weights = 60;
  space.judges = 50;
  space.free_memory = 100;
  const auto problems = space_problems(space);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].advice, testing::HasSubstr("--judge-loading turns"));
}

}  // namespace
}  // namespace mascing
