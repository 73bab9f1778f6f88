// A word, and a sentence for each reason with the word that it alone would give.
#include "report/verdict_block.h"

#include "report/ansi.h"
#include "report/columns.h"
#include "report/html.h"

namespace mascing {
namespace {

constexpr size_t kReasonIndent = 14;

std::string sentence_of(const VerdictReason& reason) {
  std::string text = reason.text;
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

const char* tone_of(const std::string& word) {
  return word == kReadyToUse ? ansi::kGreen : word == kUseWithCare ? ansi::kYellow : ansi::kRed;
}

/// "+", "!" or "x": colour must not be all that tells them apart.
const char* mark_of(const std::string& word) {
  return word == kReadyToUse ? "+" : word == kUseWithCare ? "!" : "x";
}

std::string symbol_of(const std::string& word) {
  return word == kReadyToUse ? "&#10003;" : word == kUseWithCare ? "!" : "&#10007;";
}

}  // namespace

std::string verdict_section(const Results& results) {
  const MaskVerdict& verdict = results.verdict;
  if (verdict.word.empty()) {
    return "";
  }
  std::string items;
  for (const VerdictReason& reason : verdict.reasons) {
    items += "<li class=\"" + escape_html(reason.word) + "\"><span aria-hidden=\"true\">" +
             symbol_of(reason.word) + "</span><div><strong>" + escape_html(reason.about) +
             "</strong> <small>" + escape_html(verdict_in_words(reason.word)) + "</small><p>" +
             escape_html(sentence_of(reason)) + ".</p></div></li>\n";
  }
  return "<section class=\"verdict " + escape_html(verdict.word) +
         "\" aria-labelledby=\"verdict\">\n<h2 id=\"verdict\">Verdict: " +
         escape_html(verdict_in_words(verdict.word)) + "</h2>\n<ul>\n" + items +
         "</ul></section>\n";
}

std::string verdict_lines(const Results& results, bool colour) {
  const MaskVerdict& verdict = results.verdict;
  if (verdict.word.empty()) {
    return "";
  }
  const std::string words = printable(verdict_in_words(verdict.word));
  std::string text =
      "VERDICT: " + (colour ? tone_of(verdict.word) + words + ansi::kReset : words) + "\n";
  for (const VerdictReason& reason : verdict.reasons) {
    const std::string start =
        padded(std::string("  ") + mark_of(reason.word) + " " + printable(reason.about),
               kReasonIndent,
               true) +
        " ";
    text += wrapped(start, printable(sentence_of(reason)), kReasonIndent + 1);
  }
  return text;
}

}  // namespace mascing
