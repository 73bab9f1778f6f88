// Two panels over a shared axis of steps. Each curve is labelled at its right end and has its own
// dash pattern as well as a colour.
#include "report/loop_plot.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/numeric.h"
#include "base/text.h"
#include "report/html.h"
#include "report/numbers.h"
#include "report/svg_parts.h"

namespace mascing {
namespace {

using svg::line_from;
using svg::num;
using svg::text_at;

constexpr double kLeft = 64.0;
constexpr double kRight = 690.0;  // curve names are placed to the right of it
constexpr double kLabelGap = 16.0;
constexpr size_t kLimitStyles = 7;  // lower panel: c1 .. c7
constexpr double kCrumb = 5e-5;     // running means of sigmoids leave negligible residues

/// Position of a panel and the values at its lower and upper edge.
struct PlotPanel {
  double top;
  double bottom;
  double low;
  double high;

  /// Values out of range are drawn at the edge.
  [[nodiscard]] double y_of(double value) const {
    return bottom - (std::clamp(value, low, high) - low) / (high - low) * (bottom - top);
  }
};

constexpr PlotPanel kGain{26.0, 196.0, 0.0, 1.0};
constexpr PlotPanel kLimits{236.0, 366.0, -0.5, 2.0};
constexpr double kHeight = 412.0;

/// Values of one set per step, on the scale of its panel.
struct Curve {
  std::string name;
  std::string style;
  std::vector<double> values;
  std::vector<std::string> notes;  ///< tooltips
};

double x_of(int64_t i_step, int64_t n_step) {
  return kLeft + (kRight - kLeft) * to_double(i_step) / to_double(n_step - 1);
}

double value_of(const LoopStepResult& step, const std::string& name) {
  const auto found = step.values.find(name);
  return found == step.values.end() ? std::nan("") : found->second;
}

Curve curve_of(const LoopResult& loop, const std::string& name, double unit, bool is_share) {
  Curve curve;
  curve.name = display_name(name);
  const std::string limit = is_share ? "" : ", limit " + loop_value_text(name, false, unit);
  for (size_t i = 0; i < loop.steps.size(); ++i) {
    const double value = value_of(loop.steps[i], name);
    curve.values.push_back(value / unit);
    curve.notes.push_back("step " + std::to_string(i + 1) + ", " + curve.name + ": " +
                          loop_value_text(name, is_share, value) + limit);
  }
  return curve;
}

std::string mark_at(const std::string& x, const std::string& y, const std::string& note) {
  return "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"3\"><title>" + escape_html(note) +
         "</title></circle>\n";
}

std::string draw(const Curve& curve, const PlotPanel& panel) {
  std::string points;
  std::string marks;
  const int64_t n_step = std::ssize(curve.values);
  for (int64_t i = 0; i < n_step; ++i) {
    if (!std::isfinite(curve.values[i])) {
      continue;
    }
    const std::string x = num(x_of(i, n_step));
    const std::string y = num(panel.y_of(curve.values[i]));
    points.append(points.empty() ? "" : " ").append(x).append(",").append(y);
    marks += mark_at(x, y, curve.notes[i]);
  }
  return "<g class=\"curve " + curve.style + "\"><polyline points=\"" + points + "\"/>\n" + marks +
         "</g>\n";
}

/// Places names at the height of the last values, moved apart where they would overlap.
std::string draw_names(const std::vector<Curve>& curves, const PlotPanel& panel) {
  struct Name {
    double y;
    const Curve* curve;
  };
  std::vector<Name> names;
  for (const Curve& curve : curves) {
    const double last = curve.values.back();
    names.push_back({std::isfinite(last) ? panel.y_of(last) : panel.bottom, &curve});
  }
  std::stable_sort(
      names.begin(), names.end(), [](const Name& a, const Name& b) { return a.y < b.y; });
  double least = panel.top;
  for (Name& name : names) {
    name.y = std::max(name.y, least);
    least = name.y + kLabelGap;
  }
  double most = panel.bottom;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    name->y = std::min(name->y, most);
    most = name->y - kLabelGap;
  }
  std::string svg;
  for (const Name& name : names) {
    svg += "<g class=\"curve " + name.curve->style + "\">" +
           line_from(kRight + 10.0, name.y, kRight + 32.0, name.y, "sample") + "</g>" +
           text_at(kRight + 38.0, name.y + 4.5, "tick", name.curve->name);
  }
  return svg;
}

std::string draw_axis(const PlotPanel& panel,
                      const std::vector<double>& ticks,
                      bool is_share,
                      const char* heading) {
  std::string svg = text_at(kLeft, panel.top - 9.0, "tick", heading);
  for (const double tick : ticks) {
    const double y = panel.y_of(tick);
    svg += line_from(kLeft, y, kRight, y, "grid") +
           text_at(kLeft - 10.0,
                   y + 4.5,
                   "tick end",
                   is_share ? short_text(100.0 * tick) + " %" : short_text(tick));
  }
  return svg;
}

std::string draw_steps(int64_t n_step, double bottom) {
  std::string svg;
  const double cell = (kRight - kLeft) / to_double(n_step - 1);
  const int64_t every = svg::label_step(cell, 30.0);
  for (int64_t i = 0; i < n_step; i += every) {
    svg += text_at(x_of(i, n_step), bottom + 18.0, "tick middle", std::to_string(i + 1));
  }
  return svg + text_at(kRight + 10.0, bottom + 18.0, "tick", "step");
}

std::string draw_stretch(const LoopResult& loop, const PlotPanel& panel) {
  const int64_t n_step = std::ssize(loop.steps);
  const int64_t last = loop.i_best;
  if (last < 0 || last >= n_step || loop.n_stretch < 1 || loop.n_stretch > last + 1) {
    return "";
  }
  const double left = x_of(last - loop.n_stretch + 1, n_step);
  const double right = x_of(last, n_step);
  return "<rect x=\"" + num(left - 4.0) + "\" y=\"" + num(panel.top) + "\" width=\"" +
         num(right - left + 8.0) + "\" height=\"" + num(panel.bottom - panel.top) +
         "\" class=\"stretch\"><title>the mask is the mean over these steps</title></rect>\n";
}

std::vector<Curve> limited_curves(const LoopResult& loop) {
  std::vector<Curve> curves;
  for (const auto& [name, limit] : loop.limits) {
    if (limit > 0.0) {
      curves.push_back(curve_of(loop, name, limit, false));
      curves.back().style =
          std::string("c").append(std::to_string(1 + (curves.size() - 1) % kLimitStyles));
    }
  }
  return curves;
}

}  // namespace

