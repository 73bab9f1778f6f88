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
                      ? "; and " + count_text(protocol.n_sample) + " sampled ones per conversation"
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
             ? count_text(protocol.n_system_prompt) + " different ones, or not everywhere"
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
                      "<dl class=\"facts\">\n" + list + "</dl>\n" + judge_texts(results.judges));
}

std::string categories_section(const Results& results) {
  HtmlTable table(
      "Rates of the wanted outcome by category",
      {{"metric"}, {"category"}, {"n", true}, {"without the mask", true}, {"with the mask", true}});
  bool has_row = false;
  for (const NamedMetric& named : ordered_metrics(results)) {
    for (const auto& [category, result] : named.result->categories) {
      has_row = true;
      table.add_row({escape_html(display_name(named.id)),
                     escape_html(category),
                     count_text(result.n),
                     rate_html(result.base),
                     result.steered ? rate_html(*result.steered) : "&ndash;"});
    }
  }
  return has_row ? html_section("categories", "Categories", table.html()) : "";
}

}  // namespace mascing
