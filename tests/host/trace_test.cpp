// Traces of prompts that begin alike: the same as if each were traced alone, in any order, under
// any steering, with fewer tokens computed.
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demo.h"

namespace mascing {
namespace {

/// Half precision and another grouping of sums: the last bits may differ. Where two experts are as
/// good as level those bits choose, and later layers of that token see another expert's output: so
/// the first layer is held to this everywhere, the others but for one value in a hundred.
constexpr double kTolerance = 2e-2;
constexpr double kRareShare = 0.01;

class SharedTraceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    host_ = open_llama_host(demo_options()).release();
    requests_ = new std::vector<TraceRequest>(turn_by_turn(*host_));
  }
  static void TearDownTestSuite() {
    delete requests_;
    delete host_;
  }

  /// Every turn of played conversations under one system prompt, twice the same one among them, and
  /// one whose span begins before the place where it parts from its neighbour.
  static std::vector<TraceRequest> turn_by_turn(const Host& host) {
    std::vector<TraceRequest> requests;
    for (const Conversation& row : demo_attacks(6)) {
      Conversation played;
      played.messages.push_back({"system", "You are the herald of the king and speak in rhymes."});
      for (const Message& message : row.messages) {
        played.messages.push_back(message);
        if (message.role == "user") {
          const Prompt prompt = host.render(played);
          requests.push_back({prompt.tokens, prompt.final_user, {}});
        }
      }
    }
    requests.push_back(requests[1]);
    requests.push_back({requests[2].tokens, {1, requests[2].span.end}, {}});
    return requests;
  }

  static std::vector<RouterTrace> values(std::vector<Result<RouterTrace>> outcomes) {
    std::vector<RouterTrace> traces;
    for (auto& outcome : outcomes) {
      EXPECT_TRUE(outcome.ok()) << outcome.error;
      traces.push_back(std::move(outcome.value));
    }
    return traces;
  }
  static std::vector<RouterTrace> one_by_one(Host& host,
                                             const std::vector<TraceRequest>& requests) {
    std::vector<RouterTrace> traces;
    for (const TraceRequest& request : requests) {
      traces.push_back(values(host.trace({request})).front());
    }
    return traces;
  }
  static void expect_near(const std::vector<RouterTrace>& a, const std::vector<RouterTrace>& b) {
    ASSERT_EQ(a.size(), b.size());
    int64_t n_value = 0;
    int64_t n_far = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].logits.size(), b[i].logits.size()) << "request " << i;
      const int64_t n_expert = a[i].n_expert;
      for (size_t k = 0; k < a[i].logits.size(); ++k) {
        const double difference = std::fabs(static_cast<double>(half_to_float(a[i].logits[k])) -
                                            half_to_float(b[i].logits[k]));
        if (static_cast<int64_t>(k) / n_expert % a[i].n_layer == 0) {
          ASSERT_LT(difference, kTolerance) << "request " << i << ", first layer";
        }
        ++n_value;
        n_far += difference < kTolerance ? 0 : 1;
      }
    }
    EXPECT_LT(static_cast<double>(n_far), kRareShare * static_cast<double>(n_value));
  }
  static int64_t n_computed(const Host& host) { return host.counters().n_prefill_token; }

  static inline Host* host_ = nullptr;
  static inline std::vector<TraceRequest>* requests_ = nullptr;
};

TEST_F(SharedTraceTest, EqualsTracesMadeOneByOneAndComputesLess) {
  const int64_t n_start = n_computed(*host_);
  const auto alone = one_by_one(*host_, *requests_);
  const int64_t n_middle = n_computed(*host_);
  const auto together = values(host_->trace(*requests_));
  expect_near(together, alone);
  const int64_t n_alone = n_middle - n_start;
  EXPECT_LT(n_computed(*host_) - n_middle, n_alone / 2);
}

