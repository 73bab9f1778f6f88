// How a chat template is applied: whether the model reasons, and the template's own arguments.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mascing {

enum class ReasoningMode {
  kOn,    ///< as the template has it where reasoning is wanted
  kOff,   ///< as the template has it where it is not; a block that it opens all the same is closed
  kSkip,  ///< the visible part begins right away, by the template's own marks
};

/// "on", "off", "skip".
[[nodiscard]] const char* to_string(ReasoningMode mode);
/// Throws Error{kUsage} naming the three words.
[[nodiscard]] ReasoningMode parse_reasoning_mode(const std::string& text);

struct TemplateOptions {
  ReasoningMode reasoning = ReasoningMode::kOff;
  /// Values as JSON text, by the name that the template knows.
  std::map<std::string, std::string> arguments = {};
};

/// Adds "name=value". A value that is not JSON is a string: reasoning_effort=low. As
/// `enable_thinking` is what ReasoningMode stands for, true or false under this name sets the mode
/// to on or off. Throws Error{kUsage}.
void add_template_argument(const std::string& text, TemplateOptions& options);

/// Arguments that nothing in the template goes by the name of, each with the name in it that looks
/// most like it, or with an empty one. None for a file without a template.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> unknown_arguments(
    const TemplateOptions& options, const std::string& source);

/// Different for different options; empty for the default ones.
[[nodiscard]] std::string template_key(const TemplateOptions& options);

}  // namespace mascing
