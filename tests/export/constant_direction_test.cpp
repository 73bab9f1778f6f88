// Which tokens of which texts a fit reads, on the host that answers by rule.
#include "export/constant_direction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/random.h"
#include "export/calibration.h"
#include "host/fake_host.h"

namespace mascing {
namespace {

/// Shows random inputs of three numbers and remembers which tokens it was asked for; its logits
/// depend on the inputs.
class ShowingHost : public FakeHost {
 public:
  [[nodiscard]] const ModelInfo& describe() const override { return info_; }
  std::vector<std::string> observe(const std::vector<TraceRequest>& requests,
                                   const RouterObserver& observer) override {
    ++n_pass;
    Rng rng(5);
    for (int64_t r = 0; r < std::ssize(requests); ++r) {
      for (int64_t l = 0; l < info_.n_layer; ++l) {
        for (int64_t t = requests[r].span.begin; t < requests[r].span.end; ++t) {
          std::vector<float> input(kWidth);
          std::vector<float> logits(kExperts);
          for (float& x : input) {
            x = static_cast<float>(rng.normal());
          }
          input[0] = t >= kFirstTokens && t < marked_until ? mark : 1.0F;
          for (int64_t e = 0; e < kExperts; ++e) {
            logits[e] = input[1] * static_cast<float>(e % 3) + input[2] * static_cast<float>(e % 2);
          }
          observer({r, t, l, input.data(), logits.data(), logits.data()});
        }
      }
    }
    return std::vector<std::string>(requests.size());
  }

  static constexpr int64_t kWidth = 3;
  int64_t n_pass = 0;
  float mark = 1000.0F;
  int64_t marked_until = 0;  ///< earlier tokens, but for the first, have inputs like no others

 private:
  ModelInfo info_ = [] {
    ModelInfo info = make_info();
    info.n_embd = kWidth;
    info.has_bias.assign(info.n_layer, false);
    return info;
  }();
};

Mask mask_for(const ModelInfo& info) {
  Mask mask = zero_mask(info);
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    mask.row(l)[l] = 1.0F;
  }
  return mask;
}

std::vector<FitSample> texts_of(int64_t n_text, int64_t n_token) {
  std::vector<FitSample> samples(n_text);
  for (int64_t i = 0; i < n_text; ++i) {
    samples[i].group = i;
    samples[i].request.tokens.assign(n_token, 1);
    samples[i].request.span = {0, n_token};
  }
  return samples;
}

TEST(FitRouterUpdate, OfLongTextsTheFirstTokensAndTheLastPartAreRead) {
  ShowingHost host;
  FitOptions options;
  options.n_max_token = 2000;
  const int64_t n_part = longest_part(options.n_max_token);
  const auto fit = [&](int64_t marked_until) {
    host.marked_until = marked_until;
    return fit_router_update(host, mask_for(host.describe()), 1.0, texts_of(7, 1000), options);
  };
  const RouterUpdate plain = fit(0);
  const RouterUpdate unread_marked = fit(1000 - n_part + kFirstTokens);
  const RouterUpdate one_more = fit(1000 - n_part + kFirstTokens + 1);
  ASSERT_EQ(plain.layers.size(), 3U);
  for (size_t l = 0; l < 3; ++l) {
    EXPECT_EQ(unread_marked.layers[l].down, plain.layers[l].down);
    EXPECT_NE(one_more.layers[l].down, plain.layers[l].down);
    EXPECT_EQ(plain.layers[l].quality.n_token, n_part) << "one text in four is held out";
  }
}

TEST(FitRouterUpdate, OfTwoTextsOneIsHeldOutAndOneIsTooFew) {
  ShowingHost host;
  const Mask mask = mask_for(host.describe());
  for (const int64_t n_text : {2, 3}) {
    const RouterUpdate update = fit_router_update(host, mask, 1.0, texts_of(n_text, 100), {});
    EXPECT_EQ(update.layers[0].quality.n_token, 100);
  }
  expect_error(ErrorKind::kInsufficient, "to fit on: 1, expected at least 2", [&] {
    (void)fit_router_update(host, mask, 1.0, texts_of(1, 100), {});
  });
}

TEST(CalibrationSamples, TellWhatCouldNotBeRendered) {
  FakeHost host;
  std::vector<Conversation> conversations(3);
  conversations[1].messages = {{"user", "tell me of the seal"}};
  const CalibrationTexts texts = calibration_samples(host, conversations, {}, {});
  EXPECT_EQ(texts.samples.size(), 2U);
  EXPECT_EQ(texts.n_skipped, 2);
  EXPECT_THAT(texts.first_error, testing::HasSubstr("does not end with a user message"));
  conversations.erase(conversations.begin() + 1);
  expect_error(ErrorKind::kInsufficient,
               "none of the 2 conversations can be rendered: [fake]",
               [&] { (void)calibration_samples(host, conversations, {}, {}); });
}

TEST(FitRouterUpdate, InputsBeyondHalfPrecisionAreAnError) {
  ShowingHost host;
  host.marked_until = 100;
  host.mark = 1e5F;
  expect_error(ErrorKind::kInsufficient, "65504", [&] {
    (void)fit_router_update(host, mask_for(host.describe()), 1.0, texts_of(8, 100), {});
  });
}

TEST(FitRouterUpdate, LessMemoryTakesMorePassesAndGivesTheSame) {
  ShowingHost host;
  const Mask mask = mask_for(host.describe());
  FitOptions options;
  std::vector<std::string> notes;
  const Progress listen = [&](const ProgressEvent& event) {
    if (event.done == 0) {
      notes.push_back(event.note);
    }
    return true;
  };
  const RouterUpdate at_once =
      fit_router_update(host, mask, 1.0, texts_of(8, 100), options, listen);
  EXPECT_EQ(host.n_pass, 1);
  options.n_max_byte = 1;
  const RouterUpdate one_by_one =
      fit_router_update(host, mask, 1.0, texts_of(8, 100), options, listen);
  EXPECT_EQ(host.n_pass, 1 + 3);
  for (size_t l = 0; l < 3; ++l) {
    EXPECT_EQ(at_once.layers[l].down, one_by_one.layers[l].down);
  }
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_THAT(notes[0], testing::HasSubstr("800 tokens, 1 pass, "));
  EXPECT_THAT(notes[1], testing::HasSubstr("800 tokens, 3 passes, "));
}

}  // namespace
}  // namespace mascing
