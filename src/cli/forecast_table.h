// What a run will take, as text and JSON.
#pragma once

#include <iosfwd>

#include <nlohmann/json.hpp>

#include "mascing/forecast.h"

namespace mascing::cli {

/// Stages with tokens and time, then memory and disk, then what is left out.
void write_forecast(const Forecast& forecast, std::ostream& out);
/// In one line: time, memory and disk of the whole run.
[[nodiscard]] std::string forecast_words(const Forecast& forecast);
[[nodiscard]] nlohmann::json forecast_value(const Forecast& forecast);

}  // namespace mascing::cli
