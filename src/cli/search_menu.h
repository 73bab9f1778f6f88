// Interactive menu of `mascing search`: chat with, save, export or evaluate masks of the Pareto
// set.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/chat.h"
#include "cli/run_arguments.h"
#include "mascing/run.h"
#include "report/trade_off.h"

namespace mascing::cli {

inline constexpr const char* kMenuHelp =
    "table                show the Pareto set\n"
    "chat N               chat with and without mask N, side by side; /quit "
    "returns\n"
    "save N FILE          write mask N to FILE; a path may contain spaces\n"
    "export N FORM FILE   export mask N as lora, gguf or easysteer\n"
    "test N               test mask N on the test split, once; write mask and report\n"
    "help                 show this list\n"
    "quit                 exit; the masks stay in pareto/\n";

class SearchMenu {
 public:
  /// Both arguments must outlive the menu. Without `has_history` no typed lines are kept.
  SearchMenu(const SearchView& view, const RunArguments& arguments, bool has_history);

  /// Writes the members of the set to pareto/1.gguf, pareto/2.gguf, ...; removes those of an
  /// earlier search. Returns their number.
  [[nodiscard]] size_t write_set() const;
  /// Reads commands until the end or "quit". Somebody at a terminal is asked before the one look at
  /// the test split, unless `is_agreed`.
  void run(std::istream& in, std::ostream& out, bool is_interactive, bool is_agreed);

 private:
  /// Returns false if the command ends the menu.
  bool take(const std::string& line, LineReader& lines, std::istream& in, std::ostream& out);
  [[nodiscard]] size_t member(const std::string& word) const;
  [[nodiscard]] std::string path_of(size_t i_member) const;
  void talk(size_t i_member, bool is_interactive, std::istream& in, std::ostream& out) const;
  [[nodiscard]] std::string history_of(const std::string& name) const;
  void refuse_own_files(const std::string& file) const;
  void save(size_t i_member, const std::string& file) const;
  void ship(size_t i_member, const std::string& form, const std::string& file) const;
  void test(size_t i_member, std::ostream& out) const;

  const SearchView& view_;
  const RunArguments& arguments_;
  std::vector<TradePoint> set_;
  bool has_history_;
  bool is_agreed_ = false;
};

}  // namespace mascing::cli
