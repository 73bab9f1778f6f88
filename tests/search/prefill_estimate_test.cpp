// What an estimate says of a set that the model answered nothing of.
#include "search/prefill_estimate.h"

#include <memory>

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "host/fake_host.h"

namespace mascing {
namespace {

/// Cannot read what begins with kUnreadable.
class DeafHost : public FakeHost {
 public:
  static constexpr int32_t kUnreadable = 901;

  std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) override {
    auto outcomes = FakeHost::probe(requests);
    for (size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].tokens.front() == kUnreadable) {
        outcomes[i].error = "cannot be read";
      }
    }
    return outcomes;
  }
};

OutcomeSet set_of(const std::string& name, int32_t first) {
  OutcomeSet set;
  set.name = name;
  for (int32_t i = 0; i < 8; ++i) {
    set.prompts.push_back({first, 10 + i});
  }
  set.openings = std::make_shared<std::vector<TokenSequence>>(
      std::vector<TokenSequence>{TokenSequence{1}, TokenSequence{2}});
  set.n_wanted = 1;
  return set;
}

TEST(PrefillEstimate, SaysNothingOfASetThatWasNotAnswered) {
  const TemporaryFolder folder;
  DeafHost host;
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "test"), {}, {});
  Objectives objectives;
  objectives.sets = {
      set_of("target", 900), set_of("answered", 900), set_of("unread", DeafHost::kUnreadable)};
  objectives.key = "sets";
  const PrefillEstimator estimator(evaluator, objectives);
  for (const Sample sample : {Sample::kQuarter, Sample::kWhole}) {
    const PrefillEstimate estimate = estimator.estimate({}, sample);
    EXPECT_EQ(estimate.rates.count("target"), 1U);
    EXPECT_EQ(estimate.rates.count("answered"), 1U);
    EXPECT_EQ(estimate.rates.count("unread"), 0U) << "0 would look like a set that fell";
  }
  objectives.sets.front() = set_of("target", DeafHost::kUnreadable);
  objectives.key = "other sets";
  EXPECT_EQ(estimator.estimate({}, Sample::kWhole).rates.at("target"), 0.0)
      << "a target without answers is no better than without a mask";
}

}  // namespace
}  // namespace mascing
