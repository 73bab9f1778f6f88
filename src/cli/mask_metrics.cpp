// Keys of one rate differ in what follows the last point.
#include "cli/mask_metrics.h"

#include <set>
#include <vector>

#include "base/text.h"
#include "report/columns.h"

namespace mascing::cli {
namespace {

using Parts = std::map<std::string, double>;  // "rate", "low", "high", "base", "n"

std::string part_text(const Parts& parts, const std::string& name, int n_decimal) {
  const auto found = parts.find(name);
  return found == parts.end() ? "-" : format_number(found->second, n_decimal);
}

std::vector<std::string> row_of(const std::string& name, const Parts& parts) {
  const size_t point = name.find('.');
  const std::string interval =
      parts.count("low") != 0 && parts.count("high") != 0
          ? " [" + part_text(parts, "low", 2) + ", " + part_text(parts, "high", 2) + "]"
          : "";
  return {name.substr(0, point),
          printable(point == std::string::npos ? "" : name.substr(point + 1)),
          part_text(parts, "n", 0),
          part_text(parts, "base", 2),
          part_text(parts, "rate", 2) + interval};
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
  std::vector<std::vector<std::string>> rows = {{"split", "set", "n", "without", "with [95 %]"}};
  for (const auto& [name, parts] : rates) {
    rows.push_back(row_of(name, parts));
  }
  return aligned(rows, {true, true, false, false, true}) + others;
}

}  // namespace mascing::cli
