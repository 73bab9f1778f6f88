// Runs the exact mask and the exported form side by side.
#include "cli/export_check.h"

#include <filesystem>
#include <iostream>

#include "base/text.h"
#include "cli/progress_line.h"
#include "export/fidelity.h"
#include "judge/refusal_judge.h"
#include "mascing/conversation_file.h"

namespace mascing::cli {

FidelityRecord check_form(const ModelOptions& model,
                          const LlamaHostOptions& exported,
                          const Mask& mask,
                          const std::string& path) {
  const std::vector<Conversation> conversations = read_conversations(path);
  const RefusalJudge judge(JudgeOptions{});
  const auto exact = model.open();
  LlamaHostOptions options = exported;
  options.n_thread = model.n_thread();
  const auto other = open_llama_host(options);
  const Steering steering{std::make_shared<const Mask>(mask), mask.alpha};
  ProgressLine line;
  FidelityRecord record =
      compare_forms(*exact,
                    *other,
                    conversations,
                    steering,
                    {100, [&](const std::string& reply) { return judge.is_refusal(reply); }},
                    line.callback());
  print_fidelity(record, mask.blocks);
  return record;
}

void print_fidelity(const FidelityRecord& record, const std::vector<int64_t>& blocks) {
  if (record.n_token == 0) {
    return;
  }
  std::cout << "exact mask vs. exported form, " << record.n_token << " tokens of " << record.n_reply
            << " conversations:\n";
  for (size_t l = 0; l < record.same_experts.size() && l < blocks.size(); ++l) {
    std::cout << "  block " << blocks[l] << "  same experts "
              << format_number(record.same_experts[l], 4) << "  overlap "
              << format_number(record.overlap[l], 4) << '\n';
  }
  std::cout << "  KL per token " << format_number(record.divergence, 5)
            << " nats (unsteered model: " << format_number(record.divergence_unsteered, 5) << ")\n"
            << "  replies changed " << record.n_reply_changed << " of " << record.n_reply
            << ", refusal decisions changed " << record.n_decision_changed << '\n'
            << std::flush;
}

void remove_files(const std::vector<std::string>& paths) {
  std::error_code ignored;
  for (const std::string& path : paths) {
    std::filesystem::remove(path, ignored);
  }
}

}  // namespace mascing::cli
