// The general text of the test split in every form that is reported.
#pragma once

#include <vector>

#include "measure/eval_context.h"
#include "scenario/text_blocks.h"

namespace mascing {

/// Raw, then as replies where the model has a chat template; none without text.
[[nodiscard]] inline std::vector<std::vector<TextBlock>> test_texts(const EvalContext& context) {
  const Host& host = context.evaluator.host();
  const auto blocks = [&](TextForm form) {
    return text_blocks(host, context.data, context.scenario, Split::kTest, form);
  };
  std::vector<std::vector<TextBlock>> texts;
  if (!blocks(TextForm::kRaw).empty()) {
    texts.push_back(blocks(TextForm::kRaw));
    if (!host.chat_template().empty()) {
      texts.push_back(blocks(TextForm::kChat));
    }
  }
  return texts;
}

}  // namespace mascing
