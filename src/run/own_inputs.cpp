#include "run/own_inputs.h"

#include <filesystem>
#include <set>
#include <system_error>
#include <vector>

#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

using InputNames = std::set<std::string>;

InputNames files_of(const Scenario& scenario, bool makes_masks) {
  InputNames files = {
      "results.json", "report.html", "transcripts.jsonl", "run.json", "tested.json"};
  if (!makes_masks) {
    files.insert("part.json");
    return files;
  }
  files.insert({"mask.gguf", "search.json", "search.html", "labelled.jsonl"});
  for (const ScenarioSet& set : scenario.sets) {
    files.insert("labelled-" + set.metric + ".jsonl");
  }
  return files;
}

InputNames folders_of(bool makes_masks) {
  return makes_masks ? InputNames{"traces", "candidates", "cache", "baselines", "pareto"}
                     : InputNames{"cache"};
}

}  // namespace

void refuse_own_inputs(const Scenario& scenario, bool makes_masks, const std::string& output) {
  std::vector<std::string> inputs = {
      scenario.path, scenario.general.text, scenario.general.multiple_choice};
  for (const ScenarioSet& set : scenario.sets) {
    inputs.insert(inputs.end(), set.data.begin(), set.data.end());
  }
  const InputNames files = files_of(scenario, makes_masks);
  const InputNames folders = folders_of(makes_masks);
  std::error_code failure;  // whoever opens the file says more
  const auto folder = std::filesystem::weakly_canonical(output, failure);
  for (const std::string& input : inputs) {
    const auto place = std::filesystem::weakly_canonical(input, failure).lexically_relative(folder);
    const bool is_written = place == place.filename() ? files.contains(place.string())
                                                      : folders.contains(place.begin()->string());
    if (!input.empty() && !failure && is_written) {
      throw Error(ErrorKind::kUsage,
                  "[run] " + printable(input, 200) +
                      " is an input, and stands where the output folder has a file of its own",
                  "use another output folder (-o), or move the file");
    }
  }
}

}  // namespace mascing
