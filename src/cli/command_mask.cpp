// `mascing mask`: shows, compares and combines masks; verifies and unbakes files made with them.
#include <algorithm>
#include <cmath>
#include <iostream>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/mask_metrics.h"
#include "cli/mask_options.h"
#include "cli/mask_verify.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "export/bake_gguf.h"
#include "mascing/error.h"
#include "mascing/mask_file.h"

namespace mascing::cli {
namespace {

struct Entry {
  int64_t i_layer;
  int64_t i_expert;
  float value;
};

std::vector<Entry> strongest_entries(const Mask& mask, size_t n) {
  std::vector<Entry> entries;
  const std::vector<float> total = mask.total();
  for (int64_t i = 0; i < std::ssize(total); ++i) {
    if (total[i] != 0.0F) {
      entries.push_back({i / mask.n_expert, i % mask.n_expert, total[i]});
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::fabs(a.value) > std::fabs(b.value);
  });
  entries.resize(std::min(entries.size(), n));
  return entries;
}

/// "token", or "token + calibrated" for a mask of parts.
std::string sigma_rules(const Mask& mask) {
  std::string text = to_string(mask.sigma_rule);
  for (const MaskPart& part : mask.parts) {
    text += std::string(" + ") + to_string(part.sigma_rule);
  }
  return text;
}

void show(const std::string& path) {
  const Mask mask = read_mask(path);
  std::cout << "scenario     "
            << (mask.scenario.empty() ? "none" : mask.scenario + " (" + mask.direction + ")")
            << ", method " << mask.method << ", seed " << mask.seed << '\n'
            << "model        " << mask.model_name << " (" << mask.architecture << ", fingerprint "
            << mask.fingerprint.substr(0, 16) << "...)\n"
            << "strength     alpha " << format_number(mask.alpha, 2) << ", sigma "
            << sigma_rules(mask) << ", lambda " << mask.lambda << ", threshold " << mask.threshold
            << '\n'
            << "active       " << mask.n_active() << " of " << mask.n_layer << " x "
            << mask.n_expert << " entries\n";
  if (!mask.conversations.empty()) {
    std::cout << "made with    " << counted(std::ssize(mask.conversations), "conversation")
              << "; eval says which of a test it has seen\n";
  }
  if (mask.has_adapter()) {
    std::cout << "adapter      rank " << mask.adapter.rank << ", reads " << mask.adapter.n_embd
              << " numbers; below, how far experts are pushed, in sigmas (RMS)\n";
  }
  for (const Entry& entry : strongest_entries(mask, 10)) {
    std::cout << "  block " << mask.blocks[entry.i_layer] << " expert " << entry.i_expert << "  "
              << (entry.value > 0 ? "+" : "") << format_number(entry.value, 3) << '\n';
  }
  std::cout << metrics_table(mask.metrics);
}

void diff(const std::vector<std::string>& words) {
  const std::vector<WeightedMask> masks = read_masks(words);
  const WeightedMask& first = masks.at(0);
  const WeightedMask& second = masks.at(1);
  const MaskComparison found = compare_masks(first, second);
  std::cout << "first        " << first.name << " at " << format_number(first.strength, 2) << ", "
            << found.n_first << " entries\n"
            << "second       " << second.name << " at " << format_number(second.strength, 2) << ", "
            << found.n_second << " entries\n"
            << "shared       " << found.n_shared << " entries, " << found.conflicts.size()
            << " of them with opposite signs\n"
            << "cosine       " << format_number(found.cosine, 4) << '\n'
            << "difference   " << format_number(found.difference, 4)
            << " (relative to the larger norm)\n"
            << "cancelled    " << format_number(100.0 * found.cancelled, 1)
            << " % of the summed magnitudes when combined\n";
  for (size_t i = 0; i < std::min<size_t>(found.conflicts.size(), 10); ++i) {
    const MaskConflict& conflict = found.conflicts[i];
    std::cout << "  block " << first.mask.blocks[conflict.i_layer] << " expert "
              << conflict.i_expert << "  " << format_number(conflict.first, 3) << " vs. "
              << format_number(conflict.second, 3) << '\n';
  }
}

void compose(const std::vector<std::string>& words, const std::string& output) {
  const Mask sum = compose_from(words);
  refuse_to_overwrite(output, paths_of_masks(words));
  write_mask(output, sum);
  std::cout << sum.n_active() << " of " << sum.n_layer << " x " << sum.n_expert
            << " entries active, sigma " << sigma_rules(sum) << '\n';
  if (!sum.parts.empty()) {
    std::cerr
        << "note: the masks take sigma by different rules; the file keeps one matrix for each "
           "rule (mask format 2), which earlier versions of mascing refuse to read\n";
  }
  say_written(output, command_line({"mascing", "mask", "show", output}));
}

void unbake(const std::string& model, const std::string& output) {
  ProgressLine line;
  const std::vector<std::string> files = unbake_gguf(model, output, line.callback());
  say_written(files.front(), "");
}

void add_show(CLI::App& command, Session& session) {
  auto path = std::make_shared<std::string>();
  CLI::App* show_command =
      command.add_subcommand("show", "Print the origin of a mask and its strongest entries.");
  add_examples(*show_command, "  mascing mask show mask.gguf");
  show_command->add_option("mask", *path, "Mask file")->required();
  show_command->callback([path, &session] {
    show(*path);
    session.exit_code = 0;
  });
}

void add_diff(CLI::App& command, Session& session) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* diff_command = command.add_subcommand(
      "diff", "Compare two masks of one model: similarity and conflicting entries.");
  add_examples(*diff_command, "  mascing mask diff defend.gguf=0.8 permit.gguf");
  diff_command->add_option("masks", *words, "Two mask files, as FILE or FILE=STRENGTH")
      ->required()
      ->expected(2);
  diff_command->callback([words, &session] {
    diff(*words);
    session.exit_code = 0;
  });
}

void add_compose(CLI::App& command, Session& session) {
  auto words = std::make_shared<std::vector<std::string>>();
  auto output = std::make_shared<std::string>("mask.gguf");
  CLI::App* compose_command = command.add_subcommand(
      "compose", "Sum masks of one model, each at its strength, into one mask of strength 1.");
  add_examples(*compose_command,
               "  mascing mask compose defend.gguf=0.8 permit.gguf=0.5 -o both.gguf");
  compose_command->add_option("masks", *words, "Mask files, as FILE or FILE=STRENGTH")->required();
  compose_command->add_option("-o,--output", *output, "Mask file to write, replaced if it is there")
      ->capture_default_str();
  compose_command->callback([words, output, &session] {
    compose(*words, *output);
    session.exit_code = 0;
  });
}

void add_verify(CLI::App& command, Session& session) {
  auto path = std::make_shared<std::string>();
  auto model = std::make_shared<std::string>();
  CLI::App* verify_command = command.add_subcommand(
      "verify",
      "Report whether a file or folder contains a mask, which one, and whether it is intact.");
  add_examples(*verify_command,
               "  mascing mask verify steered.gguf\n"
               "  mascing mask verify mask.lora.gguf -m model.gguf");
  verify_command->add_option("file", *path, "Mask, adapter, model, or Hugging Face folder")
      ->required();
  verify_command->add_option("-m,--model", *model, "Model it should belong to");
  verify_command->callback([path, model, &session] {
    verify_file(*path, *model);
    session.exit_code = 0;
  });
}

void add_unbake(CLI::App& command, Session& session) {
  auto model = std::make_shared<std::string>();
  auto output = std::make_shared<std::string>();
  CLI::App* unbake_command = command.add_subcommand(
      "unbake", "Restore the original GGUF from a baked one, byte for byte.");
  add_examples(*unbake_command, "  mascing mask unbake steered.gguf -o model.gguf");
  unbake_command->add_option("model", *model, "Baked GGUF")->required();
  unbake_command->add_option("-o,--output", *output, "File to write")->required();
  unbake_command->callback([model, output, &session] {
    unbake(*model, *output);
    session.exit_code = 0;
  });
}

}  // namespace

void add_mask(CLI::App& app, Session& session) {
  CLI::App* command =
      app.add_subcommand("mask", "Show, compare, combine, verify and unbake masks.");
  command->require_subcommand(1);
  add_show(*command, session);
  add_diff(*command, session);
  add_compose(*command, session);
  add_verify(*command, session);
  add_unbake(*command, session);
}

}  // namespace mascing::cli
