// Two plots: intervals as bars, matrices as grids of squares.
#include "report/svg.h"

#include <algorithm>
#include <cmath>

#include "base/numeric.h"
#include "base/text.h"
#include "report/html.h"
#include "report/svg_parts.h"

namespace mascing {
namespace {

using svg::kWidth;
using svg::label_step;
using svg::line_from;
using svg::num;
using svg::open_svg;
using svg::text_at;

// ---------------------------------------------------------------- intervals

constexpr double kPlotLeft = 190.0;
constexpr double kPlotRight = 840.0;
constexpr double kPlotTop = 34.0;
constexpr double kRowHeight = 44.0;

double x_of(double rate) {
  const double inside = std::isfinite(rate) ? std::clamp(rate, 0.0, 1.0) : 0.0;
  return kPlotLeft + inside * (kPlotRight - kPlotLeft);
}

std::string interval_mark(const Rate& rate,
                          double y,
                          const std::string& name,
                          const std::string& what) {
  return "<g class=\"" + name + "\"><title>" +
         escape_html(what + " " + rate_text(rate.rate) + " " + interval_text(rate)) + "</title>" +
         line_from(x_of(rate.low), y, x_of(rate.high), y, "bar") + "<circle cx=\"" +
         num(x_of(rate.rate)) + "\" cy=\"" + num(y) + "\" r=\"5.5\"/></g>\n";
}

std::string plot_axis(double bottom) {
  std::string svg;
  for (int tick = 0; tick <= 10; tick += 2) {
    const double x = x_of(tick / 10.0);
    svg += line_from(x, kPlotTop - 6.0, x, bottom, "grid");
    svg += text_at(x, bottom + 18.0, "tick middle", std::to_string(10 * tick) + " %");
  }
  return svg;
}

std::string plot_legend(bool is_masked) {
  const std::string intervals = "lines are 95 % intervals";
  const auto key = [](double x, const std::string& name, const std::string& words) {
    return "<g class=\"" + name + "\">" + line_from(x, 14.0, x + 34.0, 14.0, "bar") +
           "<circle cx=\"" + num(x + 17.0) + "\" cy=\"14\" r=\"5.5\"/></g>" +
           text_at(x + 42.0, 18.5, "tick", words);
  };
  return is_masked ? key(kPlotLeft, "base", "without the mask") +
                         key(kPlotLeft + 180.0, "steered", "with the mask; " + intervals)
                   : key(kPlotLeft, "base", "without a mask; " + intervals);
}

// ---------------------------------------------------------------- steering matrix

constexpr double kMapLeft = 64.0;
constexpr double kMapTop = 26.0;

struct Grid {
  int64_t n_layer;
  int64_t n_expert;
  double cell_width;
  double cell_height;

