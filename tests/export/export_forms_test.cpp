// The calls of include/mascing/export.h, with an adapter in place of a fit and no engine.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "export/bake_gguf.h"
#include "export/check_form.h"
#include "export/lora.h"
#include "format/router_traits.h"
#include "mascing/error.h"
#include "mascing/export.h"
#include "mascing/results.h"
#include "small_model.h"

namespace mascing {
namespace {

class ExportFormsTest : public testing::Test {
 protected:
  ExportFormsTest() {
    write_small_model(model_);
    mask_ = small_mask(model_);
    RouterUpdate update = small_update(model_);
    update.origin.mask_hash = hash_mask(mask_);
    update.origin.alpha = 0.25;
    update.fidelity.n_token = 9;
    update.layers[0].quality.same_experts = 0.75;
    update.layers[0].quality.n_token = 40;
    for (LayerUpdate& layer : update.layers) {
      layer.shift.clear();
    }
    write_lora(adapter_, update);
    options_.model.path = model_;
    options_.adapter = adapter_;
  }

  TemporaryFolder folder_;
  std::string model_ = folder_.path("m.gguf");
  std::string adapter_ = folder_.path("a.gguf");
  std::string output_ = folder_.path("out.gguf");
  Mask mask_;
  ExportOptions options_;
};

TEST_F(ExportFormsTest, AnAdapterIsWrittenAgainWithItsFit) {
  mask_.alpha = 0.25F;
  const ExportReport report = export_lora(mask_, output_, options_);
  EXPECT_EQ(report.files, std::vector<std::string>{output_});
  EXPECT_FALSE(report.check.has_value());
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_EQ(report.warnings[0].id, "poor_fit");
  ASSERT_EQ(report.fit.size(), 2U);
  EXPECT_EQ(report.fit[0].block, 1);
  EXPECT_EQ(report.fit[0].rank, 2);
  EXPECT_EQ(report.fit[0].quality.same_experts, 0.75);
  EXPECT_EQ(read_lora(output_).origin.alpha, 0.25);
  EXPECT_EQ(read_lora(output_).fidelity.n_token, 0) << "the check was of another file";
}

TEST_F(ExportFormsTest, AtAnotherStrengthTheQualityOfTheFitIsNotKnown) {
  mask_.alpha = 1.5F;
  const ExportReport report = export_lora(mask_, output_, options_);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_EQ(report.warnings[0].id, "other_strength");
  EXPECT_EQ(report.fit[0].quality.n_token, 0);
  EXPECT_EQ(read_lora(output_).origin.alpha, 1.5);
}

TEST_F(ExportFormsTest, AGgufIsBakedWithoutAnEngine) {
  const ExportReport report = export_gguf(mask_, output_, options_);
  EXPECT_EQ(report.files, std::vector<std::string>{output_});
  ASSERT_EQ(report.losses.size(), 2U);
  EXPECT_EQ(report.losses[0].type, "f32");
  EXPECT_TRUE(read_bake(output_)->is_intact);
}

TEST_F(ExportFormsTest, ACheckThatFailsLeavesNoFile) {
  options_.check.resize(1);
  std::vector<std::string> opened;
  options_.open_host = [&](const LlamaHostOptions& host) -> std::unique_ptr<Host> {
    opened.push_back(host.path);
    if (opened.size() == 2) {
      EXPECT_TRUE(file_exists(host.path));
      throw Error(ErrorKind::kHost, "[host] no room for a second model");
    }
    return nullptr;
  };
  expect_error(ErrorKind::kHost, "no room", [&] { export_gguf(mask_, output_, options_); });
  ASSERT_EQ(opened.size(), 2U);
  EXPECT_EQ(opened[0], model_);
  EXPECT_NE(opened[1], output_);
  EXPECT_FALSE(file_exists(opened[1]));
  EXPECT_EQ(folder_.n_entry(), 2);
  opened.clear();
  expect_error(ErrorKind::kHost, "no room", [&] { export_lora(mask_, output_, options_); });
  EXPECT_EQ(folder_.n_entry(), 2) << "an adapter that failed its check";
}

TEST_F(ExportFormsTest, WhatCostsOnlyALookIsRefusedBeforeTheFit) {
  options_.adapter.clear();
  options_.open_host = [](const LlamaHostOptions&) -> std::unique_ptr<Host> {
    throw Error(ErrorKind::kHost, "[host] opened for a fit");
  };
  const std::string none = folder_.path("none");
  expect_error(ErrorKind::kSystem, "none", [&] { export_lora(mask_, none + "/a", options_); });
  expect_error(ErrorKind::kSystem, "none", [&] { export_gguf(mask_, none + "/a", options_); });
  expect_error(
      ErrorKind::kUsage, "is the model itself", [&] { export_gguf(mask_, model_, options_); });
  expect_error(
      ErrorKind::kBadInput, "holds neither", [&] { export_hf(mask_, none, output_, options_); });
  expect_error(
      ErrorKind::kUsage, "already exists", [&] { export_peft(mask_, none, model_, options_); });
  expect_error(ErrorKind::kHost, "for a fit", [&] { export_gguf(mask_, output_, options_); });
}

TEST_F(ExportFormsTest, WhereLlamaCppPassesOverAdaptersNoneIsWritten) {
  Mask mask = mask_;
  mask.architecture = "kimi-k3";
  expect_error(ErrorKind::kUsage, "--to gguf", [&] { export_lora(mask, output_, options_); });
  EXPECT_FALSE(file_exists(output_));
  EXPECT_TRUE(routers_take_adapters("qwen3moe"));
}

TEST_F(ExportFormsTest, AFormThatDoesNoBetterThanNoMaskFailsItsCheck) {
  FidelityRecord record;
  record.divergence = 5.62;
  record.divergence_unsteered = 5.62;
  expect_error(ErrorKind::kInsufficient, "no better than no mask", [&] { require_effect(record); });
  record.divergence = 2.0;
  EXPECT_NO_THROW(require_effect(record));
  record.divergence = record.divergence_unsteered = 1e-5;  // the mask itself does nothing here
  EXPECT_NO_THROW(require_effect(record));
}

TEST_F(ExportFormsTest, ACheckOnFittedConversationsOrWithAPoorOutcomeIsSaid) {
  const auto row = [](const std::string& text) {
    Conversation one;
    one.messages = {{"user", text}};
    return one;
  };
  ExportOptions options;
  options.conversations = {row("an owl"), row("a crypt")};
  options.check = {row("a moth"), row("a crypt")};
  FidelityRecord record;
  record.n_reply = 20;
  record.n_decision_changed = 1;
  record.same_experts = {1.0, 0.95};
  const std::vector<Warning> fitted = check_warnings(record, options);
  ASSERT_EQ(fitted.size(), 1U);
  EXPECT_EQ(fitted[0].id, "checked_on_fitted");
  EXPECT_THAT(fitted[0].text, testing::HasSubstr("1 of the 2 conversations"));
  options.conversations.clear();
  EXPECT_TRUE(check_warnings(record, options).empty());
  record.n_decision_changed = 2;
  EXPECT_EQ(check_warnings(record, options).at(0).id, "poor_check");
  record.n_decision_changed = 0;
  record.same_experts = {1.0, 0.89};
  EXPECT_EQ(check_warnings(record, options).at(0).id, "poor_check");
}

TEST_F(ExportFormsTest, TwoLevelsComeWithAWarning) {
  const ExportReport report = export_easysteer(mask_, folder_.path("m.json"));
  EXPECT_EQ(report.two_levels.size(), 2U);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_EQ(report.warnings[0].id, "two_levels");
}

TEST_F(ExportFormsTest, WhatDoesNotBelongTogetherIsRefused) {
  Mask other = mask_;
  other.steer[0] += 1.0F;
  expect_error(
      ErrorKind::kMismatch, "another mask", [&] { export_lora(other, output_, options_); });
  other.alpha = 0.0F;
  expect_error(
      ErrorKind::kInsufficient, "strength is 0", [&] { export_lora(other, output_, options_); });
  expect_error(ErrorKind::kUsage, "neither -m nor --adapter", [&] {
    export_lora(mask_, output_, ExportOptions());
  });
  expect_error(
      ErrorKind::kInsufficient, "strength is 0", [&] { export_easysteer(other, output_); });
  options_.check.resize(1);
  expect_error(ErrorKind::kUsage, "cannot run a Hugging Face folder", [&] {
    export_hf(mask_, folder_.path("hf"), output_, options_);
  });
  EXPECT_FALSE(file_exists(output_));
}

TEST_F(ExportFormsTest, ResultsTakeOneEntryForEachFile) {
  Results results;
  results.fingerprint = mask_.fingerprint;
  results.mask_steer = mask_.steer;
  EXPECT_NO_THROW(require_results_of(results, "results.json", mask_));
  for (const auto& [file, n_token] :
       {std::pair<const char*, int64_t>{"a.gguf", 1}, {"b.gguf", 2}, {"a.gguf", 3}}) {
    ExportResult entry;
    entry.file = file;
    entry.n_token = n_token;
    put_export(results, entry);
  }
  ASSERT_EQ(results.exports.size(), 2U);
  EXPECT_EQ(results.exports[0].n_token, 3);
  results.mask_steer[0] += 1.0F;
  expect_error(ErrorKind::kMismatch, "results.json belongs to a different mask", [&] {
    require_results_of(results, "results.json", mask_);
  });
  results.fingerprint = "0";
  expect_error(ErrorKind::kMismatch, "belongs to the model", [&] {
    require_results_of(results, "results.json", mask_);
  });
}

}  // namespace
}  // namespace mascing
