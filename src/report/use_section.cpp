// Commands as docs/export.md gives them.
#include "report/use_section.h"

#include "base/text.h"
#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

std::string use_commands(const std::string& mask, bool is_router_adapter) {
  const std::string with_data = is_router_adapter ? "" : " --data chats.jsonl";
  return "# llama-server with the mask as an adapter\nmascing serve -m model.gguf --mask " + mask +
         with_data + "\n# an adapter for llama.cpp and llama-server\nmascing export " + mask +
         " -m model.gguf" + with_data +
         " --to lora -o mask.lora.gguf\n# a model for any program that reads GGUF\nmascing "
         "export " +
         mask +
         " -m model.gguf --adapter mask.lora.gguf --to gguf -o steered.gguf\n"
         "# a model for vLLM, SGLang and transformers\nmascing export " +
         mask + " --adapter mask.lora.gguf --model-dir hf/ --to hf -o hf-steered/";
}

std::string use_text(const Results& results, bool is_router_adapter) {
  const std::string text =
      "The mask acts at strength " + short_text(results.mask_alpha) +
      "; --mask FILE=STRENGTH sets another. In these commands model.gguf is the file of " +
      (results.model_name.empty() ? "the model" : results.model_name);
  return text + (is_router_adapter
                     ? ". A router adapter is exported as it is, up to rounding; EasySteer cannot "
                       "express it."
                     : ", and chats.jsonl holds conversations like those the mask will meet. What "
                       "is exported is fitted to them, and the command says how close it comes to "
                       "the exact mask, which adds alpha * sigma * S to the router logits.");
}

}  // namespace

std::string use_section(const Results& results) {
  if (results.mask_file.empty() || !has_tested_mask(results) || results.verdict.word == kDoNotUse) {
    return "";
  }
  const bool is_router_adapter = is_adapter(results);
  return html_section(
      "use",
      "Use this mask",
      html_paragraph(use_text(results, is_router_adapter)) +
          html_command(use_commands(shell_quoted(results.mask_file), is_router_adapter)));
}

}  // namespace mascing