  [[nodiscard]] double width() const { return cell_width * to_double(n_expert); }
  [[nodiscard]] double height() const { return cell_height * to_double(n_layer); }
  /// Of a cell's left and upper edge, counted from the map's.
  [[nodiscard]] double x_of(double i_expert) const { return kMapLeft + i_expert * cell_width; }
  [[nodiscard]] double y_of(double i_layer) const { return kMapTop + i_layer * cell_height; }
};

Grid grid_for(int64_t n_layer, int64_t n_expert) {
  const double width = std::min(36.0, (kWidth - kMapLeft - 10.0) / to_double(n_expert));
  return {n_layer, n_expert, width, std::clamp(width, 10.0, 26.0)};
}

std::string map_labels(const Grid& grid) {
  std::string svg = text_at(0.0, kMapTop - 9.0, "tick", "layer");
  const int64_t expert_step = label_step(grid.cell_width, grid.n_expert > 100 ? 32.0 : 22.0);
  for (int64_t i = 0; i < grid.n_expert; i += expert_step) {
    const double x = grid.x_of(to_double(i) + 0.5);
    svg += text_at(x, kMapTop - 9.0, "tick middle", std::to_string(i));
  }
  const int64_t layer_step = label_step(grid.cell_height, 14.0);
  for (int64_t i = 0; i < grid.n_layer; i += layer_step) {
    const double y = grid.y_of(to_double(i) + 0.5) + 4.5;
    svg += text_at(kMapLeft - 10.0, y, "tick end", std::to_string(i));
  }
  return svg;
}

// A ring inside the square of an entry that does not block the tooltip of the square.
std::string map_ring(const Grid& grid, int64_t i_entry) {
  const double width = std::min(2.0, grid.cell_width / 5.0);
  const double inset = 0.5 + width / 2.0;
  const int64_t i_layer = i_entry / grid.n_expert;
  const int64_t i_expert = i_entry % grid.n_expert;
  return "<rect x=\"" + num(grid.x_of(to_double(i_expert)) + inset) + "\" y=\"" +
         num(grid.y_of(to_double(i_layer)) + inset) + "\" width=\"" +
         num(std::max(grid.cell_width - 2.0 * inset, 0.5)) + "\" height=\"" +
         num(grid.cell_height - 2.0 * inset) + "\" class=\"ring\" stroke-width=\"" + num(width) +
         "\"/>\n";
}

std::string map_cell(
    const Grid& grid, int64_t i_entry, float value, double opacity, const HeatmapNote& note) {
  const int64_t i_layer = i_entry / grid.n_expert;
  const int64_t i_expert = i_entry % grid.n_expert;
  return "<rect x=\"" + num(grid.x_of(to_double(i_expert)) + 0.5) + "\" y=\"" +
         num(grid.y_of(to_double(i_layer)) + 0.5) + "\" width=\"" +
         num(std::max(grid.cell_width - 1.0, 1.0)) + "\" height=\"" + num(grid.cell_height - 1.0) +
         "\" class=\"" + (value < 0.0F ? "below" : "above") + "\" fill-opacity=\"" +
         format_number(opacity, 2) + "\"><title>layer " + std::to_string(i_layer) + ", expert " +
         std::to_string(i_expert) + ": " + signed_text(value, 3) + escape_html(note.text) +
         "</title></rect>\n" + (note.is_ringed ? map_ring(grid, i_entry) : "");
}

// A colour bar from -largest to +largest.
std::string map_legend(double y, float largest, const HeatmapWords& words) {
  constexpr double kStep = 12.0;
  constexpr int kHalf = 10;
  std::string svg;
  for (int i = -kHalf; i <= kHalf; ++i) {
    const double opacity = i == 0 ? 0.0 : 0.15 + 0.85 * std::abs(i) / kHalf;
    svg += "<rect x=\"" + num(kMapLeft + (i + kHalf) * kStep) + "\" y=\"" + num(y) + "\" width=\"" +
           num(kStep) + "\" height=\"10\" class=\"" + (i < 0 ? "below" : "above") +
           "\" fill-opacity=\"" + format_number(opacity, 2) + "\"/>";
  }
  const double right = kMapLeft + (2 * kHalf + 1) * kStep;
  return svg + text_at(kMapLeft, y + 26.0, "tick", "-" + short_text(largest) + " " + words.below) +
         text_at(right, y + 26.0, "tick end", "+" + short_text(largest) + " " + words.above) +
         text_at(right + 14.0, y + 10.0, "tick", words.unit);
}

}  // namespace

std::string interval_plot(const std::vector<NamedMetric>& metrics) {
  if (metrics.empty()) {
    return "";
  }
  const double bottom = kPlotTop + kRowHeight * to_double(std::ssize(metrics));
  std::string svg = open_svg("plot",
                             bottom + 26.0,
                             "Rates with 95 % intervals",
                             "One row per metric. The values are in the table below.");
  const bool is_masked = std::any_of(metrics.begin(), metrics.end(), [](const NamedMetric& metric) {
    return metric.result->steered.has_value();
  });
  svg += plot_legend(is_masked) + plot_axis(bottom);
  double y = kPlotTop + kRowHeight / 2.0;
  for (const NamedMetric& metric : metrics) {
    svg += text_at(kPlotLeft - 16.0, y + 5.0, "label end", display_name(metric.id));
    svg += interval_mark(
        metric.result->base, metric.result->steered ? y - 8.0 : y, "base", "without the mask");
    if (metric.result->steered) {
      svg += interval_mark(*metric.result->steered, y + 8.0, "steered", "with the mask");
    }
    y += kRowHeight;
  }
  return svg + "</svg>\n";
}

std::string heatmap(const HeatmapWords& words,
                    const std::vector<float>& values,
                    int64_t n_expert,
                    const std::vector<HeatmapNote>& notes) {
  const int64_t n_entry = std::ssize(values);
  if (n_entry == 0 || n_expert < 1 || n_entry % n_expert != 0) {
    return "";
  }
  float largest = 0.0F;
  for (const float value : values) {
    largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : largest;
  }
  const Grid grid = grid_for(n_entry / n_expert, n_expert);
  const double bottom = kMapTop + grid.height();
  std::string svg = open_svg(words.id, bottom + 48.0, words.title, words.about);
  svg += map_labels(grid) + "<rect x=\"" + num(kMapLeft) + "\" y=\"" + num(kMapTop) +
         "\" width=\"" + num(grid.width()) + "\" height=\"" + num(grid.height()) +
         "\" class=\"ground\"/>\n";
  for (int64_t i = 0; i < n_entry; ++i) {
    if (values[i] == 0.0F || !std::isfinite(values[i])) {
      continue;
    }
    const double opacity = 0.15 + 0.85 * std::abs(values[i]) / largest;
    const HeatmapNote note = notes.empty() ? HeatmapNote() : notes.at(i);
    svg += map_cell(grid, i, values[i], opacity, note);
  }
  return svg + map_legend(bottom + 14.0, largest, words) + "</svg>\n";
}

std::string steering_heatmap(const std::vector<float>& steer, int64_t n_layer, int64_t n_expert) {
  const int64_t n_entry = std::ssize(steer);
  if (n_expert < 1 || n_entry % n_expert != 0 || n_entry / n_expert != n_layer) {
    return "";
  }
  HeatmapWords words;
  words.id = "map";
  words.title = "Steering matrix";
  words.about = std::to_string(n_layer) + " MoE layers (rows) by " + std::to_string(n_expert) +
                " experts (columns). The table below lists the strongest entries.";
  words.below = "less often";
  words.above = "more often";
  words.unit = "in units of the token's sigma, at alpha 1";
  return heatmap(words, steer, n_expert, {});
}

}  // namespace mascing
