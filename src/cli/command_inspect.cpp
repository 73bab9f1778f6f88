// `mascing inspect`: what a model file says about its routers.
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/options.h"
#include "format/model_file.h"

namespace mascing::cli {
namespace {

std::string block_ranges(const std::vector<int64_t>& blocks) {
  std::string text;
  for (size_t i = 0; i < blocks.size();) {
    size_t last = i;
    while (last + 1 < blocks.size() && blocks[last + 1] == blocks[last] + 1) {
      ++last;
    }
    text += (text.empty() ? "" : ", ") + std::to_string(blocks[i]);
    text += last > i ? "-" + std::to_string(blocks[last]) : "";
    i = last + 1;
  }
  return text;
}

void print_json(const ModelInfo& info) {
  const nlohmann::json value = {{"name", info.name},
                                {"description", info.description},
                                {"architecture", info.architecture},
                                {"fingerprint", info.fingerprint},
                                {"n_block", info.n_block},
                                {"n_layer_moe", info.n_layer},
                                {"n_expert", info.n_expert},
                                {"n_expert_used", info.n_expert_used},
                                {"n_context_train", info.n_context_train},
                                {"gating", info.gating},
                                {"blocks", info.blocks},
                                {"has_router_bias", info.has_bias}};
  std::cout << value.dump(2) << '\n';
}

void print_text(const ModelInfo& info) {
  const auto n_bias = std::count(info.has_bias.begin(), info.has_bias.end(), true);
  std::cout << "model         " << info.name << '\n';
  if (!info.description.empty()) {
    std::cout << "              " << info.description << '\n';
  }
  std::cout << "architecture  " << info.architecture << '\n'
            << "blocks        " << info.n_block << ", of which " << info.n_layer
            << " with a router (MoE): " << block_ranges(info.blocks) << '\n'
            << "experts       " << info.n_expert << " per layer, " << info.n_expert_used
            << " used per token\n"
            << "gating        " << info.gating << '\n'
            << "router bias   " << (n_bias == 0 ? "none" : std::to_string(n_bias) + " layers")
            << '\n'
            << "context       " << info.n_context_train << " tokens in training\n"
            << "fingerprint   " << info.fingerprint << '\n'
            << "steerable     all " << info.n_layer << " MoE layers ("
            << info.n_layer * info.n_expert << " entries)\n";
}

}  // namespace

void add_inspect(CLI::App& app, Session& session) {
  auto path = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "inspect", "Which layers of a model have routers, and what can be steered.");
  add_examples(*command, "  mascing inspect model.gguf");
  command->add_option("model", *path, "GGUF file")->required();
  command->add_flag("--json", *json, "Print JSON");
  command->callback([path, json, &session] {
    const ModelInfo info = read_model_info(*path);
    *json ? print_json(info) : print_text(info);
    session.exit_code = 0;
  });
}

}  // namespace mascing::cli
