// What a new scenario has to know of the model that it is for.
#pragma once

#include <string>

#include "mascing/model_info.h"
#include "mascing/template_options.h"

namespace mascing::cli {

struct ModelFacts {
  ModelInfo info;
  bool has_template = false;
  bool can_reason = false;      ///< its template has marks of reasoning
  bool always_reasons = false;  ///< and no argument that switches reasoning off
  TemplateOptions chat_template = {};
};

/// Read from the file, without loading the model. Throws like read_model_info().
[[nodiscard]] ModelFacts read_model_facts(const std::string& path);

/// The same from the source of a chat template alone; `info` stays empty.
[[nodiscard]] ModelFacts facts_of_template(const std::string& source);

}  // namespace mascing::cli
