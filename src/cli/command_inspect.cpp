// `mascing inspect`: describes the routers of a model file and probes them in a dry forward pass.
#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "format/model_file.h"
#include "format/router_traits.h"
#include "mascing/error.h"
#include "mascing/layer_probe.h"
#include "report/columns.h"

namespace mascing::cli {
namespace {

constexpr int64_t kSmallBytes = int64_t{1} << 30;

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

struct Inspection {
  ModelInfo info;
  RouterTraits traits;
  std::vector<LayerProbe> layers;  ///< empty without a dry forward pass
};

int64_t size_of(const std::vector<GgufFile>& parts) {
  int64_t size_bytes = 0;
  for (const GgufFile& part : parts) {
    size_bytes += std::ssize(part.file());
  }
  return size_bytes;
}

Inspection inspect(const std::string& path, bool is_probed, bool is_read_only) {
  const OpenModel model = open_model(path);
  Inspection found{model.info, read_router_traits(model), {}};
  if (is_probed || (!is_read_only && size_of(model.parts) <= kSmallBytes)) {
    LlamaHostOptions options;
    options.path = path;
    found.layers = probe_layers(options);
  }
  for (size_t l = 0; l < found.layers.size(); ++l) {
    LayerProbe& layer = found.layers[l];
    if (!layer.is_steered && found.traits.is_chosen_by_token[l]) {
      layer.reason = "its experts are selected by token id; a mask only changes their weights";
    }
  }
  return found;
}

void print_json(const Inspection& found) {
  const ModelInfo& info = found.info;
  nlohmann::json value = {{"name", info.name},
                          {"description", info.description},
                          {"architecture", info.architecture},
                          {"is_known_architecture", found.traits.is_known_architecture},
                          {"fingerprint", info.fingerprint},
                          {"baked_mask", info.baked},
                          {"n_block", info.n_block},
                          {"n_layer_moe", info.n_layer},
                          {"n_leading_dense", found.traits.n_leading_dense},
                          {"n_expert", info.n_expert},
                          {"n_expert_used", info.n_expert_used},
                          {"n_expert_shared", found.traits.n_expert_shared},
                          {"n_expert_group", found.traits.n_group},
                          {"n_expert_group_used", found.traits.n_group_used},
                          {"n_context_train", info.n_context_train},
                          {"gating", found.traits.gating},
                          {"blocks", info.blocks},
                          {"has_router_bias", info.has_bias},
                          {"has_selection_bias", found.traits.has_selection_bias},
                          {"is_chosen_by_token", found.traits.is_chosen_by_token},
                          {"layers", nlohmann::json::array()}};
  for (const LayerProbe& layer : found.layers) {
    value["layers"].push_back({{"block", layer.block},
                               {"is_traced", layer.is_traced},
                               {"is_steered", layer.is_steered},
                               {"reason", layer.reason}});
  }
  std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

std::string layers_with(const std::vector<bool>& flags) {
  const auto n = std::count(flags.begin(), flags.end(), true);
  return n == 0 ? "none" : std::to_string(n) + (n == 1 ? " layer" : " layers");
}

void print_steerable(const Inspection& found) {
  const ModelInfo& info = found.info;
  const auto n_good =
      std::count_if(found.layers.begin(), found.layers.end(), [](const LayerProbe& layer) {
        return layer.is_traced && layer.is_steered;
      });
  std::cout << "steerable     ";
  if (found.layers.empty()) {
    std::cout << "not probed; use --probe to load the model and run a dry forward pass\n";
    return;
  }
  if (n_good == info.n_layer) {
    std::cout << "all " << info.n_layer << " MoE layers (" << info.n_layer * info.n_expert
              << " entries), verified by a dry forward pass\n";
    return;
  }
  std::cout << n_good << " of " << info.n_layer << " MoE layers, verified by a dry forward pass\n";
  for (const LayerProbe& layer : found.layers) {
    if (!layer.is_traced || !layer.is_steered) {
      std::cout << "              block " << layer.block << ": "
                << (layer.is_traced ? "not steered: " : "not traced: ") << layer.reason << '\n';
    }
  }
}

void print_text(const Inspection& found) {
  const ModelInfo& info = found.info;
  const RouterTraits& traits = found.traits;
  std::cout << "model         " << info.name << '\n';
  if (!info.description.empty()) {
    std::cout << wrapped("             ", printable(info.description, 400), 14);
  }
  std::cout << "architecture  " << info.architecture
            << (traits.is_known_architecture ? "" : ", not covered by the tests of this version")
            << '\n'
            << "blocks        " << info.n_block << ", " << info.n_layer
            << " with a router (MoE): " << block_ranges(info.blocks) << '\n'
            << "leading dense " << traits.n_leading_dense << '\n'
            << "experts       " << info.n_expert << " per layer, " << info.n_expert_used
            << " used per token, " << traits.n_expert_shared << " shared\n"
            << "groups        "
            << (traits.n_group == 0 ? "none"
                                    : std::to_string(traits.n_group) + ", " +
                                          std::to_string(traits.n_group_used) + " used per token")
            << '\n'
            << "gating        " << traits.gating << '\n'
            << "router bias   " << layers_with(info.has_bias) << '\n'
            << "choice bias   " << layers_with(traits.has_selection_bias) << '\n'
            << "context       " << info.n_context_train << " tokens in training\n"
            << "fingerprint   " << info.fingerprint << '\n';
  if (!info.baked.empty()) {
    std::cout << "baked mask    " << info.baked
              << "; `mascing mask unbake` restores the original\n";
  }
  print_steerable(found);
}

}  // namespace

void add_inspect(CLI::App& app, Session& session) {
  auto path = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  auto is_probed = std::make_shared<bool>(false);
  auto is_read_only = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "inspect", "Show which layers of a model have routers and can be steered.");
  add_examples(*command, "  mascing inspect model.gguf");
  command->add_option("model", *path, "GGUF file")->required();
  command->add_flag("--json", *json, "Print JSON");
  CLI::Option* probe =
      command->add_flag("--probe",
                        *is_probed,
                        "Run a dry forward pass to verify which layers can be traced and steered; "
                        "default: only for files up to 1 GiB");
  command->add_flag("--no-probe", *is_read_only, "Only read the metadata")->excludes(probe);
  command->callback([path, json, is_probed, is_read_only, &session] {
    const Inspection found = inspect(*path, *is_probed, *is_read_only);
    *json ? print_json(found) : print_text(found);
    const bool is_blind = !found.layers.empty() &&
                          std::none_of(found.layers.begin(),
                                       found.layers.end(),
                                       [](const LayerProbe& layer) { return layer.is_steered; });
    if (is_blind) {
      throw Error(ErrorKind::kHost,
                  "[inspect] no layer of " + printable(*path, 200) +
                      " can be steered: " + printable(found.layers.front().reason, 200),
                  "the layers above say why; use another model, or download the file again");
    }
    session.exit_code = 0;
  });
}

}  // namespace mascing::cli
