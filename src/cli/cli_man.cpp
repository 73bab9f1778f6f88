// Man pages in the man macros of groff and mandoc.
#include <algorithm>
#include <sstream>

#include "cli/cli_pages.h"

namespace mascing::cli {
namespace {

/// Backslashes, hyphens that are typed, and lines that begin like a request.
std::string roff(const std::string& text) {
  std::istringstream lines(replaced(replaced(text, "\\", "\\e"), "-", "\\-"));
  std::string result;
  std::string line;
  while (std::getline(lines, line)) {
    const bool is_request = line.starts_with('.') || line.starts_with('\'');
    result += (result.empty() ? "" : "\n") + std::string(is_request ? "\\&" : "") + line;
  }
  return result;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

std::string verbatim(const std::string& text) {
  return ".nf\n" + roff(text) + "\n.fi\n";
}

std::string sentence(const std::string& text) {
  return text.ends_with('.') ? text : text + ".";
}

std::string man_text(const CommandFacts& command) {
  std::string text;
  for (const TextPart& part : parts_of(command.text)) {
    std::string lines;
    for (const std::string& line : part.lines) {
      lines += (lines.empty() ? "" : "\n") + line;
    }
    text += text.empty() ? "" : ".PP\n";
    text += part.is_table ? verbatim(lines) : roff(lines) + "\n";
  }
  return text;
}

std::string man_option(const OptionFacts& option) {
  std::string names;
  for (size_t i = 0; i + 1 < option.names.size(); ++i) {
    names += "\\fB" + roff(option.names[i]) + "\\fR, ";
  }
  const std::string usage = option.usage();
  const std::string& name = option.name();
  const std::string value = option.is_argument ? "" : usage.substr(name.size());
  std::string entry = ".TP\n" + names + "\\fB" + roff(option.is_argument ? usage : name) + "\\fR" +
                      roff(value) + "\n" + roff(sentence(option.text));
  if (!option.range.empty()) {
    entry += "\nFrom " + roff(replaced(option.range, " - ", " to ")) + ".";
  }
  if (!option.default_value.empty()) {
    entry += "\nDefault: " + roff(option.default_value) + ".";
  }
  return entry + (option.is_required ? "\nRequired.\n" : "\n");
}

std::string other_pages(const CommandFacts& command) {
  std::string pages;
  for (const CommandFacts& below : command.commands) {
    pages += ".TP\n\\fB" + roff(page_name(below)) + "\\fR(1)\n" + roff(below.summary) + "\n";
  }
  return pages;
}

constexpr const char* kManExitCodes =
    ".SH EXIT STATUS\n"
    "0 success, 1 failure, 2 wrong usage, 3 a verdict named by \\-\\-fail\\-on, 130 interrupted "
    "(run "
    "again to resume).\n";

}  // namespace

std::string page_name(const CommandFacts& command) {
  return replaced(command.path, " ", "-");
}

std::string man_page(const CommandFacts& command, const std::string& version) {
  const std::string name = roff(page_name(command));
  std::string page = ".TH " + upper(name) + " 1 \"\" \"mascing " + version +
                     "\" \"User Commands\"\n.SH NAME\n" + name + " \\- " + roff(command.summary) +
                     "\n.SH SYNOPSIS\n" + roff(command.usage()) + "\n.SH DESCRIPTION\n" +
                     man_text(command);
  if (!command.commands.empty()) {
    page += ".SH COMMANDS\n" + other_pages(command);
  }
  page += ".SH OPTIONS\n";
  for (const OptionFacts& option : command.options) {
    page += man_option(option);
  }
  page += kManExitCodes;
  if (!command.examples.empty()) {
    page += ".SH EXAMPLES\n" + verbatim(command.examples);
  }
  return page;
}

}  // namespace mascing::cli
