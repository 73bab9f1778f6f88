// CLI11's formatter with three functions of our own: how an option, a description and an entry of
// the list of commands are written.
#include "cli/help_text.h"

#include <sstream>
#include <vector>

#include "base/text.h"

namespace mascing::cli {
namespace {

constexpr size_t kHelpColumns = 80;
constexpr size_t kOptionColumn = 30;
constexpr size_t kCommandColumn = 12;

/// Where the text of "  name    text" begins; 0 for a line without such columns.
size_t second_column(const std::string& line) {
  const size_t name = line.find_first_not_of(' ');
  const size_t gap = name == std::string::npos ? name : line.find("  ", name);
  const size_t text = gap == std::string::npos ? gap : line.find_first_not_of(' ', gap);
  return text == std::string::npos ? 0 : text;
}

/// Words of a command line, an option together with its value.
std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  std::string word;
  while (in >> word) {
    const bool is_value = !words.empty() && words.back().starts_with('-') &&
                          !word.starts_with('-') && words.back().find(' ') == std::string::npos;
    if (is_value) {
      words.back() += ' ' + word;
    } else {
      words.push_back(word);
    }
  }
  return words;
}

/// An example that can be copied as it stands: broken lines end with a backslash.
std::string folded_example(const std::string& line, size_t n_column) {
  std::string result(line.find_first_not_of(' '), ' ');
  const std::string indent(result.size() + 4, ' ');
  size_t n_used = result.size();
  bool is_first = true;
  for (const std::string& word : words_of(line)) {
    if (!is_first && n_used + 1 + word.size() + 2 > n_column) {
      result += " \\\n" + indent;
      n_used = indent.size();
    } else if (!is_first) {
      result += ' ';
      ++n_used;
    }
    result += word;
    n_used += word.size();
    is_first = false;
  }
  return result;
}

std::string folded_line(const std::string& line, size_t n_column) {
  const size_t column = second_column(line);
  if (column == 0 && line.starts_with(' ')) {
    return folded_example(line, n_column);
  }
  std::string result = line.substr(0, column);
  std::istringstream words(line.substr(column));
  std::string word;
  size_t n_used = column;
  while (words >> word) {
    if (n_used > column && n_used + 1 + word.size() > n_column) {
      result += '\n' + std::string(column, ' ');
      n_used = column;
    } else if (n_used > column) {
      result += ' ';
      ++n_used;
    }
    result += word;
    n_used += word.size();
  }
  return result;
}

/// "  NAME        TEXT", the text from `column` on and on a line of its own below a long name.
std::string help_entry(const std::string& name, const std::string& text, size_t column) {
  std::string line = "  " + name;
  const std::string indent(column, ' ');
  if (text.empty()) {
    return line + '\n';
  }
  if (line.size() + 1 > column) {
    line += '\n' + indent;
  } else {
    line += std::string(column - line.size(), ' ');
  }
  return line + wrapped(text, kHelpColumns - column, indent) + '\n';
}

/// Where the first clause of a text ends. The full stop of "vs. steered" ends none.
size_t end_of_clause(const std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string rest = text.substr(i, 3);
    const bool is_break = rest.size() == 1 || rest[1] == '\n' || rest[1] == ' ';
    const bool is_sentence = rest.size() < 3 || rest[2] < 'a' || rest[2] > 'z';
    if ((rest[0] == '.' && is_break && is_sentence) || rest.starts_with(": ") ||
        rest.starts_with(":\n") || rest.starts_with("; ") || rest.starts_with(" (")) {
      return i;
    }
  }
  return text.size();
}

class HelpText : public CLI::Formatter {
 public:
  [[nodiscard]] std::string make_option(const CLI::Option* option,
                                        bool is_positional) const override {
    const std::string name = make_option_name(option, is_positional) + make_option_opts(option);
    return help_entry(
        wrapped(name, kHelpColumns - 6, "      "), make_option_desc(option), kOptionColumn);
  }
  [[nodiscard]] std::string make_subcommand(const CLI::App* command) const override {
    return help_entry(command->get_name(), summary_of(*command), kCommandColumn);
  }
  [[nodiscard]] std::string make_description(const CLI::App* app) const override {
    return wrapped(CLI::Formatter::make_description(app), kHelpColumns, "");
  }
};

}  // namespace

std::string wrapped(const std::string& text, size_t n_column, const std::string& indent) {
  std::istringstream lines(text);
  std::string result;
  std::string line;
  bool is_first = true;
  while (std::getline(lines, line)) {
    result += is_first ? "" : '\n' + (line.empty() ? "" : indent);
    is_first = false;
    std::string lines_of_it = line.size() <= n_column ? line : folded_line(line, n_column);
    for (size_t at = lines_of_it.find('\n'); at != std::string::npos;
         at = lines_of_it.find('\n', at + 1)) {
      lines_of_it.insert(at + 1, indent);
    }
    result += lines_of_it;
  }
  return text.ends_with('\n') ? result + '\n' : result;
}

DescriptionParts description_parts(const std::string& description) {
  const std::string opening = "Example:\n";
  if (!description.starts_with(opening)) {
    return {"", description};
  }
  const size_t end = description.find("\n\n");
  if (end == std::string::npos) {
    return {description.substr(opening.size()), ""};
  }
  return {description.substr(opening.size(), end - opening.size()), description.substr(end + 2)};
}

std::string summary_of(const CLI::App& command) {
  const std::string text = description_parts(command.get_description()).text;
  std::string summary = text.substr(0, end_of_clause(text));
  const size_t comma = summary.find(", ");
  if (summary.size() > kHelpColumns - kCommandColumn && comma != std::string::npos) {
    summary.resize(comma);
  }
  return trim(summary);
}

std::shared_ptr<CLI::FormatterBase> help_formatter() {
  return std::make_shared<HelpText>();
}

}  // namespace mascing::cli
