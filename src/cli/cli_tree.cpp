// CLI11 keeps choices and ranges in the descriptions of its validators: "TEXT:{on,off}" and
// "INT:INT in [1 - 256]".
#include "cli/cli_tree.h"

#include <algorithm>
#include <sstream>

#include "cli/help_text.h"

namespace mascing::cli {
namespace {

std::string between(const std::string& text, const std::string& open, const std::string& close) {
  const size_t begin = text.find(open);
  const size_t end = begin == std::string::npos ? begin : text.find(close, begin);
  return end == std::string::npos ? ""
                                  : text.substr(begin + open.size(), end - begin - open.size());
}

std::vector<std::string> split_at(const std::string& text, char mark) {
  std::vector<std::string> words;
  std::istringstream in(text);
  std::string word;
  while (std::getline(in, word, mark)) {
    words.push_back(word);
  }
  return words;
}

std::vector<std::string> option_names(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) {
    names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    names.push_back("--" + name);
  }
  return names;
}

OptionFacts facts_of_option(const CLI::Option& option) {
  OptionFacts facts;
  facts.is_argument = option.get_positional();
  facts.names =
      facts.is_argument ? std::vector<std::string>{option.get_name(true)} : option_names(option);
  facts.is_flag = option.get_items_expected_max() == 0;
  facts.is_required = option.get_required();
  const bool takes_many = option.get_expected_max() > 1;
  const bool gathers = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  facts.is_repeatable = !facts.is_flag && (takes_many || gathers);
  const std::string type = option.get_type_name();
  if (!facts.is_flag) {
    facts.kind = type.substr(0, type.find(':'));
    facts.choices = split_at(between(type, "{", "}"), ',');
    facts.range = between(type, "in [", "]");
    facts.default_value = option.get_default_str();
  }
  for (const CLI::Option* other : option.get_excludes()) {
    facts.excludes.push_back(option_names(*other).back());
  }
  std::sort(facts.excludes.begin(), facts.excludes.end());  // CLI11's order is by address
  facts.text = option.get_description();
  return facts;
}

std::vector<OptionFacts> options_of(const CLI::App& app) {
  std::vector<OptionFacts> facts;
  for (const bool is_argument : {true, false}) {
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_positional() == is_argument && !option->get_group().empty()) {
        facts.push_back(facts_of_option(*option));
      }
    }
  }
  return facts;
}

void append_all(const CommandFacts& command, std::vector<const CommandFacts*>& all) {
  all.push_back(&command);
  for (const CommandFacts& below : command.commands) {
    append_all(below, all);
  }
}

/// "  name    text", or a word of a chat: "/quit".
bool is_table_line(const std::string& line) {
  return line.starts_with(' ') || line.starts_with('/') || line.find("  ") != std::string::npos;
}

}  // namespace

std::string OptionFacts::usage() const {
  std::string value = kind;
  if (!choices.empty()) {
    value.clear();
    for (const std::string& choice : choices) {
      value += (value.empty() ? "" : "|") + choice;
    }
  }
  if (is_argument) {
    const std::string words = name() + (is_repeatable ? " ..." : "");
    return is_required ? words : "[" + words + "]";
  }
  return name() + (is_flag ? "" : " " + value);
}

bool OptionFacts::is_number() const {
  return kind == "INT" || kind == "UINT" || kind == "FLOAT";
}

std::string CommandFacts::usage() const {
  std::string line = path;
  std::string arguments;
  bool has_options = false;
  for (const OptionFacts& option : options) {
    has_options = has_options || !option.is_argument;
    arguments += option.is_argument ? " " + option.usage() : "";
  }
  return line + (has_options ? " [OPTIONS]" : "") + arguments +
         (commands.empty() ? "" : " COMMAND ...");
}

CommandFacts facts_of(const CLI::App& app, const std::string& parent) {
  CommandFacts facts;
  facts.word = app.get_name();
  facts.path = parent.empty() ? facts.word : parent + " " + facts.word;
  const DescriptionParts parts = description_parts(app.get_description());
  facts.summary = summary_of(app);
  facts.examples = parts.examples;
  facts.text = parts.text;
  facts.options = options_of(app);
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (!command->get_group().empty()) {
      facts.commands.push_back(facts_of(*command, facts.path));
    }
  }
  return facts;
}

std::vector<const CommandFacts*> all_commands(const CommandFacts& top) {
  std::vector<const CommandFacts*> all;
  append_all(top, all);
  return all;
}

std::vector<TextPart> parts_of(const std::string& text) {
  std::vector<TextPart> parts;
  for (const std::string& line : split_at(text, '\n')) {
    const bool is_table = is_table_line(line);
    if (line.empty()) {
      parts.emplace_back();
    } else {
      if (parts.empty() || parts.back().is_table != is_table) {
        parts.push_back({is_table, {}});
      }
      parts.back().lines.push_back(line);
    }
  }
  std::erase_if(parts, [](const TextPart& part) { return part.lines.empty(); });
  return parts;
}

}  // namespace mascing::cli
