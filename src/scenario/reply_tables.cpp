// One function per table.
#include "scenario/reply_tables.h"

#include <array>
#include <set>

#include "mascing/error.h"

namespace mascing {
namespace {

constexpr Range kTemperature{0.0, 10.0, true};
constexpr Range kSampleSeed{0.0, 9.0e18};

}  // namespace

GeneralOptions read_general(const TomlTable& table, const std::filesystem::path& folder) {
  table.expect_keys({"text", "multiple_choice", "block_tokens", "max_blocks", "limit_on"});
  GeneralOptions general;
  table.get("text", general.text);
  table.get("multiple_choice", general.multiple_choice);
  if (table.has("text")) {
    general.text = table.existing_file("text", general.text, folder);
  }
  if (table.has("multiple_choice")) {
    general.multiple_choice =
        table.existing_file("multiple_choice", general.multiple_choice, folder);
  }
  table.get("block_tokens", general.n_block_token, {2.0, 1e6});
  table.get("max_blocks", general.n_max_block, {0.0, 1e9});
  general.limited =
      table.get_word("limit_on", {"chat", "raw"}) == 0 ? TextForm::kChat : TextForm::kRaw;
  return general;
}

void read_generate(const TomlTable& table, Scenario& scenario) {
  table.expect_keys({"max_tokens",
                     "max_reasoning_tokens",
                     "max_play_tokens",
                     "temperature",
                     "sample_seeds",
                     "sample_temperature"});
  table.get("max_tokens", scenario.n_max_token, {1.0, 1e6});
  table.get("max_reasoning_tokens", scenario.n_max_reasoning_token, {0.0, 1e6});
  table.get("max_play_tokens", scenario.n_max_play_token, {1.0, 1e6});
  table.get("temperature", scenario.temperature, {0.0, 10.0});
  table.get("sample_temperature", scenario.sample_temperature, kTemperature);
  if (table.has("sample_seeds")) {
    std::vector<int64_t>& seeds = scenario.sample_seeds.emplace();
    if (!table.has_empty_list("sample_seeds")) {
      table.get("sample_seeds", seeds, kSampleSeed);
    }
    if (std::set<int64_t>(seeds.begin(), seeds.end()).size() != seeds.size()) {
      table.fail(
          "sample_seeds", "lists a seed twice", "remove one entry; its replies would count twice");
    }
  }
}

std::vector<int64_t> Scenario::sample_seeds_of(const ScenarioSet& set) const {
  if (sample_seeds) {
    return *sample_seeds;
  }
  const bool is_sampled = set.role == SetRole::kTarget || set.role == SetRole::kHold;
  return is_sampled ? std::vector<int64_t>{1, 2, 3} : std::vector<int64_t>{};
}

TemplateOptions read_template(const TomlTable& table) {
  table.expect_keys({"reasoning", "arguments"});
  TemplateOptions options;
  std::vector<std::string> arguments;
  table.get("arguments", arguments);
  for (int64_t i = 0; i < std::ssize(arguments); ++i) {
    try {
      add_template_argument(arguments[i], options);
    } catch (const Error& error) {
      table.fail("arguments", std::string("has a wrong entry: ") + error.what(), error.hint(), i);
    }
  }
  if (table.has("reasoning")) {
    constexpr std::array kModes = {ReasoningMode::kOn, ReasoningMode::kOff, ReasoningMode::kSkip};
    options.reasoning = kModes.at(table.get_word("reasoning", {"on", "off", "skip"}));
  }
  return options;
}

}  // namespace mascing
