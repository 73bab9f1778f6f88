// docs/cli.md: a heading, the examples and a table of options for each command.
#include "cli/cli_pages.h"

namespace mascing::cli {
namespace {

constexpr const char* kReferenceOpening =
    "# Command-line reference\n\n"
    "Written by the program itself: `mascing describe-cli -o FOLDER` makes this page, the man "
    "pages\n"
    "and the completions for bash, zsh and fish. A test compares it with the program.\n";

std::string code_span(const std::string& text) {
  return "`" + text + "`";
}

/// For running text: no HTML tag, no cell border.
std::string markdown_escaped(const std::string& text) {
  return replaced(replaced(replaced(text, "<", "&lt;"), "|", "\\|"), "*", "\\*");
}

std::string names_cell(const OptionFacts& option) {
  if (option.is_argument) {
    return code_span(option.usage());
  }
  std::string names;
  for (size_t i = 0; i + 1 < option.names.size(); ++i) {
    names += code_span(option.names[i]) + ", ";
  }
  return names + code_span(replaced(option.usage(), "|", "\\|"));
}

std::string details_of(const OptionFacts& option) {
  std::string details;
  const auto add = [&details](const std::string& words) {
    details += (details.empty() ? "" : "; ") + words;
  };
  if (option.is_required) {
    add("required");
  }
  if (option.is_repeatable && option.text.find("may be repeated") == std::string::npos) {
    add("may be given several times");
  }
  if (!option.range.empty()) {
    add(replaced(option.range, " - ", " to "));
  }
  if (!option.default_value.empty()) {
    add("default " + code_span(option.default_value));
  }
  for (const std::string& other : option.excludes) {
    add("not with " + code_span(other));
  }
  return details;
}

std::string table_of(const CommandFacts& command) {
  std::string table = "| option | meaning |\n| --- | --- |\n";
  for (const OptionFacts& option : command.options) {
    const std::string details = details_of(option);
    table += "| " + names_cell(option) + " | " + markdown_escaped(option.text) +
             (details.empty() ? "" : " (" + details + ")") + " |\n";
  }
  return table;
}

std::string markdown_text(const CommandFacts& command) {
  std::string text;
  for (const TextPart& part : parts_of(command.text)) {
    text += part.is_table ? "\n```\n" : "\n";
    for (const std::string& line : part.lines) {
      text += (part.is_table ? line : markdown_escaped(line)) + "\n";
    }
    text += part.is_table ? "```\n" : "";
  }
  return text;
}

std::string anchor_of(const CommandFacts& command) {
  return "#" + replaced(command.path, " ", "-");
}

std::string section_of(const CommandFacts& command) {
  std::string section = "\n## " + command.path + "\n" + markdown_text(command) + "\n```\n" +
                        (command.examples.empty() ? "  " + command.usage() : command.examples) +
                        "\n```\n";
  return section + "\n" + table_of(command);
}

}  // namespace

std::string markdown_reference(const CommandFacts& top) {
  std::string list = "\n| command | |\n| --- | --- |\n";
  std::string sections;
  for (const CommandFacts* command : all_commands(top)) {
    list += "| [" + code_span(command->path) + "](" + anchor_of(*command) + ") | " +
            markdown_escaped(command->summary) + " |\n";
    sections += section_of(*command);
  }
  return kReferenceOpening + list + sections;
}

std::string words_after_program(const CommandFacts& command) {
  const size_t end = command.path.find(' ');
  return end == std::string::npos ? "" : command.path.substr(end + 1);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace mascing::cli
