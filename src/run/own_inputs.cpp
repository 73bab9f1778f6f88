#include "run/own_inputs.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr std::array<std::string_view, 5> kFolders = {
    "traces", "candidates", "cache", "baselines", "pareto"};
constexpr std::array<std::string_view, 8> kFiles = {"mask.gguf",
                                                    "results.json",
                                                    "report.html",
                                                    "transcripts.jsonl",
                                                    "run.json",
                                                    "tested.json",
                                                    "search.json",
                                                    "search.html"};

template <typename Names>
bool is_among(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// `path` is relative to the output folder.
bool is_written(const std::filesystem::path& path) {
  const std::string first = path.empty() ? "" : path.begin()->string();
  const bool is_file = path == path.filename();
  return is_file ? is_among(kFiles, first) ||
                       (first.starts_with("labelled") && path.extension() == ".jsonl")
                 : is_among(kFolders, first);
}

}  // namespace

void refuse_own_inputs(const Scenario& scenario, const std::string& output) {
  std::vector<std::string> inputs = {
      scenario.path, scenario.general.text, scenario.general.multiple_choice};
  for (const ScenarioSet& set : scenario.sets) {
    inputs.insert(inputs.end(), set.data.begin(), set.data.end());
  }
  std::error_code failure;  // whoever opens the file says more
  const auto folder = std::filesystem::weakly_canonical(output, failure);
  for (const std::string& input : inputs) {
    const auto place = std::filesystem::weakly_canonical(input, failure).lexically_relative(folder);
    if (!input.empty() && !failure && is_written(place)) {
      throw Error(ErrorKind::kUsage,
                  "[run] " + printable(input, 200) +
                      " is an input, and stands where the output folder has a file of its own",
                  "use another output folder (-o), or move the file");
    }
  }
}

}  // namespace mascing
