// CLI11 keeps the words that it could not place; the first of them is what the user got wrong.
#include "cli/command_words.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace mascing::cli {
namespace {

/// The command that was chosen, down to the last one: "mascing mask show".
const CLI::App& chosen(const CLI::App& app, std::string& name) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    name += " " + at->get_name();
  }
  return *at;
}

std::vector<std::string> names_of_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

/// Options as llama.cpp's programs call them, and as we do.
constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kNamesInLlama = {{
    {"-ngl", "--gpu-layers"},
    {"--n-gpu-layers", "--gpu-layers"},
    {"-c", "--context"},
    {"--ctx-size", "--context"},
    {"-b", "--batch"},
    {"--batch-size", "--batch"},
    {"-np", "--parallel"},
    {"-fa", "--flash-attn"},
    {"-cmoe", "--cpu-moe"},
    {"-n", "--max-tokens"},
    {"--n-predict", "--max-tokens"},
    {"--temp", "--temperature"},
    {"-ot", "--override-tensor"},
    {"-ts", "--tensor-split"},
    {"-mg", "--main-gpu"},
}};

/// Those that begin like one of our short options, which would take the rest for its value.
constexpr std::array<std::string_view, 6> kMisread = {"-ot", "-ts", "-tb", "-mg", "-mm", "-td"};

/// What to suggest instead of `word`: of llama.cpp's names ours, if it is one of `names`; otherwise
/// what looks most like it. Empty if there is nothing.
std::string suggestion_for(const std::string& word, const std::vector<std::string>& names) {
  for (const auto& [theirs, ours] : kNamesInLlama) {
    if (word == theirs) {
      return std::find(names.begin(), names.end(), ours) != names.end() ? std::string(ours) : "";
    }
  }
  return closest_match(word, names);
}

Complaint complaint_of_word(const std::string& kind,
                            const std::string& word,
                            const std::string& command,
                            const std::vector<std::string>& known) {
  const std::string see = "see '" + command + " --help'";
  const std::string close = suggestion_for(word, known);
  return {"'" + command + "' has no " + kind + " '" + printable(word) + "'",
          close.empty() ? see : "did you mean '" + close + "'? " + see};
}

Complaint complaint_of_option(const std::string& word,
                              const std::string& name,
                              const CLI::App& command) {
  return complaint_of_word("option", word, name, names_of_options(command));
}

/// Null if there is none of this name.
const CLI::App* command_of(const CLI::App& app, const std::string& name) {
  for (const CLI::App* one : app.get_subcommands(nullptr)) {
    if (one->get_name() == name) {
      return one;
    }
  }
  return nullptr;
}

std::vector<std::string> names_of_commands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* one : command.get_subcommands(nullptr)) {
    names.push_back(one->get_name());
  }
  return names;
}

}  // namespace

std::vector<std::string> with_help_as_option(const CLI::App& app, std::vector<std::string> words) {
  if (words.empty() || words.front() != "help") {
    return words;
  }
  words.erase(words.begin());
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    at = at == nullptr ? nullptr : command_of(*at, word);
  }
  if (at != nullptr) {
    words.emplace_back("--help");
  }
  return words;
}

std::optional<Complaint> complaint_of_misread(const CLI::App& app,
                                              const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  std::string name = "mascing";
  bool is_value = false;
  for (const std::string& word : words) {
    if (word == "--") {
      break;  // the rest is another program's
    }
    if (!is_value && std::find(kMisread.begin(), kMisread.end(), word) != kMisread.end()) {
      return complaint_of_option(word, name, *at);
    }
    const CLI::App* command = word.starts_with("-") ? nullptr : command_of(*at, word);
    if (command != nullptr && !is_value) {
      at = command;
      name += " " + word;
    }
    const CLI::Option* option = at->get_option_no_throw(word);
    is_value = word.starts_with("-") && option != nullptr && option->get_items_expected_max() > 0;
  }
  return std::nullopt;
}

Complaint complaint_of(const CLI::App& app, const std::string& message) {
  std::string name = "mascing";
  const CLI::App& command = chosen(app, name);
  const std::string see = "see '" + name + " --help'";
  const std::vector<std::string> unknown = app.remaining(true);
  if (unknown.empty()) {
    return {message, see};
  }
  const std::string word = unknown.front().substr(0, unknown.front().find('='));
  const bool is_option = word.starts_with("-");
  const bool has_commands = !command.get_subcommands(nullptr).empty();
  if (!is_option && !has_commands) {
    return {"'" + printable(word) + "' is one argument too many for '" + name + "'", see};
  }
  return is_option ? complaint_of_option(word, name, command)
                   : complaint_of_word("command", word, name, names_of_commands(command));
}

}  // namespace mascing::cli
