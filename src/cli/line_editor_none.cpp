// A build without libedit: the terminal's own line discipline, which deletes backwards and no more.
#include "cli/line_editor.h"

namespace mascing::cli {

struct LineEditor::State {};

LineEditor::LineEditor() = default;
LineEditor::~LineEditor() = default;

std::string LineEditor::library() {
  return "";
}

bool LineEditor::works() const {
  return false;
}

void LineEditor::remember(const std::string& /*line*/) {}

LineEditor::Typed LineEditor::read(const std::string& /*prompt*/,
                                   bool /*is_bold*/,
                                   std::string& /*line*/) {
  return Typed::kEnd;
}

}  // namespace mascing::cli
