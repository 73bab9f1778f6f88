// A word, and a sentence for each reason with the word that it alone would give.
#include "report/verdict_block.h"

#include "base/text.h"
#include "report/ansi.h"
#include "report/columns.h"
#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

constexpr size_t kReasonIndent = 14;

/// Where the verdict turns.
std::string limits_text(const Results& results) {
  const VerdictLimits& limits = results.verdict.limits;
  return "Limits: " + display_name(results.target_metric) + " with the mask at least " +
         format_percent(limits.least_rate) +
         ". Use with care, or do not use: a rate that loses more than " +
         percent_number(limits.care_loss) + " or " + format_points(limits.max_loss) +
         " (a hold set: more than its own limit), perplexity that rises by more than " +
         format_percent(limits.care_perplexity_rise) + " or " +
         format_percent(limits.max_perplexity_rise) + ", a KL above " +
         short_text(limits.care_divergence) + " or " + short_text(limits.max_divergence) +
         " nats per token. A set must be large enough to show a drop of " +
         format_points(limits.max_unseen_drop) + ".";
}

/// A good verdict does not answer the warnings of the run.
std::string warnings_note(const Results& results) {
  const int64_t n = std::ssize(results.warnings);
  return n == 0 ? ""
                : "<p class=\"more\"><a href=\"#warnings\">" + counted(n, "warning", "warnings") +
                      (n == 1 ? "</a> follows.</p>\n" : "</a> follow.</p>\n");
}

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

std::string verdict_words(const Results& results, const std::string& word) {
  return word == kDoNotUse && results.mask_method.empty() && !has_tested_mask(results)
             ? "no mask found"
             : verdict_in_words(word);
}

std::string verdict_section(const Results& results) {
  const MaskVerdict& verdict = results.verdict;
  if (verdict.word.empty()) {
    return "";
  }
  std::string items;
  for (const VerdictReason& reason : verdict.reasons) {
    items += "<li class=\"" + escape_html(reason.word) + "\"><span aria-hidden=\"true\">" +
             symbol_of(reason.word) + "</span><div><strong>" + escape_html(reason.about) +
             "</strong> <small>" + escape_html(verdict_words(results, reason.word)) +
             "</small><p>" + escape_html(sentence_of(reason)) + ".</p></div></li>\n";
  }
  return "<section class=\"verdict " + escape_html(verdict.word) +
         "\" aria-labelledby=\"verdict\">\n<h2 id=\"verdict\">Verdict: " +
         escape_html(verdict_words(results, verdict.word)) + "</h2>\n<ul>\n" + items + "</ul>\n" +
         (has_tested_mask(results)
              ? "<p class=\"limits\">" + escape_html(limits_text(results)) + "</p>\n"
              : "") +
         warnings_note(results) + "</section>\n";
}

std::string verdict_lines(const Results& results, bool colour) {
  const MaskVerdict& verdict = results.verdict;
  if (verdict.word.empty()) {
    return "";
  }
  const std::string words = printable(verdict_words(results, verdict.word));
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