TEST_F(SharedTraceTest, DoesNotDependOnTheOrderOfTheRequestsBitForBit) {
  const auto expected = values(host_->trace(*requests_));
  std::vector<size_t> order(requests_->size());
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng(1);
  for (int repeat = 0; repeat < 3; ++repeat) {
    rng.shuffle(order);
    std::vector<TraceRequest> shuffled;
    for (const size_t i : order) {
      shuffled.push_back((*requests_)[i]);
    }
    const auto traces = values(host_->trace(shuffled));
    for (size_t k = 0; k < order.size(); ++k) {
      EXPECT_EQ(traces[k].logits, expected[order[k]].logits) << "request " << order[k];
    }
  }
}

TEST_F(SharedTraceTest, HoldsWhereFewSequencesAndSmallBatchesCutItIntoManyWaves) {
  const auto alone = one_by_one(*host_, *requests_);
  for (const auto& [n_parallel, n_batch] : {std::pair{1, 64}, {2, 32}, {3, 100}, {16, 48}}) {
    LlamaHostOptions options = demo_options();
    options.n_parallel = n_parallel;
    options.n_batch = n_batch;
    const auto narrow = open_llama_host(options);
    expect_near(values(narrow->trace(*requests_)), alone);
    EXPECT_LT(n_computed(*narrow), n_computed(*host_));
  }
}

TEST_F(SharedTraceTest, AnotherMaskOrStrengthSharesNothing) {
  const auto mask = random_mask(host_->describe(), 7);
  const auto other = random_mask(host_->describe(), 8);
  std::vector<TraceRequest> mixed;
  for (const Steering& steering :
       {Steering{mask, 1.0F}, Steering{}, Steering{other, 1.0F}, Steering{mask, 0.5F}}) {
    for (TraceRequest request : *requests_) {
      request.steering = steering;
      mixed.push_back(std::move(request));
    }
  }
  const auto alone = one_by_one(*host_, mixed);
  const int64_t n_start = n_computed(*host_);
  expect_near(values(host_->trace(mixed)), alone);
  const int64_t n_mixed = n_computed(*host_) - n_start;
  (void)host_->trace(*requests_);
  EXPECT_EQ(n_mixed, 4 * (n_computed(*host_) - n_start - n_mixed));
  EXPECT_GT(largest_difference(alone[0], alone[requests_->size()]), 10 * kTolerance);
}

TEST_F(SharedTraceTest, SigmaOfTheBatchIsLeftToItselfAsBefore) {
  auto mask = random_mask(host_->describe(), 9);
  mask->sigma_rule = SigmaRule::kBatch;
  std::vector<TraceRequest> requests((*requests_).begin(), (*requests_).begin() + 2);
  int64_t n_token = 0;
  for (TraceRequest& request : requests) {
    request.steering = {mask, 1.0F};
    n_token += request.span.end;
  }
  const int64_t n_start = n_computed(*host_);
  (void)values(host_->trace(requests));
  EXPECT_EQ(n_computed(*host_) - n_start, n_token);
}

TEST_F(SharedTraceTest, TwoEnginesTraceAsOneDoes) {
  LlamaHostOptions options = demo_options();
  options.n_thread = 2;
  const auto pair = open_llama_host(options);
  expect_near(values(pair->trace(*requests_)), values(host_->trace(*requests_)));
}

TEST_F(SharedTraceTest, RequestsThatCannotBeTracedDoNotDisturbTheirNeighbours) {
  std::vector<TraceRequest> requests = *requests_;
  requests[1].span = {5, 5};
  requests[2].tokens[3] = -1;
  const auto outcomes = host_->trace(requests);
  EXPECT_THAT(outcomes[1].error, testing::HasSubstr("span"));
  EXPECT_THAT(outcomes[2].error, testing::HasSubstr("vocabulary"));
  const auto expected = values(host_->trace({requests[0], requests[3]}));
  ASSERT_TRUE(outcomes[0].ok() && outcomes[3].ok());
  expect_near({outcomes[0].value, outcomes[3].value}, expected);
}

}  // namespace
}  // namespace mascing
