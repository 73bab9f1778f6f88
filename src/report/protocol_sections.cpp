// A list of facts with the judges' questions in full, and one table.
#include "report/protocol_sections.h"

#include "base/text.h"
#include "report/html.h"
#include "report/numbers.h"

namespace mascing {
namespace {

void add_fact(const std::string& name, const std::string& value, std::string& list) {
  if (!value.empty()) {
    list += "<dt>" + escape_html(name) + "</dt><dd>" + escape_html(value) + "</dd>\n";
  }
}

std::string replies_text(const ProtocolResult& protocol) {
  const std::string first = protocol.temperature > 0.0
                                ? "sampled at temperature " + short_text(protocol.temperature)
                                : "the likeliest token at each step";
  return first + (protocol.n_sample > 0
                      ? "; and " + count_text(protocol.n_sample) +
                            " sampled ones per conversation of sets with a sampled rate"
                      : "");
}

std::string reasoning_text(const ProtocolResult& protocol) {
  std::string text = protocol.reasoning;
  for (const auto& [name, value] : protocol.template_arguments) {
    text.append(", ").append(name).append(" = ").append(value);
  }
  return text;
}

std::string attacks_text(const ProtocolResult& protocol) {
  return protocol.attacks == "played"
             ? "played: each side wrote the assistant's earlier turns itself, at most " +
                   count_text(protocol.n_max_play_token) + " tokens each"
             : "replayed: the assistant's earlier turns are as recorded";
}

std::string system_text(const ProtocolResult& protocol) {
  if (protocol.n_system_prompt == 0) {
    return "none";
  }
  return protocol.system_prompt.empty()
             ? counted(protocol.n_system_prompt, "text", "different texts") +
                   ", not the same in every conversation"
             : protocol.system_prompt;
}

std::string engine_text(const ProtocolResult& protocol) {
  std::string text = protocol.engine;
  for (const auto& [name, value] : protocol.engine_options) {
    text.append(", ").append(name).append(" ").append(value);
  }
  return text;
}

std::string judge_texts(const JudgesResult& judges) {
  std::string html;
  for (const JudgeResult& judge : judges.members) {
    if (!judge.prompt.empty()) {
      html += "<details><summary>Question put to " + escape_html(judge.name) + "</summary><pre>" +
              escape_html(judge.prompt) + "</pre></details>\n";
    }
  }
  return html;
}

std::string judge_names(const Results& results) {
  std::string names;
  for (const JudgeResult& judge : results.judges.members) {
    names += (names.empty() ? "" : ", ") + judge.name + " (settings " +
             judge.settings.substr(0, 12) + ")";
  }
  return names.empty() ? "" : names + ", mascing " + results.tool_version;
}

/// Means over the paper's seven models, of the rate that a direction is about.
struct PaperRates {
  const char* metric;
  double base;
  double steered;
};

constexpr PaperRates kDefend{"DSR", 0.525, 0.839};
constexpr PaperRates kPermit{"GSR", 0.526, 0.820};

constexpr const char* kCompared =
    "The paper's averages are of other models (7 to 47 billion parameters), other data and another "
    "judge, and its masks were tuned on the conversations they were measured on. What may be "
    "compared is the size of a gain, loosely; the rates themselves may not. The tokens compared "
    "are "
    "those of the paper's sweep on this run's conversations.";

std::string gain_text(double base, double steered) {
  return change_text(steered - base);
}

std::string masks_text(const Results& results) {
  int64_t n = 0;
  for (const CandidateResult& candidate : results.candidates) {
    n += candidate.role == "baseline" ? 0 : 1;
  }
  return count_text(n);
}

/// The paper's figures beside those of this run. Only targets that the paper has are compared.
std::string paper_part(const Results& results) {
  const auto target = results.metrics.find(results.target_metric);
  const bool is_known = results.target_metric == "dsr" || results.target_metric == "gsr";
  if (!is_known || target == results.metrics.end() || !target->second.steered) {
    return "";
  }
  const PaperRates& paper = results.target_metric == "dsr" ? kDefend : kPermit;
  const MetricResult& ours = target->second;
  HtmlTable table("Beside the paper", {{"figure"}, {"the paper", true}, {"this run", true}});
  const std::string metric = paper.metric;
  table.add_row({"gain in " + metric,
                 gain_text(paper.base, paper.steered),
                 gain_text(ours.base.rate, ours.steered->rate)});
  table.add_row({metric + " without a mask, with it (not comparable)",
                 rate_text(paper.base) + ", " + rate_text(paper.steered),
                 rate_text(ours.base.rate) + ", " + rate_text(ours.steered->rate)});
  table.add_row({"measured on",
                 "the conversations the mask was tuned on, 7 models",
                 count_text(ours.n) + " conversations of a test split, 1 model"});
  if (!results.candidates.empty()) {
    table.add_row({"masks tried at one strength each", "32", masks_text(results)});
  }
  if (results.search.n_paper_token > 0) {
    table.add_row({"tokens generated for selection",
                   count_text(results.search.n_paper_token),
                   count_text(results.search.n_generated_token)});
  }
  return table.html() + html_paragraph(kCompared);
}

}  // namespace

std::string protocol_section(const Results& results) {
  const ProtocolResult& protocol = results.protocol;
  if (protocol.attacks.empty()) {
    return "";
  }
  std::string list;
  add_fact("Judges", judge_names(results), list);
  add_fact("Replies", replies_text(protocol), list);
  add_fact("Token limits",
           count_text(protocol.n_max_token) + " for the visible part, " +
               count_text(protocol.n_max_reasoning_token) + " for reasoning",
           list);
  add_fact("Reasoning", reasoning_text(protocol), list);
  add_fact("Conversations", attacks_text(protocol), list);
  add_fact("System prompt", system_text(protocol), list);
  add_fact("Chat template, SHA-256", protocol.template_hash, list);
  add_fact("Quantisation", protocol.quantisation, list);
  add_fact("Engine", engine_text(protocol), list);
  return html_section("protocol",
                      "Protocol",
                      "<dl class=\"facts\">\n" + list + "</dl>\n" + judge_texts(results.judges) +
                          paper_part(results));
}

std::string categories_section(const Results& results) {
  const bool is_masked = has_tested_mask(results);
  std::vector<HtmlColumn> columns = {{"metric"},
                                     {"category"},
                                     {"n", true},
                                     {is_masked ? "without the mask" : "without a mask", true}};
  if (is_masked) {
    columns.push_back({"with the mask", true});
  }
  HtmlTable table("Rates of the wanted outcome by category", columns);
  bool has_row = false;
  for (const NamedMetric& named : ordered_metrics(results)) {
    for (const auto& [category, result] : named.result->categories) {
      has_row = true;
      std::vector<std::string> cells = {escape_html(display_name(named.id)),
                                        escape_html(category),
                                        count_text(result.n),
                                        rate_html(result.base)};
      if (is_masked) {
        cells.push_back(result.steered ? rate_html(*result.steered) : "&ndash;");
      }
      table.add_row(cells);
    }
  }
  return has_row ? html_section("categories", "Categories", table.html()) : "";
}

}  // namespace mascing
