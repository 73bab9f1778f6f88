// Three tables: the judges, pairwise agreement, and the replies they disagree on.
#include "report/judge_sections.h"

#include <algorithm>

#include "base/text.h"
#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

constexpr const char* kReplyNotice =
    "These are replies of a model to requests meant to test it. Some may be offensive, harmful or "
    "wrong.";

std::string members_table(const JudgesResult& judges) {
  HtmlTable table("Judges in this run", {{"judge"}, {"replies", true}, {"no verdict", true}});
  for (const JudgeResult& judge : judges.members) {
    table.add_row({escape_html(judge.name), count_text(judge.n_asked), count_text(judge.n_failed)});
  }
  return table.html();
}

std::string pairs_table(const JudgesResult& judges) {
  if (judges.agreement.empty()) {
    return "";
  }
  HtmlTable table("Agreement on base and steered replies of the test split",
                  {{"judges"}, {"replies", true}, {"agreed", true}, {"Cohen's kappa", true}});
  for (const AgreementResult& pair : judges.agreement) {
    table.add_row({escape_html(pair.first + " and " + pair.second),
                   count_text(pair.n),
                   count_text(pair.n_agreed),
                   pair.kappa ? format_number(*pair.kappa, 3) : "&ndash;"});
  }
  return table.html();
}

std::string disagreements_table(const JudgesResult& judges) {
  if (judges.disagreements.empty()) {
    return "";
  }
  HtmlTable table("Replies with different verdicts",
                  {{"conversation"}, {"metric"}, {"side"}, {"verdicts"}, {"reply"}});
  for (const Disagreement& one : judges.disagreements) {
    std::string verdicts;
    for (const auto& [judge, word] : one.verdicts) {
      verdicts.append(verdicts.empty() ? "" : ", ").append(judge).append(": ").append(word);
    }
    table.add_row({escape_html(one.id),
                   escape_html(display_name(one.metric)),
                   one.side == "base" ? "without the mask" : "with the mask",
                   escape_html(verdicts),
                   escape_html(one.reply)});
  }
  return "<div class=\"content-notice\">" + html_paragraph(kReplyNotice) +
         "<details class=\"long\"><summary>" +
         counted(judges.n_disagreement,
                 "reply with different verdicts",
                 "replies with different verdicts") +
         "</summary>" + table.html() + "</details></div>\n";
}

}  // namespace

std::string judges_section(const Results& results) {
  const JudgesResult& judges = results.judges;
  const bool has_failures =
      std::any_of(judges.members.begin(), judges.members.end(), [](const JudgeResult& judge) {
        return judge.n_failed > 0;
      });
  if (judges.members.size() < 2 && !has_failures) {
    return "";
  }
  return html_section("judges",
                      "Judges",
                      html_paragraph("A verdict requires all judges to agree. If they disagree, "
                                     "the reply counts as neither refused nor answered.") +
                          members_table(judges) + pairs_table(judges) +
                          disagreements_table(judges));
}

}  // namespace mascing
