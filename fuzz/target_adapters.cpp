// Adapters as other programs may have left them: the first byte says whether the rest is a LoRA
// adapter in GGUF ('L'), or the tensors ('P') of an adapter of PEFT or their header ('H'). A LoRA
// adapter that is accepted is added to the routers in full, written, and read once more.
#include "base/files.h"
#include "export/lora.h"
#include "export/peft.h"
#include "format/safetensors.h"
#include "fuzz.h"

namespace mascing::fuzz {

namespace {

RouterUpdate small_update() {
  RouterUpdate update;
  update.n_layer = 2;
  update.n_expert = 3;
  update.n_embd = 2;
  update.blocks = {1, 2};
  update.origin.architecture = "qwen3moe";
  update.origin.fingerprint = std::string(64, 'a');
  update.origin.scenario = "kingdom";
  update.fidelity.n_token = 4;
  update.fidelity.same_experts = {0.5, 1.0};
  update.fidelity.overlap = {0.75, 1.0};
  update.layers = {{0, 1, {1.0F, 2.0F}, {0.5F, 0.0F, -1.0F}, {}, "constant", {}},
                   {1, 2, {1.0F, 2.0F, 3.0F, 4.0F}, {1, 2, 3, 4, 5, 6}, {}, "spread", {}}};
  return update;
}

std::string small_lora() {
  const ScratchFolder folder;
  write_lora(folder.path("a.gguf"), small_update());
  return read_text_file(folder.path("a.gguf"));
}

const std::string& peft_tensors() {
  static const std::string only = [] {
    const ScratchFolder folder;
    const float values[] = {1, 2, 3, 4};
    const std::string name = "base_model.model.model.layers.0.mlp.gate.lora_A.weight";
    write_safetensors(folder.path("a"),
                      {{name, "F32", {2, 2}, values, sizeof values}},
                      {{"mascing.scenario", "kingdom"}, {"mascing.alpha", "1.0"}});
    return read_text_file(folder.path("a"));
  }();
  return only;
}

/// Every number of every matrix.
void use(const RouterUpdate& update) {
  (void)layer_fits(update);
  for (const LayerUpdate& layer : update.layers) {
    for (int64_t i_expert = 0; i_expert < update.n_expert; ++i_expert) {
      std::vector<double> row(update.n_embd, 0.0);
      add_update_row(layer, i_expert, update.n_embd, 1.0, row);
    }
  }
}

void try_lora(std::string_view bytes) {
  static const MemoryFile file;
  static const ScratchFolder folder;
  file.fill(bytes);
  bool is_written = false;
  expect_value_or_error([&] {
    const RouterUpdate update = read_lora(file.path());
    use(update);
    write_lora(folder.path("again.gguf"), update);
    is_written = true;
  });
  if (is_written) {
    (void)read_lora(folder.path("again.gguf"));  // an Error here passes through: it is a finding
  }
}

void try_peft(std::string_view tensors) {
  static const ScratchFolder folder;
  static const bool is_ready = [] {
    write_plainly(folder.path(kPeftConfig), "{}");
    return true;
  }();
  (void)is_ready;
  write_plainly(folder.path(kPeftTensors), tensors);
  expect_value_or_error([&] { (void)describe_peft(folder.path()); });
}

}  // namespace

std::vector<std::string> seeds() {
  return {"L" + small_lora(), "P" + peft_tensors(), "H" + header_of(peft_tensors())};
}

std::vector<std::string> words() {
  return {"adapter.lora.alpha",
          "mascing.export",
          "mascing.fit.layers",
          "mascing.fit.method",
          "mascing.fit.tokens",
          "mascing.blocks",
          "mascing.n_embd",
          "mascing.n_expert",
          "mascing.router_sketch",
          "mascing.check.same_experts",
          "blk.1.ffn_gate_inp.weight.lora_a",
          "blk.2.ffn_gate_inp.weight.lora_b",
          "\"__metadata__\":",
          std::string("\x00\x00\xC0\x7F", 4),                  // NaN
          std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 8),  // the largest count
          std::string("\x01\0\0\0\0\0\0\x40", 8)};
}

void try_input(std::string_view input) {
  const char kind = kind_of(input);
  const std::string_view rest = rest_of(input);
  if (kind == 'L') {
    try_lora(rest);
  } else {
    try_peft(kind == 'H' ? with_header(rest, peft_tensors()) : std::string(rest));
  }
}

}  // namespace mascing::fuzz