std::string loop_value_text(const std::string& name, bool is_target, double value) {
  const double shown = std::abs(value) < kCrumb ? 0.0 : value;
  const bool is_text = name.find(' ') != std::string::npos;
  return is_target              ? rate_text(shown)
         : is_text              ? short_text(shown)
         : std::isfinite(shown) ? format_points(shown)
                                : "-";
}

std::string loop_plot(const LoopResult& loop, const std::string& target) {
  if (loop.steps.size() < 2) {
    return "";
  }
  Curve gain = curve_of(loop, target, 1.0, true);
  gain.style = "c0";
  const std::vector<Curve> limited = limited_curves(loop);
  const PlotPanel& lowest = limited.empty() ? kGain : kLimits;
  std::string picture =
      svg::open_svg("loop-plot",
                    lowest.bottom + kHeight - kLimits.bottom,
                    "Closed loop by step",
                    "Top: wanted share of the target set. Bottom: all measures with a "
                    "limit. The values are in the table below.");
  picture += draw_stretch(loop, kGain) +
             draw_axis(kGain, {0.0, 0.25, 0.5, 0.75, 1.0}, true, "wanted share of the target") +
             draw(gain, kGain) + draw_names({gain}, kGain);
  if (!limited.empty()) {
    picture += draw_stretch(loop, kLimits) +
               draw_axis(kLimits,
                         {0.0, 1.0, 2.0},
                         false,
                         "drop or divergence relative to its limit (1), clipped to -0.5 .. 2") +
               line_from(kLeft, kLimits.y_of(1.0), kRight, kLimits.y_of(1.0), "limit");
    for (const Curve& curve : limited) {
      picture += draw(curve, kLimits);
    }
    picture += draw_names(limited, kLimits);
  }
  return picture + draw_steps(std::ssize(loop.steps), lowest.bottom) + "</svg>\n";
}

}  // namespace mascing
