// Plain formatting. Every number goes through format_number, which ignores the locale.
#include "report/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace mascing {
namespace {

constexpr std::array kReadingOrder = {"dsr",
                                      "gsr",
                                      "direct_refusal",
                                      "hold_refusal",
                                      "benign_compliance",
                                      "keep_answered",
                                      "multiple_choice",
                                      "coherent"};

constexpr double kSignificance = 0.05;
constexpr int kMostDecimals = 9;

size_t place_of(const std::string& id) {
  return std::find(kReadingOrder.begin(), kReadingOrder.end(), id) - kReadingOrder.begin();
}

// The target metric of the scenario. Results from other sources may not name it.
std::string headline_metric(const Results& results) {
  if (results.metrics.count(results.target_metric) != 0) {
    return results.target_metric;
  }
  std::string best;
  for (const auto& [id, metric] : results.metrics) {
    best = best.empty() || place_of(id) < place_of(best) ? id : best;
  }
  return best;
}

constexpr int kRateDecimals = 1;

std::string in_points(double change, int decimals) {
  return signed_text(100.0 * change, decimals);
}

/// The ends of an interval, with one decimal more where it would show no width.
template <typename Format>
std::string bounds_text(const Rate& rate, int decimals, Format format) {
  const bool has_width =
      rate.low == rate.high || format(rate.low, decimals) != format(rate.high, decimals);
  const int shown = has_width ? decimals : decimals + 1;
  return "[" + format(rate.low, shown) + ", " + format(rate.high, shown) + "]";
}

/// "100.0" -> "100": nothing lies beyond it, and columns are narrow.
std::string compact_end(double share, int decimals) {
  const std::string text = percent_number(share, decimals);
  return text == "100.0" || text == "0.0" ? text.substr(0, text.size() - 2) : text;
}

std::string verdict(const Results& results, const MetricResult& metric) {
  if (!metric.steered) {
    return std::string(" without a mask; no mask was ") +
           (results.mask_method.empty() ? "found" : "measured");
  }
  const std::string counts =
      ": " + count_text(metric.fixed) + " fixed, " + count_text(metric.broken) + " broken";
  return counts + (is_significant(metric) ? "" : "; the change is not significant");
}

}  // namespace

std::vector<NamedMetric> ordered_metrics(const Results& results) {
  std::vector<NamedMetric> metrics;
  for (const auto& [id, metric] : results.metrics) {
    metrics.push_back({id, &metric});
  }
  const std::string first = headline_metric(results);
  std::stable_sort(
      metrics.begin(), metrics.end(), [&first](const NamedMetric& a, const NamedMetric& b) {
        const auto rank = [&first](const NamedMetric& metric) {
          return metric.id == first ? 0 : place_of(metric.id) + 1;
        };
        return rank(a) < rank(b);
      });
  return metrics;
}

std::string full_name(const std::string& id) {
  const std::string name = display_name(id);
  return id == "dsr"   ? name + " (defence success rate)"
         : id == "gsr" ? name + " (generation success rate)"
                       : name;
}

std::string rate_text(double rate) {
  return std::isfinite(rate) ? format_percent(rate) : "-";
}

std::string bare_rate_text(double rate) {
  return std::isfinite(rate) ? percent_number(rate) : "-";
}

std::string fraction_text(double value) {
  return std::isfinite(value) ? format_number(value, 2) : "-";
}

std::string signed_text(double value, int decimals) {
  std::string text(value > 0.0 ? "+" : "");
  text.append(format_number(value, decimals));
  return text.find_first_not_of("+0.") == std::string::npos ? text.substr(text.find('0')) : text;
}

std::string interval_text(const Rate& rate) {
  return bounds_text(rate, kRateDecimals, percent_number);
}

std::string compact_rate_text(const Rate& rate) {
  return bare_rate_text(rate.rate) + " " + bounds_text(rate, 0, compact_end);
}

std::string bare_change_text(double change) {
  return std::isfinite(change) ? in_points(change, kRateDecimals) : "-";
}

