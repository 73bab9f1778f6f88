// `mascing mask show`: what is in a mask file.
#include <algorithm>
#include <cmath>
#include <iostream>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "format/mask_file.h"

namespace mascing::cli {
namespace {

struct Entry {
  int64_t i_layer;
  int64_t i_expert;
  float value;
};

std::vector<Entry> strongest_entries(const Mask& mask, size_t n) {
  std::vector<Entry> entries;
  for (int64_t l = 0; l < mask.n_layer; ++l) {
    for (int64_t e = 0; e < mask.n_expert; ++e) {
      if (mask.row(l)[e] != 0.0F) {
        entries.push_back({l, e, mask.row(l)[e]});
      }
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::fabs(a.value) > std::fabs(b.value);
  });
  entries.resize(std::min(entries.size(), n));
  return entries;
}

void show(const std::string& path) {
  const Mask mask = read_mask(path);
  std::cout << "scenario     " << mask.scenario << " (" << mask.direction << "), method "
            << mask.method << ", seed " << mask.seed << '\n'
            << "model        " << mask.model_name << " (" << mask.architecture << ", fingerprint "
            << mask.fingerprint.substr(0, 16) << "...)\n"
            << "strength     alpha " << format_number(mask.alpha, 2) << ", sigma "
            << to_string(mask.sigma_rule) << ", lambda " << mask.lambda << ", threshold "
            << mask.threshold << '\n'
            << "active       " << mask.n_active() << " of " << mask.n_layer << " x "
            << mask.n_expert << " entries\n";
  for (const Entry& entry : strongest_entries(mask, 10)) {
    std::cout << "  block " << mask.blocks[entry.i_layer] << " expert " << entry.i_expert << "  "
              << (entry.value > 0 ? "+" : "") << format_number(entry.value, 3) << '\n';
  }
  for (const auto& [name, value] : mask.metrics) {
    std::cout << name << "  " << format_number(value, 4) << '\n';
  }
}

}  // namespace

void add_mask(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("mask", "Looks at mask files.");
  command->require_subcommand(1);
  auto path = std::make_shared<std::string>();
  CLI::App* show_command =
      command->add_subcommand("show", "Prints where a mask comes from and its strongest entries.");
  add_examples(*show_command, "  mascing mask show mask.gguf");
  show_command->add_option("mask", *path, "Mask file")->required();
  show_command->callback([path, &session] {
    show(*path);
    session.exit_code = 0;
  });
}

}  // namespace mascing::cli
