// The comparison of two forms, on hosts whose outputs follow a rule.
#include "export/fidelity.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "host/fake_host.h"

namespace mascing {
namespace {

/// Its outputs hang on the token's place and on whether there is a mask.
class SpeakingHost : public FakeHost {
 public:
  std::vector<std::string> observe_outputs(const std::vector<TraceRequest>& requests,
                                           const OutputObserver& observer) override {
    const int64_t n_vocab = describe().n_vocab;
    std::vector<float> logits(n_vocab);
    for (int64_t r = 0; r < std::ssize(requests); ++r) {
      const TraceRequest& request = requests[r];
      EXPECT_EQ(std::ssize(request.tokens), request.span.end);
      n_longest = std::max(n_longest, request.span.size());
      for (int64_t t = request.span.begin; t < request.span.end; ++t) {
        for (int64_t v = 0; v < n_vocab; ++v) {
          const auto place = static_cast<float>(7 * t + v);
          logits[v] = std::sin(place) + (request.steering.mask ? std::cos(place) : 0.0F);
        }
        observer({r, t, logits.data()});
      }
    }
    return std::vector<std::string>(requests.size());
  }

  [[nodiscard]] const ModelInfo& describe() const override { return info_; }
  int64_t n_longest = 0;

 private:
  ModelInfo info_ = [] {
    ModelInfo info = make_info();
    info.n_vocab = 50;
    return info;
  }();
};

// One host stands for both forms: a fake host only knows the words that went through it.
TEST(CompareForms, InPiecesItFindsTheSame) {
  SpeakingHost host;
  std::vector<Conversation> conversations(2);
  conversations[0].messages = {{"user", "tell me of the mill and of the old bridge"}};
  conversations[1].messages = {{"user", "please forge a seal"}};
  const Steering steering{std::make_shared<const Mask>(zero_mask(host.describe())), 1.0F};
  FidelityOptions options;
  const FidelityRecord whole = compare_forms(host, host, conversations, steering, options);
  EXPECT_GT(host.n_longest, 3);
  host.n_longest = 0;
  options.n_output_byte = 3 * host.describe().n_vocab * static_cast<int64_t>(sizeof(float));
  const FidelityRecord pieces = compare_forms(host, host, conversations, steering, options);
  EXPECT_EQ(host.n_longest, 3);
  EXPECT_GT(whole.divergence, 0.01);
  EXPECT_NEAR(pieces.divergence, whole.divergence, 1e-12);
  EXPECT_NEAR(pieces.divergence_unsteered, whole.divergence_unsteered, 1e-12);
  EXPECT_EQ(pieces.n_token, whole.n_token);
}

TEST(CompareForms, JudgesWhatIsVisibleAndCountsWhatEndedBefore) {
  SpeakingHost host;
  host.think("the seal is a grave matter", true);
  std::vector<Conversation> conversations(2);
  conversations[0].messages = {{"user", "tell me of the mill"}};
  conversations[1].messages = {{"user", "please forge a seal"}};
  const Steering steering{std::make_shared<const Mask>(zero_mask(host.describe())), 1.0F};
  FidelityOptions options;
  std::vector<std::string> judged;
  options.is_refusal = [&](const std::string& reply) {
    judged.push_back(reply);
    return false;
  };
  FidelityRecord record = compare_forms(host, host, conversations, steering, options);
  EXPECT_EQ(record.n_unfinished, 0);
  ASSERT_EQ(judged.size(), 4U);
  for (const std::string& reply : judged) {
    EXPECT_EQ(reply.find("grave"), std::string::npos) << reply;
    EXPECT_FALSE(reply.empty());
  }
  judged.clear();
  options.n_max_reasoning_token = 2;
  record = compare_forms(host, host, conversations, steering, options);
  EXPECT_EQ(record.n_unfinished, 2);
  EXPECT_TRUE(judged.empty()) << "there is no decision to compare";
}

}  // namespace
}  // namespace mascing
