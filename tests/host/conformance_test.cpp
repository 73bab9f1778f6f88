// What the tap promises, on real tensors of the graph of every MoE architecture that libllama
// builds: each test makes a small random model, compares the host with libllama itself, and leaves
// a row for the table in docs/architectures.md.
#include <cmath>
#include <cstring>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/expect_error.h"
#include "base/temporary_folder.h"
#include "conformance_watch.h"
#include "demo.h"
#include "export/lora.h"
#include "format/expert_choice.h"
#include "format/model_file.h"
#include "format/router_traits.h"
#include "mascing/layer_probe.h"
#include "zoo.h"
#include "zoo_names.h"

namespace mascing {
namespace {

constexpr double kTolerance = 2e-2;      // logits of a few units, recorded in half precision
constexpr double kMeanTolerance = 3e-2;  // where near ties of experts may turn
constexpr float kPush = 1000.0F;

std::vector<int32_t> some_tokens(size_t n, uint64_t seed) {
  Rng rng(seed);
  std::vector<int32_t> tokens(n);
  for (int32_t& token : tokens) {
    token = static_cast<int32_t>(rng.below(96));
  }
  return tokens;
}

/// Diffusion models let every token see every other: a prompt in pieces is another prompt.
/// Sums in another order differ in their last bits. With random weights that can turn a near tie of
/// two experts at one token, which all later layers and tokens show a little: the first layer is to
/// agree everywhere, the others in the mean. Logits are of the order of 1, and so is what another
/// mask does to them.
void expect_alike(const RouterTrace& a, const RouterTrace& b, const std::string& what) {
  ASSERT_EQ(a.logits.size(), b.logits.size()) << what;
  const auto stride = static_cast<size_t>(a.n_layer * a.n_expert);
  double sum = 0.0;
  for (size_t i = 0; i < a.logits.size(); ++i) {
    const double off = std::fabs(half_to_float(a.logits[i]) - half_to_float(b.logits[i]));
    sum += off;
    if (i % stride < static_cast<size_t>(a.n_expert)) {
      ASSERT_LT(off, kTolerance) << what << ", first layer";
    }
  }
  EXPECT_LT(sum / static_cast<double>(a.logits.size()), kMeanTolerance) << what;
}

bool is_causal(const LoadedModel& model) {
  return !llama_model_is_diffusion(model.weights.get());
}

class Conformance : public testing::TestWithParam<std::string> {
 public:
  void SetUp() override {
    options_.path = std::string(MASCING_ZOO) + "/" + GetParam() + ".gguf";
    options_.n_thread = 1;
    options_.n_parallel = 4;
    options_.n_batch = 256;
    options_.n_context = 1024;
    write_zoo_model(zoo_model(GetParam()), 1, options_.path);
    model_ = std::make_shared<const LoadedModel>(options_);
    host_ = open_llama_host(options_);
    tokens_ = some_tokens(24, 7);
  }

  [[nodiscard]] const ModelInfo& info() const { return model_->info; }
  [[nodiscard]] int64_t n_layer() const { return info().n_layer; }

  struct Run {
    std::map<int64_t, RouterWatch> seen;
    std::vector<float> outputs;
    std::vector<uint16_t> record;  ///< [T, L, E]
  };
  /// The prompt under a tap that records everything and steers.
  [[nodiscard]] Run run(const Steering& steering) const {
    RouterTap tap(info());
    WatchedModel watched(model_, &tap, true);
    Run run;
    const auto stride = static_cast<size_t>(n_layer() * info().n_expert);
    run.record.resize(tokens_.size() * stride);
    std::vector<TapColumn> columns(tokens_.size());
    std::vector<int32_t> outputs;
    for (size_t t = 0; t < tokens_.size(); ++t) {
      columns[t].steering = is_active(steering) ? &steering : nullptr;
      columns[t].record = run.record.data() + t * stride;
      outputs.push_back(static_cast<int32_t>(t));
    }
    tap.plan(columns, outputs, false);
    watched.decode(tokens_);
    tap.finish();
    run.seen = watched.seen();
    run.outputs = watched.outputs();
    return run;
  }

  [[nodiscard]] std::vector<RouterTrace> traces(Host& host,
                                                const std::vector<TraceRequest>& requests) const {
    std::vector<RouterTrace> traces;
    for (auto& outcome : host.trace(requests)) {
      EXPECT_TRUE(outcome.ok()) << outcome.error;
      traces.push_back(std::move(outcome.value));
    }
    return traces;
  }

