// Without an editor the prompt goes to stderr and the terminal itself edits the line.
#include "cli/line_reader.h"

#include <cstdlib>
#include <iostream>

#include "base/text.h"
#include "cli/progress_line.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

[[noreturn]] void throw_stopped() {
  throw Error(ErrorKind::kInterrupted,
              "[prompt] stopped on request",
              "finished work is saved; run the same command again to resume");
}

}  // namespace

bool read_plain_line(std::istream& in, std::string& line) {
  let_signals_interrupt(true);
  const bool is_there = static_cast<bool>(std::getline(in, line));
  let_signals_interrupt(false);
  if (stop_was_requested()) {
    throw_stopped();
  }
  return is_there;
}

LineReader::LineReader(std::istream& in, bool is_interactive, const std::string& history)
    : in_(in), is_interactive_(is_interactive), is_edited_(is_interactive && editor_.works()) {
  if (is_edited_) {
    history_.emplace(history);
    for (const std::string& line : history_->lines()) {
      editor_.remember(line);
    }
  }
}

bool LineReader::take(const std::string& prompt, bool is_bold, std::string& line) {
  LineEditor::Typed typed = LineEditor::Typed::kEnd;
  if (is_edited_) {
    std::cerr << std::flush;
    typed = editor_.read(prompt, is_bold, line);
  } else {
    std::cerr << (is_interactive_ ? prompt : "") << std::flush;
    typed = read_plain_line(in_, line) ? LineEditor::Typed::kLine : LineEditor::Typed::kEnd;
  }
  if (typed == LineEditor::Typed::kStopped) {
    throw_stopped();
  }
  const bool is_end = typed == LineEditor::Typed::kEnd;
  std::cerr << (is_end && is_interactive_ ? "\n" : "");
  return !is_end;
}

bool LineReader::read(const std::string& prompt, std::string& line) {
  if (!take(prompt, std::getenv("NO_COLOR") == nullptr, line)) {
    return false;
  }
  if (is_edited_ && !trim(line).empty()) {
    editor_.remember(line);
    history_->add(line);
  }
  return true;
}

bool LineReader::agrees(const std::string& question) {
  std::string answer;
  (void)take(question + " [y/N] ", false, answer);
  const std::string word = to_lower_ascii(trim(answer));
  return word == "y" || word == "yes";
}

bool agrees_to_test(LineReader& lines) {
  std::cerr << "The test split can be looked at once, for one mask; no other mask can be tested "
               "after it.\n";
  const bool is_agreed = lines.agrees("Evaluate this one now?");
  if (!is_agreed) {
    std::cerr << "Not tested.\n";
  }
  return is_agreed;
}

}  // namespace mascing::cli
