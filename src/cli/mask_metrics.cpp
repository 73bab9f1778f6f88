// Keys of one rate differ in what follows the last point.
#include "cli/mask_metrics.h"

#include <optional>
#include <set>
#include <vector>

#include "base/text.h"
#include "report/columns.h"
#include "report/numbers.h"

namespace mascing::cli {
namespace {

using Parts = std::map<std::string, double>;  // "rate", "low", "high", "base", "n"

std::optional<double> part_of(const Parts& parts, const std::string& name) {
  const auto found = parts.find(name);
  return found == parts.end() ? std::nullopt : std::optional(found->second);
}

std::string rate_cell(const Parts& parts) {
  const double rate = parts.at("rate");
  const std::optional<double> low = part_of(parts, "low");
  const std::optional<double> high = part_of(parts, "high");
  return low && high ? compact_rate_text({rate, *low, *high}) : bare_rate_text(rate);
}

std::vector<std::string> row_of(const std::string& name, const Parts& parts) {
  const size_t point = name.find('.');
  const std::optional<double> n = part_of(parts, "n");
  const std::optional<double> base = part_of(parts, "base");
  return {name.substr(0, point),
          printable(point == std::string::npos ? "" : name.substr(point + 1)),
          n ? format_number(*n, 0) : "-",
          base ? bare_rate_text(*base) : "-",
          rate_cell(parts)};
}

}  // namespace

std::string metrics_table(const std::map<std::string, double>& metrics) {
  const std::set<std::string> known = {"rate", "low", "high", "base", "n"};
  std::map<std::string, Parts> rates;
  std::string others;
  for (const auto& [key, value] : metrics) {
    const size_t point = key.rfind('.');
    const std::string part = point == std::string::npos ? "" : key.substr(point + 1);
    const std::string name = key.substr(0, point);
    if (known.count(part) != 0 && metrics.count(name + ".rate") != 0) {
      rates[name][part] = value;
    } else {
      others += printable(key) + "  " + format_number(value, 4) + '\n';
    }
  }
  if (rates.empty()) {
    return others;
  }
  std::vector<std::vector<std::string>> rows = {
      {"split", "set", "n", "without, %", "with, % [95 %]"}};
  for (const auto& [name, parts] : rates) {
    rows.push_back(row_of(name, parts));
  }
  return aligned(rows, {true, true, false, false, true}) + others;
}

}  // namespace mascing::cli
