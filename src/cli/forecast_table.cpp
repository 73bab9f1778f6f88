// One line per stage.
#include "cli/forecast_table.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <sstream>
#include <string>

#include "base/text.h"
#include "report/columns.h"
#include "report/numbers.h"

namespace mascing::cli {
namespace {

constexpr size_t kForecastIndent = 7;  // of "memory "

std::string in_gibibytes(int64_t n_byte) {
  constexpr double kGibi = 1024.0 * 1024.0 * 1024.0;
  const double n = static_cast<double>(n_byte) / kGibi;
  return format_number(n, n < 1.0 ? 2 : 1) + " GiB";
}

std::string in_time(double seconds) {
  if (seconds < 90.0) {
    return format_number(seconds, seconds < 10.0 ? 1 : 0) + " s";
  }
  return seconds < 5400.0 ? format_number(seconds / 60.0, 0) + " min"
                          : format_number(seconds / 3600.0, 1) + " h";
}

void write_row(std::ostream& out,
               const std::string& name,
               const std::string& read,
               const std::string& written,
               const std::string& differentiated,
               const std::string& time) {
  out << padded(name, 16, true) << padded(read, 14, false) << padded(written, 12, false)
      << padded(differentiated, 16, false) << padded(time, 10, false) << '\n';
}

void write_space(const SpaceForecast& space, std::ostream& terminal) {
  std::ostringstream out;
  out << in_gibibytes(space.memory()) << " of " << in_gibibytes(space.free_memory)
      << " free: weights " << in_gibibytes(space.weights);
  if (space.gradient > 0) {
    out << ", for gradients " << in_gibibytes(space.gradient);
  }
  out << ", keys and values " << in_gibibytes(space.cache) << ", batches "
      << in_gibibytes(space.work) << ", the rest " << in_gibibytes(space.rest);
  if (space.judges > 0) {
    out << ", judge " << in_gibibytes(space.judges)
        << (space.takes_turns ? " (in turns with the model)" : "");
  }
  terminal << wrapped("memory ", out.str(), kForecastIndent) << "disk   "
           << in_gibibytes(space.disk) << " of " << in_gibibytes(space.free_disk)
           << " free, traces " << in_gibibytes(space.traces) << " of it\n";
}

}  // namespace

void write_forecast(const Forecast& forecast, std::ostream& out) {
  write_row(out, "stage", "prompt tokens", "generated", "differentiated", "time");
  for (const StageForecast& stage : forecast.stages) {
    write_row(out,
              stage.name,
              count_text(stage.n_prefill),
              count_text(stage.n_generated),
              count_text(stage.n_gradient),
              in_time(stage.seconds));
  }
  write_row(out, "all", "", "", "", in_time(forecast.seconds));
  const ModelSpeed& speed = forecast.speed;
  const std::string gradient =
      speed.gradient > 0.0 ? ", " + format_number(speed.gradient, 1) + " differentiated" : "";
  out << wrapped("measured in",
                 in_time(speed.measured_s) + ": " + format_number(speed.prefill, 1) +
                     " prompt tokens a second, " + format_number(speed.generated, 1) +
                     " generated" + gradient,
                 kForecastIndent);
  write_space(forecast.space, out);
  for (const std::string& note : forecast.notes) {
    out << "note: " << note << '\n';
  }
}

std::string forecast_words(const Forecast& forecast) {
  return "about " + in_time(forecast.seconds) + ", " + in_gibibytes(forecast.space.memory()) +
         " of memory, " + in_gibibytes(forecast.space.disk) + " on disk";
}

nlohmann::json forecast_value(const Forecast& forecast) {
  nlohmann::json stages = nlohmann::json::array();
  for (const StageForecast& stage : forecast.stages) {
    stages.push_back({{"name", stage.name},
                      {"prefill_tokens", stage.n_prefill},
                      {"generated_tokens", stage.n_generated},
                      {"differentiated_tokens", stage.n_gradient},
                      {"seconds", stage.seconds}});
  }
  const SpaceForecast& space = forecast.space;
  return {
      {"stages", std::move(stages)},
      {"seconds", forecast.seconds},
      {"tokens_per_second",
       {{"prefill", forecast.speed.prefill},
        {"generated", forecast.speed.generated},
        {"differentiated", forecast.speed.gradient}}},
      {"memory_bytes",
       {{"all", space.memory()},
        {"weights", space.weights},
        {"gradient", space.gradient},
        {"cache", space.cache},
        {"work", space.work},
        {"rest", space.rest},
        {"judges", space.judges},
        {"in_turns", space.takes_turns},
        {"free", space.free_memory}}},
      {"disk_bytes", {{"all", space.disk}, {"traces", space.traces}, {"free", space.free_disk}}},
      {"notes", forecast.notes}};
}

}  // namespace mascing::cli
