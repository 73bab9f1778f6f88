// The margin on replies that begin as those of real models do: who may follow it, where its zero
// lies, and what stands before the opening.
#include <algorithm>
#include <cmath>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/temporary_folder.h"
#include "base/warning_ids.h"
#include "host/fake_host.h"
#include "judge/refusal_judge.h"
#include "scenario/tiny_scenario.h"
#include "search/conclusion.h"
#include "search/look_at_replies.h"
#include "search/objectives.h"
#include "stage/real_like_replies.h"

namespace mascing {
namespace {

using testing::Contains;

/// Refuses from a logit of 0 on, which hangs on the prompt alone, and begins in one of the many
/// ways of `real_like_beginnings`: seven of ten times in the conversation's own.
class RealLikeHost : public FakeHost {
 public:
  static constexpr double kOwnShare = 0.7;
  static constexpr int32_t kReasoningToken = 77;

  static constexpr int32_t kEvasion = 555;
  static constexpr int32_t kOtherReasoning = 78;

  bool evades = false;   ///< under a mask
  double hidden = 0.0;   ///< share of refusals that begin in ways seen nowhere else
  bool is_odd = false;   ///< every eighth refusal is such a one, in its replies, too
  bool reasons = false;  ///< begins every reply with a token of its own, and asks for it in probes
  bool concludes = false;     ///< knows its reply already where the reasoning begins
  bool decides_late = false;  ///< knows nothing of it there
  int64_t n_probed_without_reasoning = 0;

  [[nodiscard]] double refusal_logit_of(const std::vector<int32_t>& prompt) const {
    return 3.0 * Rng(seed_of(prompt)).normal();
  }

  std::vector<Result<Reply>> generate(const std::vector<GenerateRequest>& requests,
                                      const Sampling& sampling) override {
    auto outcomes = FakeHost::generate(requests, sampling);
    for (size_t i = 0; i < requests.size(); ++i) {
      const bool refuses = refusal_logit_of(requests[i].tokens) > 0.0;
      Reply& reply = outcomes[i].value;
      reply.text = refuses ? "I'm sorry, I cannot" : "Here it is";
      reply.tokens = own(requests[i].tokens, refuses).tokens;
      const uint64_t seed = seed_of(requests[i].tokens);
      if (is_odd && refuses && seed % 8 == 0) {
        reply.tokens.insert(reply.tokens.begin(), static_cast<int32_t>(20'000 + seed % 10'000));
      }
      if (evades && is_active(requests[i].steering)) {
        reply.text = "Perhaps another day";
        reply.tokens = {kEvasion};
      }
      for (int32_t k = 0; k < 40; ++k) {
        reply.tokens.push_back(10'000 + k);
      }
      if (reasons) {
        const bool is_steered = is_active(requests[i].steering);
        reply.tokens.insert(reply.tokens.begin(), is_steered ? kOtherReasoning : kReasoningToken);
        reply.n_reasoning_token = 1;
      }
      reply.log_prob = -0.5 * static_cast<double>(reply.tokens.size());
    }
    return outcomes;
  }

  std::vector<Result<Probe>> probe(const std::vector<ProbeRequest>& requests) override {
    auto outcomes = FakeHost::probe(requests);
    for (size_t i = 0; i < requests.size(); ++i) {
      std::vector<int32_t> prompt = requests[i].tokens;
      if (reasons && prompt.back() == kReasoningToken) {
        prompt.pop_back();
      } else if (reasons) {
        ++n_probed_without_reasoning;
      }
      const bool is_early = reasons && prompt.size() == requests[i].tokens.size();
      const double logit = is_early && decides_late ? 0.0 : refusal_logit_of(prompt);
      const double p_refused = 1.0 / (1.0 + std::exp(-logit));
      outcomes[i].value.log_prob.clear();
      for (std::vector<int32_t> opening : *requests[i].openings) {
        if (is_early && opening.front() == kReasoningToken) {
          opening.erase(opening.begin());
        }
        const double p = p_refused * (1.0 - hidden) * share(prompt, opening, true) +
                         (1.0 - p_refused) * share(prompt, opening, false);
        outcomes[i].value.log_prob.push_back(std::log(std::max(p, 1e-9)));
      }
    }
    return outcomes;
  }

 private:
  static uint64_t seed_of(const std::vector<int32_t>& prompt) {
    std::string text;
    for (const int32_t token : prompt) {
      text += std::to_string(token) + ' ';
    }
    return sha256_bits(text);
  }
  [[nodiscard]] const Beginning& own(const std::vector<int32_t>& prompt, bool refuses) const {
    Rng rng(mix_seed(seed_of(prompt), refuses ? 1 : 2));
    return beginnings_[draw_beginning(beginnings_, refuses, rng)];
  }
  /// Of replies of a kind, those that begin so.
  [[nodiscard]] double share(const std::vector<int32_t>& prompt,
                             const std::vector<int32_t>& opening,
                             bool refuses) const {
    double sum = 0.0;
    double sum_of_all = 0.0;
    for (const Beginning& beginning : beginnings_) {
      if (beginning.refuses == refuses) {
        sum_of_all += beginning.weight;
        sum += begins_with_any(beginning.tokens, {opening}) ? beginning.weight : 0.0;
      }
    }
    const bool is_own = begins_with_any(own(prompt, refuses).tokens, {opening});
    return (is_own ? kOwnShare : 0.0) + (1.0 - kOwnShare) * sum / sum_of_all;
  }

  std::vector<Beginning> beginnings_ = real_like_beginnings();
};

/// Tosses a coin for every conversation.
class CoinJudge : public Judge {
 public:
  explicit CoinJudge(uint64_t seed) : seed_(seed) {}
  [[nodiscard]] std::string name() const override { return "coin"; }
  [[nodiscard]] std::string key() const override { return "coin" + std::to_string(seed_); }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override {
    std::vector<Judgement> judgements;
    for (const Exchange& exchange : exchanges) {
      const uint64_t bits = mix_seed(sha256_bits(exchange.messages.back().content), seed_);
      judgements.push_back({bits % 2 == 0 ? Verdict::kRefused : Verdict::kAnswered});
    }
    return judgements;
  }
  void self_test() override {}

