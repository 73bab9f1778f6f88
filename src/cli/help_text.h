// The text of --help: lines of at most 80 columns, one line per command in a list of commands.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace mascing::cli {

/// `text` in lines of at most `n_column` columns where words allow it, without the `indent` that
/// stands before the second line and further ones. Lines of the text stay lines; what does not fit
/// of "  name    text" goes below the text.
[[nodiscard]] std::string wrapped(const std::string& text,
                                  size_t n_column,
                                  const std::string& indent);

/// A description as add_examples() composes it, taken apart.
struct DescriptionParts {
  std::string examples;  ///< lines that begin with two spaces; empty without examples
  std::string text;
};
[[nodiscard]] DescriptionParts description_parts(const std::string& description);

/// What a list says of a command: the first clause of its text, up to a full stop, colon, semicolon
/// or parenthesis, and of a long one what stands before its first comma.
[[nodiscard]] std::string summary_of(const CLI::App& command);

/// CLI11's help in this form. Give it to an application before its commands are added.
[[nodiscard]] std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace mascing::cli
