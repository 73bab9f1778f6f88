// Completion for fish: one `complete` line per command and option.
#include "cli/cli_pages.h"

namespace mascing::cli {
namespace {

constexpr const char* kFishStart =
    R"(# fish completion for mascing, written by `mascing describe-cli`.
# True if the words behind `mascing` begin with these.
function __mascing_at
    set -l words (commandline -opc)
    set -e words[1]
    for wanted in $argv
        test "$words[1]" = $wanted; or return 1
        set -e words[1]
    end
end

# True if they are exactly these.
function __mascing_behind
    set -l words (commandline -opc)
    __mascing_at $argv; and test (count $words) -eq (math (count $argv) + 1)
end

complete -c mascing -n __mascing_behind -f -a help -d 'explain a command'
)";

std::string fish_quoted(const std::string& text) {
  const std::string line = replaced(text, "\n", " ");
  return "'" + replaced(replaced(line, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_line(const std::string& test, const std::string& path) {
  return "complete -c mascing -n " + fish_quoted(path.empty() ? test : test + " " + path);
}

std::string fish_option(const OptionFacts& option, const std::string& path) {
  std::string line = fish_line(path.empty() ? "__mascing_behind" : "__mascing_at", path);
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    line += is_long ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.is_flag) {
    std::string values;
    for (const std::string& choice : option.choices) {
      values += (values.empty() ? "" : " ") + choice;
    }
    const bool is_file = !option.is_number() && values.empty();
    line += is_file ? " -r -F" : values.empty() ? " -x" : " -x -a " + fish_quoted(values);
  }
  return line + " -d " + fish_quoted(option.text) + "\n";
}

}  // namespace

std::string fish_completion(const CommandFacts& top) {
  std::string text = kFishStart;
  for (const CommandFacts* command : all_commands(top)) {
    const std::string path = words_after_program(*command);
    for (const CommandFacts& below : command->commands) {
      const std::string offer = " -f -a " + below.word + " -d " + fish_quoted(below.summary) + "\n";
      text += fish_line("__mascing_behind", path) + offer;
      text += fish_line("__mascing_behind help", path) + offer;
    }
    for (const OptionFacts& option : command->options) {
      text += option.is_argument ? "" : fish_option(option, path);
    }
  }
  return text;
}

}  // namespace mascing::cli