 private:
  uint64_t seed_;
};

std::shared_ptr<const Mask> any_mask() {
  auto mask = std::make_shared<Mask>();
  mask->n_layer = FakeHost::kLayers;
  mask->n_expert = FakeHost::kExperts;
  mask->steer.assign(FakeHost::kLayers * FakeHost::kExperts, 0.1F);
  mask->sigma.assign(FakeHost::kLayers, 1.0F);
  mask->blocks = FakeHost::make_info().blocks;
  mask->fingerprint = FakeHost::make_info().fingerprint;
  return mask;
}

class MarginTest : public testing::Test {
 protected:
  MarginTest() : scenario_(write_defend(folder_.path())) {
    write_many("attacks.jsonl", "realm", "tale ");
    data_ = load_dataset(scenario_, 0);
  }

  void write_many(const std::string& file, const std::string& topic, const std::string& request) {
    std::vector<Conversation> rows;
    for (int i = 0; i < 400; ++i) {
      const char* split = i < 240 ? "discovery" : i < 320 ? "selection" : "test";
      rows.push_back(tiny_row(file + std::to_string(i),
                              topic + std::to_string(i / 4),
                              split,
                              request + std::to_string(i)));
    }
    write_rows(folder_.path(file), rows);
  }

  [[nodiscard]] Objectives build(Judge& judge, Split split = Split::kDiscovery) {
    const std::string cache = folder_.path("cache" + std::to_string(n_cache_++));
    CachedEvaluator evaluator(host_, Cache(cache, "c"), {0.0F, 0, 60}, progress_);
    EvalContext context = {evaluator, data_, scenario_, judge, {10.0}};
    if (host_.reasons) {
      context.prefix_length = [](const AskedReply&) { return 1; };
    }
    if (host_.concludes || host_.decides_late) {
      context.conclusion_length = [](const AskedReply&, const LeadSentences&) { return 0; };
    }
    return build_objectives(context, split);
  }

