// Completion for bash: the command is found among the words so far, then its options, the values of
// an option with a list of them, or files.
#include "cli/cli_pages.h"

namespace mascing::cli {
namespace {

constexpr const char* kBashStart =
    R"(# bash completion for mascing, written by `mascing describe-cli`.
_mascing() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" i words=""
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command ${COMP_WORDS[i]}" in
)";

constexpr const char* kBashMiddle = R"(      *) break ;;
    esac
    command="${command:+$command }${COMP_WORDS[i]}"
  done
  case $command in
)";

constexpr const char* kBeforeParents = R"(  esac
  case $command in
    )";

constexpr const char* kBashEnd = R"() ;;
    *) [[ $cur == -* ]] || return ;;  # files
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _mascing mascing
)";

std::string bash_joined(const std::vector<std::string>& words, const std::string& mark) {
  std::string line;
  for (const std::string& word : words) {
    line += (line.empty() ? "" : mark) + word;
  }
  return line;
}

std::vector<std::string> bash_commands(const CommandFacts& command) {
  std::vector<std::string> words;
  for (const CommandFacts& below : command.commands) {
    words.push_back(below.word);
  }
  return words;
}

std::vector<std::string> bash_words(const CommandFacts& command) {
  std::vector<std::string> words = bash_commands(command);
  for (const OptionFacts& option : command.options) {
    if (!option.is_argument) {
      words.insert(words.end(), option.names.begin(), option.names.end());
    }
  }
  return words;
}

/// Options with a list of values, and those with a number, for which no file is offered.
std::string bash_values(const CommandFacts& command) {
  std::string cases;
  for (const OptionFacts& option : command.options) {
    if (option.is_argument || (option.choices.empty() && !option.is_number())) {
      continue;
    }
    cases += "        " + bash_joined(option.names, " | ") + ")\n          ";
    cases += option.choices.empty() ? "compopt +o default +o bashdefault\n"
                                    : "COMPREPLY=($(compgen -W \"" +
                                          bash_joined(option.choices, " ") + "\" -- \"$cur\"))\n";
    cases += "          return ;;\n";
  }
  return cases.empty() ? "" : "      case $prev in\n" + cases + "      esac\n";
}

/// The words above a command: "mask" of "mask show".
std::string words_above(const std::string& path) {
  const size_t last = path.find_last_of(' ');
  return last == std::string::npos ? "" : path.substr(0, last);
}

/// Two patterns: the command, and the command behind "help".
std::string bash_patterns(const CommandFacts& command) {
  const std::string parent = words_above(words_after_program(command));
  const std::string behind_help = "help" + (parent.empty() ? "" : " " + parent);
  return "      \"" + parent + " " + command.word + "\" | \"" + behind_help + " " + command.word +
         "\") ;;\n";
}

std::string bash_case(const std::string& path,
                      const std::vector<std::string>& words,
                      const std::string& values) {
  return "    \"" + path + "\")\n      words=\"" + bash_joined(words, " ") + "\"\n" + values +
         "      ;;\n";
}

}  // namespace

std::string bash_completion(const CommandFacts& top) {
  std::string known = "      \" help\") ;;\n";
  std::string cases;
  std::string parents;
  for (const CommandFacts* command : all_commands(top)) {
    const std::string path = words_after_program(*command);
    const std::string behind_help = path.empty() ? "help" : "help " + path;
    std::vector<std::string> words = bash_words(*command);
    if (path.empty()) {
      words.emplace_back("help");
    } else {
      known += bash_patterns(*command);
    }
    cases += bash_case(path, words, bash_values(*command));
    if (!command->commands.empty()) {
      cases += bash_case(behind_help, bash_commands(*command), "");
      parents += parents.empty() ? "" : " | ";
      parents.append("\"").append(path).append("\" | \"").append(behind_help).append("\"");
    }
  }
  return kBashStart + known + kBashMiddle + cases + kBeforeParents + parents + kBashEnd;
}

}  // namespace mascing::cli
