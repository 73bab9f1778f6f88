// Commands as docs/export.md gives them.
#include "report/use_section.h"

#include "base/text.h"
#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

std::string use_commands(const std::string& mask, bool is_router_adapter) {
  const std::string with_data = is_router_adapter ? "" : " --data chats.jsonl";
  return "mascing serve -m model.gguf --mask " + mask + with_data + "\nmascing export " + mask +
         " -m model.gguf" + with_data + " --to lora -o mask.lora.gguf\nmascing export " + mask +
         " -m model.gguf --adapter mask.lora.gguf --to gguf -o steered.gguf\nmascing export " +
         mask + " --adapter mask.lora.gguf --model-dir hf/ --to hf -o hf-steered/";
}

std::string use_text(const Results& results, bool is_router_adapter) {
  const std::string fit =
      is_router_adapter
          ? "A router adapter is exported exactly up to rounding, without data; EasySteer cannot "
            "express it."
          : "The exact mask adds alpha * sigma * S to the router logits, with the sigma rule that "
            "the file names. An export fits this to chats.jsonl, conversations like those the mask "
            "will meet, and reports the error of the fit.";
  return "model.gguf stands for the file of " +
         (results.model_name.empty() ? "the model" : results.model_name) +
         ". The mask acts at strength " + short_text(results.mask_alpha) +
         " unless you say otherwise (--mask FILE=STRENGTH). serve starts llama-server with the "
         "mask "
         "as an adapter; lora is for llama.cpp and llama-server, gguf for any program that reads "
         "GGUF, hf for vLLM, SGLang and transformers. " +
         fit;
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
