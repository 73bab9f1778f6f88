// Exports run through the same code as `mascing export`.
#include "cli/search_menu.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "base/append.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "mascing/error.h"
#include "mascing/mask_file.h"
#include "mascing/report.h"

namespace mascing::cli {
namespace {

constexpr int64_t kTalkTokens = 400;
constexpr std::array<const char*, 3> kMenuForms = {"lora", "gguf", "easysteer"};

[[noreturn]] void misunderstand(const std::string& text) {
  throw Error(ErrorKind::kUsage, "[search] " + text, "type help for the list of commands");
}

/// The words of a line. A path may contain spaces, so the last word of `save` and `export` is all
/// that is left of the line.
std::vector<std::string> menu_words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
    const std::string& name = words.front();
    const size_t n_before_path = name == "save" ? 2 : name == "export" ? 3 : 0;
    if (words.size() == n_before_path && std::getline(stream, word) && !trim(word).empty()) {
      words.push_back(trim(word));
    }
  }
  return words;
}

}  // namespace

SearchMenu::SearchMenu(const SearchView& view, const RunArguments& arguments, bool has_history)
    : view_(view),
      arguments_(arguments),
      set_(pareto_set(view.results)),
      has_history_(has_history) {}

std::string SearchMenu::history_of(const std::string& name) const {
  return has_history_ ? history_file(name) : "";
}

std::string SearchMenu::path_of(size_t i_member) const {
  return arguments_.output + "/pareto/" + std::to_string(i_member + 1) + ".gguf";
}

size_t SearchMenu::write_set() const {
  const std::string folder = arguments_.output + "/pareto";
  ensure_directory(folder);
  for (size_t i = 0; file_exists(path_of(i)); ++i) {
    std::filesystem::remove(path_of(i));
  }
  for (size_t i = 0; i < set_.size(); ++i) {
    write_mask(path_of(i), view_.mask(set_[i].i_candidate));
  }
  return set_.size();
}

size_t SearchMenu::member(const std::string& word) const {
  for (size_t i = 0; i < set_.size(); ++i) {
    if (word == std::to_string(i + 1)) {
      return i;
    }
  }
  misunderstand("\"" + printable(word) + "\" is not in the Pareto set, expected 1 to " +
                std::to_string(set_.size()));
}

void SearchMenu::talk(size_t i_member,
                      bool is_interactive,
                      std::istream& in,
                      std::ostream& out) const {
  ChatSession session(view_.host, {0.0F, arguments_.seed, kTalkTokens});
  const Mask mask = view_.mask(set_[i_member].i_candidate);
  session.set_masks({{mask, mask.alpha, path_of(i_member)}});
  ChatView view;
  view.is_interactive = is_interactive;
  LineReader lines(in, is_interactive, history_of("chat"));
  chat(session, view, lines, out);
}

/// Neither a file that the search reads nor another member of the set.
void SearchMenu::refuse_own_files(const std::string& file) const {
  refuse_to_overwrite(file, arguments_.inputs);
  for (size_t i = 0; i < set_.size(); ++i) {
    std::error_code ignored;
    if (std::filesystem::equivalent(file, path_of(i), ignored)) {
      throw Error(ErrorKind::kUsage,
                  "[search] " + path_of(i) + " is mask " + std::to_string(i + 1) + " of the set",
                  "choose another file; the set is kept as it was found");
    }
  }
}

void SearchMenu::save(size_t i_member, const std::string& file) const {
  refuse_own_files(file);
  write_mask(file, view_.mask(set_[i_member].i_candidate));
  say_written(file, "");
}

void SearchMenu::ship(size_t i_member, const std::string& form, const std::string& file) const {
  if (std::find(kMenuForms.begin(), kMenuForms.end(), form) == kMenuForms.end()) {
    throw Error(
        ErrorKind::kUsage,
        "[search] the menu exports as lora, gguf or easysteer, not as " + printable(form),
        "for other forms leave the menu and run mascing export " + shell_quoted(path_of(i_member)));
  }
  refuse_own_files(file);
  CLI::App app;
  Session session;
  add_export(app, session);
  std::vector<std::string> words = {"export", path_of(i_member), "--to", form, "-o", file};
  if (form != "easysteer") {
    append(arguments_.model_words(), words);
  }
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    misunderstand(error.what());
  }
}

void SearchMenu::test(size_t i_member, std::ostream& out) const {
  const RunOutcome outcome = view_.test(set_[i_member].i_candidate);
  out << render_table(outcome.results, wants_colour()) << std::flush;
  const std::string prefix = arguments_.output + "/";
  if (!outcome.failure.empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[search] " + outcome.failure,
                "see " + prefix + "results.json and " + prefix + "report.html for the details");
  }
  say_written(prefix + "mask.gguf, " + prefix + "results.json, " + prefix + "report.html", "");
}

bool SearchMenu::take(const std::string& line,
                      LineReader& lines,
                      std::istream& in,
                      std::ostream& out) {
  const std::vector<std::string> words = menu_words(line);
  if (words.empty()) {
    return true;
  }
  const std::string& name = words.front();
  if (name == "quit" || name == "exit" || name == "q") {
    return false;
  }
  if (name == "table") {
    out << pareto_table(view_.results) << std::flush;
  } else if (name == "help") {
    std::cerr << kMenuHelp;
  } else if (name == "chat" && words.size() == 2) {
    talk(member(words[1]), lines.is_interactive(), in, out);
  } else if (name == "save" && words.size() == 3) {
    save(member(words[1]), words[2]);
  } else if (name == "export" && words.size() == 4) {
    ship(member(words[1]), words[2], words[3]);
  } else if (name == "test" && words.size() == 2) {
    const size_t i_member = member(words[1]);
    if (!lines.is_interactive() || is_agreed_ || agrees_to_test(lines)) {
      test(i_member, out);
    }
  } else {
    misunderstand("\"" + printable(line) + "\" is not a menu command");
  }
  return true;
}

void SearchMenu::run(std::istream& in, std::ostream& out, bool is_interactive, bool is_agreed) {
  is_agreed_ = is_agreed;
  if (is_interactive) {
    std::cerr << '\n' << kMenuHelp;
  }
  LineReader lines(in, is_interactive, history_of("search"));
  for (std::string line; lines.read("search> ", line);) {
    try {
      if (!take(line, lines, in, out)) {
        break;
      }
    } catch (const Error& error) {
      if (!is_interactive || error.kind() == ErrorKind::kInterrupted) {
        throw;
      }
      std::cerr << error_text(error.what(), error.hint(), "");
    }
  }
}

}  // namespace mascing::cli
