// The menu that ends `mascing search`: the Pareto set, to be talked with, saved, shipped, tested.
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
    "table                the Pareto set again\n"
    "chat N               talk with the model and with it under mask N, side by side; /quit "
    "returns\n"
    "save N FILE          write mask N, with where it comes from\n"
    "export N FORM FILE   ship it: FORM is lora, gguf or easysteer\n"
    "test N               the one look at the test split: writes mask.gguf, results.json and "
    "report.html\n"
    "help                 this list\n"
    "quit                 the end; the masks stay in the folder pareto/\n";

class SearchMenu {
 public:
  /// All must outlive the menu.
  SearchMenu(const SearchView& view, const RunArguments& arguments);

  /// Writes the members of the set to pareto/1.gguf, pareto/2.gguf, ...; removes those of an
  /// earlier search. Returns their number.
  [[nodiscard]] size_t write_set() const;
  /// Reads commands until the end or "quit".
  void run(std::istream& in, std::ostream& out, bool is_interactive);

 private:
  /// False if it was the last one.
  bool take(const std::string& line, std::istream& in, std::ostream& out);
  [[nodiscard]] size_t member(const std::string& word) const;
  [[nodiscard]] std::string path_of(size_t i_member) const;
  void talk(size_t i_member, std::istream& in, std::ostream& out) const;
  void ship(size_t i_member, const std::string& form, const std::string& file) const;
  void test(size_t i_member, std::ostream& out) const;

  const SearchView& view_;
  const RunArguments& arguments_;
  std::vector<TradePoint> set_;
  bool is_interactive_ = false;
};

}  // namespace mascing::cli