  void check_that_every_router_is_recorded();
  void check_that_the_traits_explain_the_choice();
  void check_that_an_idle_tap_changes_nothing();
  void check_that_experts_are_banned_and_forced();
  void check_the_dry_forward_pass();
  void check_prefills_in_pieces();
  void check_that_sequences_do_not_mix();
  void check_generation_after_a_trace();
  void check_that_adapters_act_unless_they_are_passed_by();
  void write_row() const;

  LlamaHostOptions options_;
  std::shared_ptr<const LoadedModel> model_;
  std::unique_ptr<Host> host_;
  std::vector<int32_t> tokens_;
  nlohmann::ordered_json row_ = nlohmann::ordered_json::object();
};

void Conformance::check_that_every_router_is_recorded() {
  WatchedModel plain(model_, nullptr, true);
  plain.decode(tokens_);
  std::vector<int64_t> blocks;
  for (const auto& [block, router] : plain.seen()) {
    blocks.push_back(block);
  }
  ASSERT_EQ(blocks, info().blocks) << "blocks with a router in the graph, and in the file";
  const RouterTrace trace =
      traces(*host_, {{tokens_, {5, static_cast<int64_t>(tokens_.size())}, {}}}).at(0);
  const OpenModel file = open_model(options_.path);
  double largest = 0.0;
  for (int64_t l = 0; l < n_layer(); ++l) {
    const RouterWatch& router = plain.seen().at(info().blocks[l]);
    ASSERT_EQ(router.n_expert, info().n_expert);
    ASSERT_EQ(router.n_used, info().n_expert_used);
    ASSERT_EQ(router.is_biased, info().has_bias[l]);
    std::vector<float> weight(static_cast<size_t>(router.n_embd * router.n_expert));
    std::vector<float> bias(static_cast<size_t>(router.n_expert), 0.0F);
    ASSERT_EQ(file.routers[l].weight->size_bytes, weight.size() * sizeof(float));
    std::memcpy(weight.data(), file.routers[l].weight->data, weight.size() * sizeof(float));
    if (file.routers[l].bias != nullptr) {
      std::memcpy(bias.data(), file.routers[l].bias->data, bias.size() * sizeof(float));
    }
    for (int64_t t = 0; t < trace.n_token; ++t) {
      const float* x = router.input.data() + (t + 5) * router.n_embd;
      for (int64_t e = 0; e < router.n_expert; ++e) {
        double expected = bias[e];
        for (int64_t d = 0; d < router.n_embd; ++d) {
          expected += static_cast<double>(weight[e * router.n_embd + d]) * x[d];
        }
        const float recorded =
            half_to_float(trace.logits[(t * n_layer() + l) * router.n_expert + e]);
        ASSERT_NEAR(recorded, expected, kTolerance) << "layer " << l << " token " << t;
        largest = std::max(largest, std::fabs(expected));
      }
    }
  }
  EXPECT_GT(largest, 0.5) << "routers without an opinion prove nothing";
}

// Gating, bias and groups as `mascing inspect` states them, and the recorded logits, must give the
// experts that the graph chose.
void Conformance::check_that_the_traits_explain_the_choice() {
  WatchedModel plain(model_, nullptr, true);
  plain.decode(tokens_);
  const OpenModel file = open_model(options_.path);
  const RouterTraits traits = read_router_traits(file);
  EXPECT_TRUE(traits.is_known_architecture);
  EXPECT_NE(traits.gating, "unknown");
  EXPECT_EQ(why_choice_unknown(traits, info().n_expert), "");
  row_["gating"] = traits.gating;
  row_["groups"] = traits.n_group > 0;
  row_["shared"] = traits.n_expert_shared;
  for (int64_t l = 0; l < n_layer(); ++l) {
    const RouterWatch& router = plain.seen().at(info().blocks[l]);
    row_["selection_bias"] = row_.value("selection_bias", false) || traits.has_selection_bias[l];
    const LayerChoice choice = layer_choice(traits, l);
    EXPECT_EQ(choice.is_by_token, traits.is_chosen_by_token[l]);
    for (size_t t = 0; t < tokens_.size() && !choice.is_by_token; ++t) {
      const float* z = router.logits.data() + t * static_cast<size_t>(router.n_expert);
      std::vector<float> scores;
      selection_scores(choice, z, router.n_expert, scores);
      leave_out_groups(choice, scores);
      const auto first = router.chosen.begin() + static_cast<int64_t>(t) * router.n_used;
      float least_chosen = INFINITY;
      for (int64_t k = 0; k < router.n_used; ++k) {
        least_chosen = std::min(least_chosen, std::exchange(scores.at(first[k]), -INFINITY));
      }
      const float best_other = *std::max_element(scores.begin(), scores.end());
      ASSERT_GE(least_chosen, best_other - 1e-4F) << "layer " << l << " token " << t;
    }
  }
}

void Conformance::check_that_an_idle_tap_changes_nothing() {
  WatchedModel plain(model_, nullptr, false);
  plain.decode(tokens_);
  const std::vector<float> expected = plain.outputs();
  ASSERT_THAT(expected, testing::Each(testing::Truly([](float x) { return std::isfinite(x); })));
  const auto zero = std::make_shared<const Mask>(zero_mask(info()));
  for (const Steering& steering :
       {Steering{}, Steering{random_mask(info(), 1), 0.0F}, Steering{zero, 1.0F}}) {
    const std::vector<float> outputs = run(steering).outputs;
    ASSERT_EQ(outputs.size(), expected.size());
    ASSERT_EQ(std::memcmp(outputs.data(), expected.data(), outputs.size() * sizeof(float)), 0);
  }
}

// An expert that is often chosen is banned, then forced. A push through a sigmoid ends at 0 and 1:
// a bias on the choice, or groups, can outvote it, so that forcing is asserted where neither is.
void Conformance::check_that_experts_are_banned_and_forced() {
  const Run natural = run({});
  const RouterTraits traits = read_router_traits(open_model(options_.path));
  bool is_always_forced = true;
  std::vector<int64_t> unmoved;
  for (int64_t l = 0; l < n_layer(); ++l) {
    const int64_t block = info().blocks[l];
    const std::vector<int32_t>& chosen = natural.seen.at(block).chosen;
    const int64_t e = chosen.at(0);
    const auto count = [&](const Run& run) {
      const auto& picks = run.seen.at(block).chosen;
      return std::count(picks.begin(), picks.end(), static_cast<int32_t>(e));
    };
    const Run banned = run({single_entry(info(), l, e, -kPush), 1.0F});
    const Run forced = run({single_entry(info(), l, e, kPush), 1.0F});
    const auto n_token = static_cast<int64_t>(tokens_.size());
    if (traits.is_chosen_by_token[l]) {
      EXPECT_EQ(banned.seen.at(block).chosen, chosen) << "the token decides";
      EXPECT_NE(banned.outputs, natural.outputs) << "but the weights follow the mask";
      unmoved.push_back(block);
    } else {
      EXPECT_GT(count(natural), 0) << "layer " << l;
      EXPECT_LT(count(banned), count(natural)) << "layer " << l;
      if (traits.n_group == 0 && !traits.has_selection_bias[l]) {
        EXPECT_EQ(count(banned), 0) << "layer " << l;
        EXPECT_EQ(count(forced), n_token) << "layer " << l;
      }
      EXPECT_GE(count(forced), count(natural)) << "layer " << l;
      is_always_forced = is_always_forced && count(forced) == n_token;
    }
    for (int64_t earlier = 0; earlier < l; ++earlier) {
      const int64_t b = info().blocks[earlier];
      ASSERT_EQ(banned.seen.at(b).logits, natural.seen.at(b).logits) << "layer " << earlier;
    }
  }
  row_["forced"] = is_always_forced;
  row_["chosen_by_token"] = unmoved;
}

void Conformance::check_the_dry_forward_pass() {
  const RouterTraits traits = read_router_traits(open_model(options_.path));
  const std::vector<LayerProbe> layers = probe_layers(options_);
  ASSERT_EQ(static_cast<int64_t>(layers.size()), n_layer());
  for (int64_t l = 0; l < n_layer(); ++l) {
    EXPECT_EQ(layers[l].block, info().blocks[l]);
    EXPECT_TRUE(layers[l].is_traced) << layers[l].reason;
    EXPECT_NE(layers[l].is_steered, traits.is_chosen_by_token[l]) << layers[l].reason;
  }
}

void Conformance::check_prefills_in_pieces() {
  row_["pieces"] = is_causal(*model_);
  if (!is_causal(*model_)) {
    return;
  }
  const Steering steering{random_mask(info(), 3), 0.5F};
  const TraceRequest request{tokens_, {9, static_cast<int64_t>(tokens_.size()) - 2}, steering};
  const RouterTrace whole = traces(*host_, {request}).at(0);
  for (const int64_t n_batch : {1, 7}) {
    LlamaHostOptions options = options_;
    options.n_batch = n_batch;
    options.n_parallel = 1;
    const auto pieces = open_llama_host(options);
    expect_alike(whole, traces(*pieces, {request}).at(0), "pieces of " + std::to_string(n_batch));
  }
}

// The first four share a prefix: a host may share it only where the masks are the same.
void Conformance::check_that_sequences_do_not_mix() {
  std::vector<std::shared_ptr<const Mask>> masks;
  for (size_t i = 0; i < 3; ++i) {
    masks.push_back(random_mask(info(), i));
  }
  std::vector<TraceRequest> requests;
  for (size_t i = 0; i < 6; ++i) {
    std::vector<int32_t> tokens = i < 4 ? tokens_ : some_tokens(11 + i, 50 + i);
    tokens.back() = static_cast<int32_t>(i);
    const auto end = static_cast<int64_t>(tokens.size());
    const float alpha = i == 1 ? 0.0F : 0.4F * static_cast<float>(i % 3 + 1);
    requests.push_back({tokens, {end / 2, end}, {masks[i / 2], alpha}});
  }
  const auto together = traces(*host_, requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone = traces(*host_, {requests[i]});
    expect_alike(together[i], alone.at(0), "request " + std::to_string(i));
  }
}

void Conformance::check_generation_after_a_trace() {
  if (!is_causal(*model_)) {
    expect_error(ErrorKind::kHost, "diffusion", [&] {
      (void)host_->generate({{tokens_, {}, 0}}, {});
    });
    return;
  }
  const auto generate = [&](Host& host) {
    Sampling sampling;
    sampling.n_max_token = 6;
    const auto outcome = host.generate({{tokens_, {random_mask(info(), 2), 0.5F}}}, sampling).at(0);
    EXPECT_TRUE(outcome.ok()) << outcome.error;
    return outcome.value.tokens;
  };
  const auto fresh = open_llama_host(options_);
  const std::vector<int32_t> expected = generate(*fresh);
  (void)traces(*host_, {{tokens_, {3, 9}, {}}});
  EXPECT_EQ(generate(*host_), expected);
  EXPECT_FALSE(expected.empty());
}

// An adapter on the first router moves its logits, but where the traits say otherwise.
void Conformance::check_that_adapters_act_unless_they_are_passed_by() {
  const TemporaryFolder folder;
  RouterUpdate update = outline_of(*single_entry(info(), 0, 0, 1.0F), info().n_embd);
  LayerUpdate& layer = update.layers.at(0);
  for (int64_t d = 0; d < update.n_embd; ++d) {
    layer.down.push_back(std::sin(static_cast<float>(d)));
  }
  for (int64_t e = 0; e < update.n_expert; ++e) {
    layer.up.push_back(static_cast<float>(e));
  }
  write_lora(folder.path("a.gguf"), update);
  LlamaHostOptions options = options_;
  options.adapters = {{folder.path("a.gguf"), 1.0F}};
  const auto adapted = open_llama_host(options);
  const TraceRequest request{tokens_, {3, 9}, {}};
  const bool is_moved =
      traces(*adapted, {request}).at(0).logits != traces(*host_, {request}).at(0).logits;
  EXPECT_EQ(is_moved, routers_take_adapters(info().architecture));
}

void Conformance::write_row() const {
  nlohmann::ordered_json row = row_;
  row["name"] = GetParam();
  row["architecture"] = info().architecture;
  row["n_block"] = info().n_block;
  row["blocks"] = info().blocks;
  row["router_bias"] = std::count(info().has_bias.begin(), info().has_bias.end(), true) > 0;
  row["one_at_a_time"] = llama_model_is_hybrid(model_->weights.get()) ||
                         llama_model_is_recurrent(model_->weights.get());
  row["passed"] = !HasFailure();
  std::ofstream(std::string(MASCING_ZOO) + "/" + GetParam() + ".json") << row.dump() << '\n';
}

TEST_P(Conformance, EveryRouterIsTracedAndSteered) {
  const std::vector<std::pair<const char*, void (Conformance::*)()>> checks = {
      {"recorded", &Conformance::check_that_every_router_is_recorded},
      {"traits", &Conformance::check_that_the_traits_explain_the_choice},
      {"idle", &Conformance::check_that_an_idle_tap_changes_nothing},
      {"banned and forced", &Conformance::check_that_experts_are_banned_and_forced},
      {"dry forward pass", &Conformance::check_the_dry_forward_pass},
      {"pieces", &Conformance::check_prefills_in_pieces},
      {"sequences", &Conformance::check_that_sequences_do_not_mix},
      {"generation", &Conformance::check_generation_after_a_trace},
      {"adapters", &Conformance::check_that_adapters_act_unless_they_are_passed_by}};
  for (const auto& [name, check] : checks) {
    SCOPED_TRACE(name);
    (this->*check)();
  }
  write_row();
}

INSTANTIATE_TEST_SUITE_P(Zoo, Conformance, testing::ValuesIn(names_of(zoo_models())), test_name);

}  // namespace
}  // namespace mascing
