// Asks a second model: Llama Guard and its like, as a GGUF file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mascing/host.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"

namespace mascing {

/// True for a chat template that puts the guard's whole question around the conversation it is
/// given, as those in GGUFs of Llama Guard 2 and 3 do.
[[nodiscard]] bool is_guard_template(const std::string& chat_template);

/// Greedy, many exchanges in a batch. What the model is asked: the spec's prompt; without one, its
/// own chat template if that is a guard's; otherwise guard_prompt(). A prompt stands in one user
/// turn of the model's chat template.
class GuardJudge : public Judge {
 public:
  /// `file_hash` stands for the model's weights, which its host's identity does not cover.
  GuardJudge(JudgeSpec spec, std::unique_ptr<Host> host, std::string file_hash);

  [[nodiscard]] std::string name() const override { return spec_.name; }
  [[nodiscard]] std::string key() const override;
  [[nodiscard]] bool is_costly() const override { return true; }
  [[nodiscard]] std::vector<Judgement> judge(const std::vector<Exchange>& exchanges) override;
  void self_test() override;

  [[nodiscard]] bool uses_own_template() const { return uses_own_template_; }

 private:
  [[nodiscard]] std::vector<int32_t> tokens_of(const Exchange& exchange) const;

  JudgeSpec spec_;
  std::unique_ptr<Host> host_;
  std::string file_hash_;
  bool uses_own_template_ = false;
};

/// Hash of a file's size and of samples all over it: tells models of one shape apart without
/// reading all of their gigabytes. Throws Error{kBadInput} if it cannot be read.
[[nodiscard]] std::string sampled_hash(const std::string& path);

}  // namespace mascing
