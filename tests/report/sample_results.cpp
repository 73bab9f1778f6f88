#include "report/sample_results.h"

namespace mascing {
namespace {

void add_metrics(Results& results) {
  results.metrics["dsr"] = {"test",
                            "refused",
                            300,
                            {0.54, 0.483464, 0.595531, 300},
                            Rate{0.97, 0.944104, 0.984088, 300},
                            130,
                            1,
                            1.2e-37};
  results.metrics["dsr"].steered_replies = {300, 2, 6, 290, 1};
  results.metrics["dsr"].topics = TopicResult{15, {0.4375, 0.3125, 0.5625, 15}, 6.1e-05, 6.1e-05};
  results.metrics["dsr"].categories = {
      {"seals", {200, {0.5, 0.4375, 0.5625}, Rate{0.96875, 0.9375, 0.984375}}},
      {"spells", {100, {0.625, 0.53125, 0.71875}, std::nullopt}}};
  results.metrics["direct_refusal"] = {
      "test", "refused", 100, {0.98, 0.93, 0.994}, Rate{0.98, 0.93, 0.994}, 1, 1, 1.0};
  results.metrics["benign_compliance"] = {
      "test", "answered", 300, {1, 0.987, 1}, Rate{0.99, 0.971, 0.997}, 0, 3, 0.25};
  results.metrics["keep_answered"] = {
      "test", "answered", 250, {0.664, 0.603, 0.72}, Rate{0.52, 0.458, 0.581}, 4, 40, 1e-8};
  results.metrics["multiple_choice"] = {"test", "right", 200, {0.775, 0.712, 0.827}, {}, 0, 0, 1.0};
}

void add_search(Results& results) {
  results.search.base = {{"dsr", {0.53125, 0.45, 0.61, 160}},
                         {"keep_answered", {0.65625, 0.55, 0.75, 96}}};
  results.search.base_perplexity = 131.25;
  CandidateResult candidate;
  candidate.method = "surrogate";
  candidate.lambda = 0.001;
  candidate.epochs = 40;
  candidate.preserve = 1.0;
  candidate.guard = 0.5;
  candidate.kl_benign = 0.0125;
  candidate.seed = 2;
  candidate.alpha = 0.75;
  candidate.n_active = 5;
  candidate.is_chosen = true;
  candidate.feasible = true;
  candidate.perplexity = 133.3337;
  candidate.rates = {{"dsr", {0.95, 0.91, 0.97, 150}}, {"keep_answered", {0.6, 0.5, 0.7}}};
  candidate.estimates = {{"dsr", 0.9375}, {"keep_answered", 0.61}};
  results.candidates.push_back(candidate);
  candidate.method = "mean_difference";
  candidate.alpha = 1.5;
  candidate.is_chosen = false;
  candidate.feasible = false;
  candidate.rejection_reason = "keep_answered fell by 0.31, more than 0.05";
  results.candidates.push_back(candidate);
  candidate.method = "closed_loop";
  candidate.rejection_reason = "estimate: below the finalists";
  candidate.rates.clear();
  candidate.estimates = {{"dsr", 0.874}, {"direct_refusal", 1.0}};
  results.candidates.push_back(candidate);
  CandidateResult baseline;
  baseline.role = "baseline";
  baseline.method = "control_vector";
  baseline.setting = "block 3, alpha 2";
  baseline.alpha = 2.0;
  baseline.feasible = true;
  baseline.rates = {{"dsr", {0.66, 0.6, 0.72}}};
  baseline.metrics["dsr"] = {
      "test", "refused", 300, {0.54, 0.48, 0.6}, Rate{0.68, 0.63, 0.73}, 45, 3, 1e-10};
  baseline.metrics["keep_answered"] = {
      "test", "answered", 250, {0.66, 0.6, 0.72}, Rate{0.61, 0.55, 0.67}, 2, 14, 0.004};
  baseline.damage = {0.03, 131.2, 135.5, 4321, 19876};
  baseline.p_versus_chosen = 2e-5;
  baseline.p_versus_chosen_holm = 4e-5;
  baseline.topics_versus_chosen = TopicResult{15, {0.29, 0.1, 0.48, 15}, 0.004, 0.008};
  results.candidates.push_back(baseline);
  results.random_masks = {
      3, 300, 2.5, 0.75, 0.55, 0.02, 0.53, 0.54, 0.55, 0.56, 0.57, 0.25, {0.53, 0.55, 0.57}};
  results.surrogates.push_back(
      {2, 480, 120, 0.925, 0.97, 0.61, 0.53, 11, {5, 0.96, 0.91, 0.985, 0.55, 0.62, 0.045, 0.25}});
}

void add_effects(Results& results) {
  results.effects.n_pair = 1024;
  results.effects.r2 = 0.3125;
  results.effects.reliability = 0.875;
  results.effects.n_significant = 2;
  results.effects.effect = {0.5F, -0.375F, 0.0F, 0.0625F, -0.125F, 0.0F, 0.03125F, 0.25F};
  results.effects.standard_error = {0.0625F, 0.0625F, 0.0F, 0.0625F, 0.125F, 0.0F, 0.125F, 0.1875F};
  results.effects.q_value = {1e-6F, 0.0009765625F, 1.0F, 0.625F, 0.625F, 1.0F, 0.875F, 0.25F};
  results.effects.n_layer_pair = 128;
  results.effects.layer_effect = {0.75, -0.125};
  results.effects.layer_standard_error = {0.0625, 0.125};
  results.effects.layer_q_value = {1e-6, 0.375};
  results.effects.carried = {{0.5, 0.5, 0.0, 0.25}, {0.0, 0.0625, -0.0625, -0.0625}};
}

void add_loop(Results& results) {
  results.loop.gradients = "pairs";
  results.loop.steps = {
      {1.0, {{"dsr", 0.5625}, {"keep_answered", 0.0}, {"general text", 0.0125}}},
      {1.25, {{"dsr", 0.75}, {"keep_answered", 0.03125}, {"general text", 0.025}}},
      {1.5, {{"dsr", 0.875}, {"keep_answered", 0.0625}, {"general text", 0.0375}}},
      {1.75, {{"dsr", 0.9375}, {"keep_answered", 0.125}, {"general text", 0.075}}}};
  results.loop.looks = {{2, {{"dsr", {64, 30, 51}}, {"keep_answered", {}}}}};
  results.loop.limits = {{"keep_answered", 0.0625}, {"general text", 0.05}};
  results.loop.i_best = 2;
  results.loop.n_stretch = 2;
  results.loop.n_question = 3584;
  results.loop.n_token = 215040;
  results.loop.attribution = {32,
                              2.5,
                              2.375,
                              {{1.5, 0.5, 0.0, 0.25}, {0.0, 0.25, -0.125, 0.0}},
                              {{0.25, 0.125, 0.0, 0.0625}, {0.0, 0.125, 0.0625, 0.0}}};
  results.interventional = {{{0.0, 0.5, 0.0}, {1.25, 0.625, 0.375}}, 1536};
  results.outcome = {450, 0.96875, 0.8125};
  results.outcome.held_out["dsr"] = {
      "wanted_only", 160, 140, 0.9375, 0.4375, 0.875, 0.00005, true, true, true, -0.25, 1.5};
  results.power = {300, 300, 160, 0.53125, 140.625, 155.5, 6, 0.02, 0.03125};
}

/// Two of four experts a token, 40 tokens.
void add_routing(Results& results) {
  RoutingResult& routing = results.routing;
  routing.n_conversation = 4;
  routing.n_token = 40;
  routing.n_viewed = 6;
  routing.n_left_out = 294;
  routing.n_token_left_out = 17;
  routing.base = {{0.5, 0.25, 0.75, 0.5}, {0.125, 0.875, 0.5, 0.5}};
  routing.steered = {{0.375, 0.75, 0.375, 0.5}, {0.125, 0.875, 0.625, 0.375}};
  routing.layer_change = {0.25, 0.0625};
  routing.places = {{"dsr", "attacks-test-004", 7, "Open the ", "seal", ", scribe."},
                    {"dsr", "attacks-test-009", 0, "", "Forge", " <b>it</b>."}};
  routing.experts = {{0, 1, {{0, true, 0.3125}, {1, true, 0.125}}}, {0, 2, {{0, false, -0.25}}}};
  routing.n_expert_left_out = 1;
  routing.margins = {"a model that reasons <b>waits</b>", 21, 3, 540};
}

void add_exports(Results& results) {
  results.exports.push_back({"mask.lora.gguf",
                             "lora",
                             0.75,
                             2400,
                             20,
                             3,
                             1,
                             0.0125,
                             0.75,
                             {1, 2},
                             {0.9375, 0.8125},
                             {0.96875, 0.90625}});
  results.exports.push_back(
      {"steered.gguf", "gguf", 0.75, 2400, 20, 0, 0, 0.0, 0.75, {1, 2}, {1.0, 1.0}, {1.0, 1.0}});
}

void add_provenance(Results& results) {
  results.tool_version = "0.1.0";
  results.seed = 18446744073709551615U;
  results.n_thread = 2;
  results.command = "mascing run scenarios/demo/defend.toml -m kingdom.gguf -o out";
  results.scenario_name = "sample";
  results.direction = "defend";
  results.target_metric = "dsr";
  results.model_name = "kingdom";
  results.model_description = "A tale of a model";
  results.fingerprint = "00ff";
  results.architecture = "qwen3moe";
}

void add_judges(Results& results) {
  results.judges.members = {{"refusal", "0a", 2600, 0},
                            {"guard", "0b", 1300, 2, "Is <this> safe?"}};
  results.judges.agreement = {{"refusal", "guard", 1298, 1297, 0.875}};
  results.judges.n_disagreement = 1;
  results.judges.disagreements = {{"dsr",
                                   "attacks-test-004",
                                   "steered",
                                   "Of course <not>.",
                                   {{"refusal", "answered"}, {"guard", "refused"}}}};
}

void add_protocol(Results& results) {
  ProtocolResult& protocol = results.protocol;
  protocol.engine = "llama.cpp v0.5.0";
  protocol.quantisation = "Q4_K - Medium";
  protocol.template_hash = "0badcafe";
  protocol.reasoning = "on";
  protocol.template_arguments = {{"reasoning_effort", "\"low\""}};
  protocol.n_system_prompt = 1;
  protocol.system_prompt = "Be <brief>.";
  protocol.n_max_token = 100;
  protocol.n_max_reasoning_token = 2048;
  protocol.n_max_play_token = 1024;
  protocol.n_sample = 3;
  protocol.attacks = "replayed";
}

}  // namespace

Results sample_results() {
  Results results;
  add_provenance(results);
  results.n_layer = 2;
  results.n_expert = 4;
  results.n_expert_used = 2;
  add_metrics(results);
  add_judges(results);
  add_protocol(results);
  results.verdict = {kUseWithCare,
                     {{"effect", kReadyToUse, "DSR rose from 54.0 % to 97.0 %"},
                      {"cost", kUseWithCare, "keep answered fell from 66.4 % to 52.0 %"},
                      {"protection", kReadyToUse, "other subjects were not tested"}},
                     {}};
  results.damage = {0.0123456789, 131.2, 134.2345678, 4321, 19876, 9.5, 9.75, 19000};
  results.mask_file = "mask.gguf";
  results.mask_method = "surrogate";
  results.mask_alpha = 0.75;
  results.mask_lambda = 1e-3F;
  results.mask_n_active = 5;
  results.mask_steer = {0.0F, 1.5F, -0.25F, 0.0F, 0.1F, 0.0F, 2.0F / 3.0F, -1.0F};
  results.seconds = {{"steer", 5.4321}, {"trace", 2.25}};
  results.stage_tokens = {{"steer", {120000, 7890}}, {"trace", {3456, 0}}};
  results.n_prefill_token = 123456;
  results.n_generated_token = 7890;
  results.tokens_per_second_base = 1234.5;
  results.tokens_per_second_steered = 1210.0;
  results.labels = {{"discovery.label_0", 230}, {"discovery.label_1", 370}, {"test.label_1", 138}};
  add_effects(results);
  add_loop(results);
  add_routing(results);
  add_search(results);
  add_exports(results);
  results.skipped = {{"attacks-test-017", "longer than the context of 1024 tokens"}};
  results.warnings = {{"keep_answered_fell",
                       "With the mask, 40 of 250 neighbouring requests are no longer answered.",
                       "Raise preserves in [search], or lower alpha."}};
  return results;
}

int64_t count_of(const std::string& text, const std::string& part) {
  int64_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace mascing