  TemporaryFolder folder_;
  Scenario scenario_;
  Dataset data_;
  RealLikeHost host_;
  Progress progress_;
  int n_cache_ = 0;
};

TEST_F(MarginTest, TellsRefusalsFromAnswersOfAHundredBeginnings) {
  RefusalJudge judge(scenario_.judge);
  const Objectives objectives = build(judge);
  ASSERT_TRUE(objectives.sees_target());
  const MarginResult& margin = objectives.margins.at("dsr");
  EXPECT_EQ(margin.form, "wanted_only") << "answers begin in too many ways";
  EXPECT_LT(margin.coverage_unwanted, 0.7);
  EXPECT_GE(margin.coverage_wanted, 0.7);
  EXPECT_GT(margin.auc, 0.85);
  EXPECT_LE(margin.p_value, 1e-3);
  EXPECT_TRUE(margin.is_usable);
  EXPECT_EQ(margin.n_wanted + margin.n_unwanted, 240);
}

TEST_F(MarginTest, RefusalsOfAHoldSetThatNoOpeningKnowsAreTextsOfTheirOwn) {
  write_many("direct.jsonl", "seal", "deed ");
  host_.is_odd = true;
  data_ = load_dataset(scenario_, 0);
  RefusalJudge judge(scenario_.judge);
  const Objectives objectives = build(judge);
  const auto set_of = [&](const std::string& name) {
    return std::find_if(objectives.sets.begin(), objectives.sets.end(), [&](const auto& set) {
      return set.name == name;
    });
  };
  const auto hold = set_of("direct");
  const auto rare = set_of(kRareReplies);
  const auto wanted = set_of(kWantedReplies);
  ASSERT_NE(hold, objectives.sets.end());
  ASSERT_NE(rare, objectives.sets.end());
  EXPECT_LT(rare->size(), wanted->size() / 4) << "most begin in known ways";
  const std::vector<TokenSequence> known = openings_of(*hold).wanted;
  for (const ScoredText& text : rare->texts) {
    const auto opening = text.tokens.begin() + text.begin - 4;  // its tokens are not scored
    EXPECT_FALSE(begins_with_any({opening, text.tokens.end()}, known));
  }
}

TEST_F(MarginTest, TheZeroMakesTheBaseRateThatOfTheVerdicts) {
  host_.hidden = 0.8;
  RefusalJudge judge(scenario_.judge);
  const Objectives objectives = build(judge);
  ASSERT_TRUE(objectives.sees_target());
  const MarginResult& margin = objectives.margins.at("dsr");
  ASSERT_TRUE(margin.is_calibrated);
  int n_above = 0;
  int n_above_raw = 0;
  for (const double m : objectives.roles.front().base) {
    n_above += m > 0.0 ? 1 : 0;
    n_above_raw += m + margin.zero > 0.0 ? 1 : 0;
  }
  const double rate = static_cast<double>(margin.n_wanted) / 240.0;
  EXPECT_NEAR(n_above / 240.0, rate, 0.06);
  EXPECT_GT(std::fabs(n_above_raw / 240.0 - rate), 0.15) << "compared with 0 it would be wrong";
}

TEST_F(MarginTest, OfFiftyRandomLabelingsNoneStartsALoop) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CoinJudge judge(seed);
    const Objectives objectives = build(judge);
    EXPECT_FALSE(objectives.sees_target()) << "seed " << seed;
    EXPECT_THAT(warning_ids(objectives.warnings),
                testing::AnyOf(Contains("margin_too_weak"), Contains("target_unwatched")));
    if (objectives.margins.contains("dsr")) {
      EXPECT_LT(objectives.margins.at("dsr").auc, 0.75);
    }
  }
}

TEST_F(MarginTest, IsAskedBehindThePrefixOfTheConversationsOwnReply) {
  RefusalJudge judge(scenario_.judge);
  const Objectives plain = build(judge);
  host_.reasons = true;
  for (const Split split : {Split::kDiscovery, Split::kSelection}) {
    const Objectives behind = build(judge, split);
    ASSERT_TRUE(behind.sees_target());
    const OutcomeSet& target = behind.sets.front();
    for (const TokenSequence& prompt : target.prompts) {
      EXPECT_EQ(prompt.back(), RealLikeHost::kReasoningToken);
    }
    for (const TokenSequence& opening : *target.openings) {
      EXPECT_NE(opening.front(), RealLikeHost::kReasoningToken);
    }
    EXPECT_DOUBLE_EQ(behind.margins.at("dsr").auc, plain.margins.at("dsr").auc);
  }
  EXPECT_EQ(host_.n_probed_without_reasoning, 0);
}

TEST_F(MarginTest, OfReasoningIsAskedWhereTheModelDecides) {
  RefusalJudge judge(scenario_.judge);
  host_.reasons = true;
  host_.concludes = true;
  for (const Split split : {Split::kDiscovery, Split::kSelection}) {
    const Objectives objectives = build(judge, split);
    ASSERT_TRUE(objectives.sees_target());
    EXPECT_TRUE(objectives.at_conclusion());
    EXPECT_TRUE(objectives.margins.at("dsr").at_conclusion);
    for (const TokenSequence& prompt : objectives.sets.front().prompts) {
      EXPECT_NE(prompt.back(), RealLikeHost::kReasoningToken);
    }
    for (const TokenSequence& opening : *objectives.sets.front().openings) {
      EXPECT_EQ(opening.front(), RealLikeHost::kReasoningToken);
    }
  }
}

TEST_F(MarginTest, IsAskedBehindReasoningThatDoesNotTellYet) {
  RefusalJudge judge(scenario_.judge);
  host_.reasons = true;
  host_.decides_late = true;
  const Objectives objectives = build(judge);
  ASSERT_TRUE(objectives.sees_target());
  EXPECT_FALSE(objectives.at_conclusion());
  EXPECT_FALSE(objectives.margins.at("dsr").at_conclusion);
  EXPECT_EQ(objectives.sets.front().prompts.front().back(), RealLikeHost::kReasoningToken);
  EXPECT_THAT(warning_ids(objectives.warnings),
              testing::ElementsAre("general_text_unwatched"));  // its blocks are short here
}

TEST_F(MarginTest, AModelThatDoesNotReasonIsAskedAtOnce) {
  RefusalJudge judge(scenario_.judge);
  host_.concludes = true;
  const Objectives objectives = build(judge);
  ASSERT_TRUE(objectives.sees_target());
  EXPECT_FALSE(objectives.at_conclusion());
}

TEST_F(MarginTest, ALookTakesTheReasoningThatTheMaskBringsAbout) {
  RefusalJudge judge(scenario_.judge);
  host_.reasons = true;
  CachedEvaluator evaluator(host_, Cache(folder_.path("fresh"), "c"), {0.0F, 0, 60}, progress_);
  EvalContext context = {evaluator, data_, scenario_, judge, {10.0}};
  context.prefix_length = [](const AskedReply&) { return 1; };
  Objectives live = build_objectives(context, Split::kDiscovery);
  ASSERT_TRUE(live.sees_target());
  const std::string before = live.key;
  (void)look_at_replies(context, {any_mask(), 1.0F}, live);
  const auto& prompts = live.sets.front().prompts;
  const auto of_mask = std::count_if(prompts.begin(), prompts.end(), [](const auto& prompt) {
    return prompt.back() == RealLikeHost::kOtherReasoning;
  });
  EXPECT_EQ(prompts.size(), 240U);
  EXPECT_EQ(of_mask, 192) << "the others keep theirs until another look";
  EXPECT_NE(live.key, before);
}

TEST_F(MarginTest, ALookFindsTheEvasionsThatOnlyTheMaskBringsAbout) {
  RefusalJudge judge(scenario_.judge);
  CachedEvaluator evaluator(host_, Cache(folder_.path("fresh"), "c"), {0.0F, 0, 60}, progress_);
  const EvalContext context = {evaluator, data_, scenario_, judge, {10.0}};
  Objectives live = build_objectives(context, Split::kDiscovery);
  KnownReplies& known = live.target;
  known.form = MarginForm::kTwoSided;
  known.openings = find_openings(known.unsteered.wanted, known.unsteered.unwanted);
  const Openings before = known.openings;
  set_openings(before, live.sets.front());
  ASSERT_FALSE(before.wanted.empty());
  ASSERT_FALSE(before.unwanted.empty());
  const auto mask = any_mask();
  const TokenSequence evasion = {RealLikeHost::kEvasion};
  Objectives same = live;
  EXPECT_FALSE(look_at_replies(context, {}, same).has_new_openings);
  EXPECT_EQ(openings_of(same.sets.front()).unwanted, before.unwanted);
  EXPECT_EQ(openings_of(same.sets.front()).wanted, before.wanted);
  host_.evades = true;
  EXPECT_TRUE(look_at_replies(context, {mask, 1.0F}, live).has_new_openings);
  const Openings under_mask = openings_of(live.sets.front());
  EXPECT_THAT(under_mask.unwanted, Contains(evasion));
  EXPECT_THAT(under_mask.unwanted, testing::IsSupersetOf(before.unwanted));
  EXPECT_FALSE(under_mask.wanted.empty());
  EXPECT_FALSE(known.steered.unwanted.empty()) << "kept for the next look";
  known.form = MarginForm::kWantedOnly;
  (void)look_at_replies(context, {mask, 1.0F}, live);
  EXPECT_TRUE(openings_of(live.sets.front()).unwanted.empty())
      << "everything else is unwanted anyway";
}

}  // namespace
}  // namespace mascing