std::string change_text(double change) {
  return std::isfinite(change) ? bare_change_text(change) + " points" : "-";
}

std::string change_interval_text(const Rate& change) {
  return bare_change_text(change.rate) + " " + bounds_text(change, kRateDecimals, in_points);
}

std::string compact_change_text(const Rate& change) {
  return bare_change_text(change.rate) + " " + bounds_text(change, 0, in_points);
}

std::string p_text(double p_value) {
  if (!std::isfinite(p_value)) {
    return "-";
  }
  return p_value < 0.0001 ? "<0.0001" : format_number(p_value, 4);
}

std::string p_words(double p_value) {
  const std::string text = p_text(p_value);
  return (text.starts_with('<') ? "p " : "p = ") + text;
}

std::string relative_change_text(double before, double after) {
  if (!std::isfinite(before) || !std::isfinite(after) || before <= 0.0) {
    return "-";
  }
  const double percent = 100.0 * (after - before) / before;
  return std::abs(percent) < 0.05 ? "0.0 %" : signed_text(percent, 1) + " %";
}

std::string short_text(double value) {
  if (!std::isfinite(value)) {
    return "-";
  }
  const double size = std::abs(value);
  if (size >= 100.0) {
    return size >= 1e7 ? format_number(value / 1e6, 0) + "e6" : format_number(value, 0);
  }
  if (size < 1e-4 && size > 0.0) {
    const int decimals = std::min(kMostDecimals, static_cast<int>(std::ceil(-std::log10(size))));
    const std::string text = format_number(value, decimals);
    return text.find_first_not_of("-0.") == std::string::npos ? "0" : text;
  }
  std::string text = format_number(value, size >= 10.0 ? 1 : size >= 0.1 ? 2 : 4);
  while (text.find('.') != std::string::npos && (text.back() == '0' || text.back() == '.')) {
    const bool is_point = text.back() == '.';
    text.pop_back();
    if (is_point) {
      break;
    }
  }
  return text;
}

std::string time_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 59.95) {
    return std::isfinite(seconds) ? format_number(seconds, 1) + " s" : "-";
  }
  const int64_t whole = std::llround(seconds);
  return whole < 3600
             ? std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s"
             : count_text(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

std::string counted(int64_t count, const std::string& one, const std::string& many) {
  return count_text(count) + " " + (count == 1 ? one : many);
}

std::string count_text(int64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    const bool is_gap = i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-';
    text.append(is_gap ? " " : "").push_back(digits[i]);
  }
  return text;
}

bool has_tested_mask(const Results& results) {
  return std::any_of(results.metrics.begin(), results.metrics.end(), [](const auto& metric) {
    return metric.second.steered.has_value();
  });
}

bool is_adapter(const Results& results) {
  return results.mask_method.find("router_adapter") != std::string::npos;
}

bool has_limit(const MetricResult& metric) {
  return metric.role == "benign" || metric.role == "hold" || metric.role == "keep";
}

bool is_significant(const MetricResult& metric) {
  return metric.p_value < kSignificance;
}

std::string headline(const Results& results, const std::string& arrow) {
  const std::vector<NamedMetric> metrics = ordered_metrics(results);
  if (metrics.empty()) {
    const auto n = std::ssize(results.candidates);
    return n == 0 ? "No metrics were measured"
                  : "Search on the selection split: " + counted(n, "candidate", "candidates") +
                        ", none tested yet";
  }
  const MetricResult& metric = *metrics.front().result;
  const std::string steered =
      metric.steered ? " " + arrow + " " + rate_text(metric.steered->rate) : "";
  const std::string held_out = metric.split != "test" ? metric.split + " "
                               : metric.n_seen == 0   ? "held-out "
                                                      : "";
  return full_name(metrics.front().id) + " " + rate_text(metric.base.rate) + steered + " on " +
         count_text(metric.n) + " " + held_out + "conversations" + verdict(results, metric);
}

std::string rate_html(const Rate& rate) {
  return rate_text(rate.rate) + " <small>" + interval_text(rate) + "</small>";
}

}  // namespace mascing
