// Completion for zsh: one function per command, each a call of _arguments.
#include "cli/cli_pages.h"

namespace mascing::cli {
namespace {

/// Within single quotes and the brackets of _arguments.
std::string zsh_escaped(const std::string& text) {
  std::string line = replaced(text, "\n", " ");
  for (const char* mark : {"\\", "[", "]", ":"}) {
    line = replaced(line, mark, std::string("\\") + mark);
  }
  return replaced(line, "'", "'\\''");
}

std::string function_of(const CommandFacts& command) {
  return "_" + replaced(replaced(command.path, " ", "_"), "-", "_");
}

/// ":message:action" behind an option or argument.
std::string action_of(const OptionFacts& option) {
  if (option.is_flag) {
    return "";
  }
  std::string values;
  for (const std::string& choice : option.choices) {
    values += (values.empty() ? "(" : " ") + choice;
  }
  const std::string action = !values.empty() ? values + ")" : option.is_number() ? "" : "_files";
  return ":" + zsh_escaped(replaced(option.name(), "--", "")) + ":" + action;
}

std::string spec_of(const OptionFacts& option) {
  if (option.is_argument) {
    return std::string("    '") + (option.is_repeatable ? "*" : "") + action_of(option) + "'";
  }
  std::string specs;
  for (const std::string& name : option.names) {
    specs += std::string(specs.empty() ? "" : " \\\n") + "    '" +
             (option.is_repeatable ? "*" : "") + name + "[" + zsh_escaped(option.text) + "]" +
             action_of(option) + "'";
  }
  return specs;
}

std::string specs_of(const CommandFacts& command) {
  std::string specs;
  for (const OptionFacts& option : command.options) {
    specs += " \\\n" + spec_of(option);
  }
  return specs;
}

std::string list_of(const CommandFacts& command) {
  std::string list;
  for (const CommandFacts& below : command.commands) {
    list += "        '" + below.word + ":" + zsh_escaped(below.summary) + "'\n";
  }
  return list;
}

std::string branch_of(const CommandFacts& command, const std::string& help) {
  std::string text =
      function_of(command) + "() {\n  local context state state_descr line\n" +
      "  typeset -A opt_args\n  _arguments -C" + specs_of(command) +
      " \\\n    '1: :->command' '*:: :->rest'\n  case $state in\n" +
      "    command)\n      local -a commands\n      commands=(\n" + list_of(command) + help +
      "      )\n      _describe command commands ;;\n    rest)\n" + "      case $words[1] in\n";
  for (const CommandFacts& below : command.commands) {
    text += "        " + below.word + ") " + function_of(below) + " ;;\n";
  }
  if (!help.empty()) {
    text += "        help) _arguments '1:command:(";
    for (const CommandFacts& below : command.commands) {
      text += below.word + " ";
    }
    text += ")' ;;\n";
  }
  return text + "      esac ;;\n  esac\n}\n\n";
}

}  // namespace

std::string zsh_completion(const CommandFacts& top) {
  std::string text = "#compdef mascing\n# Written by `mascing describe-cli`.\n\n";
  for (const CommandFacts* command : all_commands(top)) {
    const bool is_top = command == &top;
    text += command->commands.empty()
                ? function_of(*command) + "() {\n  _arguments" + specs_of(*command) + "\n}\n\n"
                : branch_of(*command, is_top ? "        'help:explain a command'\n" : "");
  }
  return text + "_mascing \"$@\"\n";
}

}  // namespace mascing::cli
