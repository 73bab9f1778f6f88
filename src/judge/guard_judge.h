// Uses a second model as a judge, such as Llama Guard as a GGUF file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// True for a chat template that adds the guard's whole question to the conversation, as in GGUFs
/// of Llama Guard 2 and 3.
[[nodiscard]] bool is_guard_template(const std::string& chat_template);

/// Greedy, with many exchanges per batch. The prompt is that of the spec, or else the model's chat
/// template if it is a guard template, or else guard_prompt(). A prompt is sent as one user turn of
/// the model's chat template.
class GuardJudge : public Judge {
 public:
  /// `file_hash` identifies the model's file: sampled_hash().
  GuardJudge(JudgeSpec spec, std::unique_ptr<Host> host, std::string file_hash);

  [[nodiscard]] std::string name() const override { return spec_.name; }
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] std::string prompt() const override {
    return uses_own_template_ ? host_->chat_template() : spec_.question.prompt;
  }
  [[nodiscard]] bool is_costly() const override { return true; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override;

 private:
  [[nodiscard]] std::vector<int32_t> tokens_of(const Exchange& exchange) const;

  JudgeSpec spec_;
  std::unique_ptr<Host> host_;
  std::string file_hash_;
  bool uses_own_template_ = false;
};

/// Hash of the sizes of a model's files and of samples across them, to distinguish models of the
/// same shape without reading all. Of a split model, give the first part. Throws Error{kBadInput}
/// if a file cannot be read.
[[nodiscard]] std::string sampled_hash(const std::string& path);

}  // namespace mascing
