// One writer per form; each escapes what it writes.
#include <algorithm>
#include <set>

#include "base/metric_names.h"
#include "base/text.h"
#include "mascing/run_comparison.h"
#include "report/app_parts.h"
#include "report/columns.h"
#include "report/comparison_tables.h"
#include "report/html.h"
#include "report/style_sheet.h"

namespace mascing {
namespace {

std::string joined(const std::vector<std::string>& cells, const std::string& between) {
  std::string text;
  for (const std::string& cell : cells) {
    text += (&cell == &cells.front() ? "" : between) + cell;
  }
  return text;
}

template <typename Escape>
std::vector<std::string> escaped(const std::vector<std::string>& cells, const Escape& escape) {
  std::vector<std::string> result;
  result.reserve(cells.size());
  for (const std::string& cell : cells) {
    result.push_back(escape(cell));
  }
  return result;
}

std::string replaced(const std::string& text, const std::string& special, const char* before) {
  std::string result;
  for (const char c : text) {
    result.append(special.find(c) == std::string::npos ? "" : before).push_back(c);
  }
  return result;
}

std::string markdown_text(const std::string& text) {
  std::string result;
  for (const char c : replaced(printable(text), "\\|`*_[]", "\\")) {
    result += c == '<' ? "&lt;" : std::string(1, c);
  }
  return result;
}

std::string markdown_table(const PlainTable& table) {
  std::string text = markdown_text(table.caption) + "\n\n| ";
  text += joined(escaped(table.heads, markdown_text), " | ") + " |\n|";
  for (const bool is_number : table.is_number) {
    text += is_number ? " ---: |" : " --- |";
  }
  text += "\n";
  for (const auto& row : table.rows) {
    text += "| " + joined(escaped(row, markdown_text), " | ") + " |\n";
  }
  return text;
}

std::string latex_text(const std::string& text) {
  std::string result;
  const std::string plain = printable(text);
  for (size_t at = 0; at < plain.size(); ++at) {
    const char c = plain[at];
    if (plain.compare(at, 2, "->") == 0) {
      result += "$\\rightarrow$";
      ++at;
    } else if (c == '\\') {
      result += "\\textbackslash{}";
    } else if (c == '~' || c == '^') {
      result += std::string("\\") + c + "{}";
    } else if (c == '<' || c == '>') {
      result += std::string("$") + c + "$";
    } else {
      result += replaced(std::string(1, c), "{}$&#%_", "\\");
    }
  }
  return result;
}

std::string latex_table(const PlainTable& table) {
  std::string columns;
  for (const bool is_number : table.is_number) {
    columns += is_number ? 'r' : 'l';
  }
  std::string text = "% " + printable(table.caption) + "\n\\begin{tabular}{" + columns +
                     "}\n\\toprule\n" + joined(escaped(table.heads, latex_text), " & ") +
                     " \\\\\n\\midrule\n";
  for (const auto& row : table.rows) {
    text += joined(escaped(row, latex_text), " & ") + " \\\\\n";
  }
  return text + "\\bottomrule\n\\end{tabular}\n";
}

/// Quoted where needed. A text that a spreadsheet would take for a formula begins with a quote.
std::string csv_text(const std::string& text, bool is_number) {
  const bool is_formula =
      !is_number && !text.empty() && std::string("=+-@\t\r").find(text[0]) != std::string::npos;
  std::string plain = (is_formula ? "'" : "") + text;
  if (plain.find_first_of(",\"\r\n") == std::string::npos) {
    return plain;
  }
  std::string quoted = "\"";
  for (const char c : plain) {
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  }
  return quoted + "\"";
}

std::string csv_table(const PlainTable& table) {
  std::string text = joined(table.heads, ",") + "\n";
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    cells.reserve(row.size());
    for (size_t i = 0; i < row.size(); ++i) {
      cells.push_back(csv_text(row[i], table.is_number[i]));
    }
    text += joined(cells, ",") + "\n";
  }
  return text;
}

std::string html_table(const PlainTable& table) {
  std::vector<HtmlColumn> columns;
  columns.reserve(table.heads.size());
  for (size_t i = 0; i < table.heads.size(); ++i) {
    columns.push_back({table.heads[i], table.is_number[i]});
  }
  HtmlTable html(table.caption, columns);
  for (const auto& row : table.rows) {
    html.add_row(escaped(row, escape_html));
  }
  return html.html();
}

/// In brackets: why there is nothing to compare; empty if there is something.
std::string why_nothing(const ComparedRun& run) {
  const bool has_steered = std::any_of(run.transcripts.begin(),
                                       run.transcripts.end(),
                                       [](const auto& one) { return one.steered.has_value(); });
  return run.transcripts.empty() ? " (it has no transcripts.jsonl)"
         : has_steered           ? ""
                                 : " (it tested no mask)";
}

/// What of a run was compared with the first one in nothing: all of it, or some metrics.
std::string uncompared_part(const ComparedRun& run, const PlainTable& differences) {
  std::set<std::string> compared;
  for (const auto& row : differences.rows) {
    if (row.at(0) == run.name) {
      compared.insert(row.at(1));
    }
  }
  if (compared.empty()) {
    return run.name + why_nothing(run);
  }
  std::vector<std::string> metrics;
  std::set<std::string> tested;
  for (const Transcript& transcript : run.transcripts) {
    const std::string name = display_name(transcript.metric);
    if (tested.insert(name).second && !compared.contains(name)) {
      metrics.push_back(name);
    }
  }
  return metrics.empty() ? "" : joined(metrics, ", ") + " of " + run.name;
}

std::string not_compared(const std::vector<ComparedRun>& runs, const PlainTable& differences) {
  const std::string why = why_nothing(runs.front());
  if (!why.empty()) {
    return "Conversations are not compared with those of " + runs.front().name + why + ".";
  }
  std::vector<std::string> parts;
  for (size_t i = 1; i < runs.size(); ++i) {
    const std::string part = uncompared_part(runs[i], differences);
    if (!part.empty()) {
      parts.push_back(part);
    }
  }
  return parts.empty() ? ""
                       : "Not compared, as no tested conversation is also one of " +
                             runs.front().name + ": " + joined(parts, ", ") + ".";
}

/// A setting of both runs, empty where a run of an earlier version does not name it.
struct Setting {
  const char* name;
  std::string first;
  std::string other;
};

std::string judges_of(const Results& results) {
  std::set<std::string> judges;
  for (const JudgeResult& judge : results.judges.members) {
    judges.insert(judge.name + ' ' + judge.settings);
  }
  return joined({judges.begin(), judges.end()}, "\n");
}

std::string limits_of(const ProtocolResult& protocol) {
  return protocol.n_max_token == 0 ? ""
                                   : std::to_string(protocol.n_max_token) + " " +
                                         std::to_string(protocol.n_max_reasoning_token);
}

/// Empty where the template is not known.
std::string template_of(const ProtocolResult& protocol) {
  std::string text = protocol.template_hash;
  for (const auto& [name, value] : protocol.template_arguments) {
    if (!protocol.template_hash.empty()) {
      text.append("\n").append(name).append("=").append(value);
    }
  }
  return text;
}

/// What the outcomes of two runs depend on beside their masks, where it differs.
std::string differing_settings(const Results& first, const Results& other) {
  const ProtocolResult& a = first.protocol;
  const ProtocolResult& b = other.protocol;
  std::vector<std::string> names;
  for (const Setting& setting :
       {Setting{"model", first.fingerprint, other.fingerprint},
        Setting{"judges", judges_of(first), judges_of(other)},
        Setting{"token limits", limits_of(a), limits_of(b)},
        Setting{"reasoning", a.reasoning, b.reasoning},
        Setting{"chat template", template_of(a), template_of(b)},
        Setting{"played or replayed attacks", a.attacks, b.attacks},
        Setting{"temperature", std::to_string(a.temperature), std::to_string(b.temperature)}}) {
    if (!setting.first.empty() && !setting.other.empty() && setting.first != setting.other) {
      names.emplace_back(setting.name);
    }
  }
  return joined(names, ", ");
}

/// Runs whose differences are not of their masks alone; empty if there are none.
std::string measured_otherwise(const std::vector<ComparedRun>& runs) {
  std::vector<std::string> parts;
  for (size_t i = 1; i < runs.size(); ++i) {
    const std::string names = differing_settings(runs.front().results, runs[i].results);
    if (!names.empty()) {
      parts.push_back(runs[i].name + " (" + names + ")");
    }
  }
  return parts.empty()
             ? ""
             : "Measured otherwise than " + runs.front().name + ": " + joined(parts, ", ") +
                   ". Their differences may come from that, not from the masks.";
}

/// What a reader must know of the differences.
std::string notes_on(const std::vector<ComparedRun>& runs, const PlainTable& differences) {
  const std::string rest = not_compared(runs, differences);
  const std::string otherwise = differences.rows.empty() ? "" : measured_otherwise(runs);
  return otherwise + (otherwise.empty() || rest.empty() ? "" : " ") + rest;
}

std::string html_page(const std::vector<ComparedRun>& runs, const PlainTable& differences) {
  const std::string title = std::to_string(runs.size()) + " runs side by side";
  const std::string body =
      html_section("runs", "Runs", html_table(runs_table(runs))) +
      html_section("differences",
                   "Paired differences",
                   differences.rows.empty()
                       ? html_paragraph(notes_on(runs, differences))
                       : html_paragraph("Gained: as wanted under this run's mask only. Lost: under "
                                        "that of the first run (" +
                                        runs.front().name +
                                        ") only. p from McNemar's exact test, corrected for all "
                                        "rows (Holm); over topics, one topic is one case. " +
                                        notes_on(runs, differences)) +
                             html_table(differences));
  return page_begin(title) + "<header>\n<p class=\"kicker\">mascing report</p>\n<h1>" +
         escape_html(title) + "</h1>\n</header>\n<main>\n" + body + "</main>\n" + app_script() +
         "</body>\n</html>\n";
}

}  // namespace

std::string render_comparison(const std::vector<ComparedRun>& runs, ComparisonForm form) {
  if (form == ComparisonForm::kCsv) {
    return csv_table(long_table(runs));
  }
  const PlainTable differences = differences_table(runs);
  if (form == ComparisonForm::kHtml) {
    return html_page(runs, differences);
  }
  const auto write = form == ComparisonForm::kLatex ? latex_table : markdown_table;
  const std::string rest = notes_on(runs, differences);
  const bool is_latex = form == ComparisonForm::kLatex;
  return write(runs_table(runs)) + (differences.rows.empty() ? "" : "\n" + write(differences)) +
         (rest.empty() ? ""
                       : "\n" + (is_latex ? "% " + printable(rest) : markdown_text(rest)) + "\n");
}

}  // namespace mascing
