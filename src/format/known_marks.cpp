// A table, and a look for its entries in a template.
#include "format/known_marks.h"

#include <algorithm>

namespace mascing {

const std::vector<ReasoningMarks>& known_marks() {
  static const std::vector<ReasoningMarks> marks = {
      {"<think>", {"</think>"}},
      {"<thinking>", {"</thinking>"}},
      {"<thought>", {"</thought>"}},
      {"<reasoning>", {"</reasoning>"}},
      {"<reflection>", {"</reflection>"}},
      {"<mm:think>", {"</mm:think>"}},
      {"<seed:think>", {"</seed:think>"}},
      {"<think:opensource>", {"</think:opensource>"}},
      {"[THINK]", {"[/THINK]"}},
      {"\u25c1think\u25b7", {"\u25c1/think\u25b7"}},
      {"<|START_THINKING|>", {"<|END_THINKING|>"}},
      {"<|channel>thought", {"<channel|>"}},
      {"<|open|>think<|sep|>", {"<|close|>think<|sep|>"}},
      {"<|begin_of_thought|>", {"<|end_of_thought|>"}},
      {"<|inner_prefix|>", {"<|inner_suffix|>"}},
      {"<|think|>", {"<|end|>"}},
      {"<|start|>assistant to=self<|message|>", {"<|eom|>"}},
      {"Here are my reasoning steps:", {"[BEGIN FINAL RESPONSE]"}},
      {"Here is my thought process:", {"Here is my response:"}},
  };
  return marks;
}

ReasoningMarks find_marks(std::string_view template_source) {
  const auto occurs = [&](std::string_view mark) {
    return template_source.find(mark) != std::string_view::npos;
  };
  const auto& all = known_marks();
  const auto found = std::find_if(all.begin(), all.end(), [&](const ReasoningMarks& marks) {
    return occurs(marks.start) && std::any_of(marks.ends.begin(), marks.ends.end(), occurs);
  });
  return found == all.end() ? ReasoningMarks{} : *found;
}

}  // namespace mascing
