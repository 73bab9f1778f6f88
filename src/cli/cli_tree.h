// Commands and options as plain values, read from CLI11's definitions. The man pages, the
// completions and docs/cli.md are made of nothing else.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace mascing::cli {

struct OptionFacts {
  std::vector<std::string> names;  ///< "-m", "--model"; of an argument without dashes its name
  bool is_argument = false;        ///< without dashes
  bool is_flag = false;
  bool is_required = false;
  bool is_repeatable = false;
  std::string kind;                   ///< "TEXT", "INT", "UINT", "FLOAT"; empty for a flag
  std::vector<std::string> choices;   ///< the only values, if there is such a list
  std::string range;                  ///< "1 - 256", if there is one
  std::string default_value;          ///< empty if there is none
  std::vector<std::string> excludes;  ///< names of options that it cannot stand with
  std::string text;

  /// "--model TEXT", "--reasoning on|off|skip", "[masks ...]".
  [[nodiscard]] std::string usage() const;
  /// No file is offered for it.
  [[nodiscard]] bool is_number() const;
  /// The last and longest name.
  [[nodiscard]] const std::string& name() const { return names.back(); }
};

struct CommandFacts {
  std::string word;      ///< "show"
  std::string path;      ///< "mascing mask show"
  std::string summary;   ///< one clause
  std::string examples;  ///< lines that begin with two spaces
  std::string text;
  std::vector<OptionFacts> options;  ///< arguments first
  std::vector<CommandFacts> commands;

  /// "mascing mask show [OPTIONS] mask".
  [[nodiscard]] std::string usage() const;
};

/// Without commands and options that are hidden (of an empty group). `parent` is the path above.
[[nodiscard]] CommandFacts facts_of(const CLI::App& app, const std::string& parent = "");

/// The command and all below it, in the order of their definition.
[[nodiscard]] std::vector<const CommandFacts*> all_commands(const CommandFacts& top);

/// A text in parts: paragraphs, and tables whose lines stay as they are.
struct TextPart {
  bool is_table = false;
  std::vector<std::string> lines;
};
[[nodiscard]] std::vector<TextPart> parts_of(const std::string& text);

}  // namespace mascing::cli
