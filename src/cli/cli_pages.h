// What is generated of the commands: the reference in Markdown, man pages, completions of shells.
#pragma once

#include <string>

#include "cli/cli_tree.h"

namespace mascing::cli {

/// docs/cli.md.
[[nodiscard]] std::string markdown_reference(const CommandFacts& top);

/// A page of section 1 in the man macros.
[[nodiscard]] std::string man_page(const CommandFacts& command, const std::string& version);

/// "mascing-mask-show": the name of a command's man page, without ".1".
[[nodiscard]] std::string page_name(const CommandFacts& command);

[[nodiscard]] std::string bash_completion(const CommandFacts& top);
[[nodiscard]] std::string zsh_completion(const CommandFacts& top);
[[nodiscard]] std::string fish_completion(const CommandFacts& top);

/// "mask show": the path without the name of the program.
[[nodiscard]] std::string words_after_program(const CommandFacts& command);

/// `text` with every occurrence of `from` as `to`.
[[nodiscard]] std::string replaced(std::string text,
                                   const std::string& from,
                                   const std::string& to);

}  // namespace mascing::cli
