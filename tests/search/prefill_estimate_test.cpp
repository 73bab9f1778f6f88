// What an estimate says of a set that the model answered nothing of.
#include "search/prefill_estimate.h"

#include <memory>

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "host/fake_host.h"

namespace mascing {
namespace {

/// Cannot read what begins with "unreadable".
class DeafHost : public FakeHost {
 public:
  std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) override {
    auto outcomes = FakeHost::probe(requests);
    for (size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].tokens.front() == tokenize("unreadable", false).front()) {
        outcomes[i].error = "cannot be read";
      }
    }
    return outcomes;
  }
};

OutcomeSet set_of(const FakeHost& host, const std::string& name, const std::string& first) {
  OutcomeSet set;
  set.name = name;
  for (int i = 0; i < 8; ++i) {
    set.prompts.push_back(host.tokenize(first + " seal " + std::to_string(i), false));
  }
  set.openings = std::make_shared<std::vector<TokenSequence>>(
      std::vector<TokenSequence>{host.tokenize("No", false), host.tokenize("Yes", false)});
  set.n_wanted = 1;
  return set;
}

TEST(PrefillEstimate, SaysNothingOfASetThatWasNotAnswered) {
  const TemporaryFolder folder;
  DeafHost host;
  CachedEvaluator evaluator(host, Cache(folder.path("cache"), "test"), {}, {});
  Objectives objectives;
  objectives.sets = {set_of(host, "target", "plain"),
                     set_of(host, "answered", "plain"),
                     set_of(host, "unread", "unreadable")};
  objectives.key = "sets";
  const PrefillEstimator estimator(evaluator, objectives);
  for (const Sample sample : {Sample::kQuarter, Sample::kWhole}) {
    const PrefillEstimate estimate = estimator.estimate({}, sample);
    EXPECT_EQ(estimate.rates.count("target"), 1U);
    EXPECT_EQ(estimate.rates.count("answered"), 1U);
    EXPECT_EQ(estimate.rates.count("unread"), 0U) << "0 would look like a set that fell";
  }
  objectives.sets.front() = set_of(host, "target", "unreadable");
  objectives.key = "other sets";
  EXPECT_EQ(estimator.estimate({}, Sample::kWhole).rates.at("target"), 0.0)
      << "a target without answers is no better than without a mask";
}

}  // namespace
}  // namespace mascing
