// What the words of a command line mean before and after CLI11 has read them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace mascing::cli {

/// `help COMMAND` as `COMMAND --help`, if `app` has this command; other words unchanged. Without
/// the program's name.
[[nodiscard]] std::vector<std::string> with_help_as_option(const CLI::App& app,
                                                           std::vector<std::string> words);

/// What is wrong with a command line, and what to do.
struct Complaint {
  std::string message;
  std::string hint;
};

/// Of an option of llama.cpp's programs that would be read as a short one of ours with a value;
/// nothing if there is none. Behind "--" all words are another program's.
[[nodiscard]] std::optional<Complaint> complaint_of_misread(const CLI::App& app,
                                                            const std::vector<std::string>& words);

/// After `app` failed to parse with `message`: names the first unknown command or option and the
/// closest known one.
[[nodiscard]] Complaint complaint_of(const CLI::App& app, const std::string& message);

}  // namespace mascing::cli
