// Damage uses a square-root scale, because the weak masks, among which the choice is made, lie
// close together on a linear one.
#include "report/trade_plot.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "report/html.h"
#include "report/numbers.h"
#include "report/svg_parts.h"
#include "report/trade_off.h"

namespace mascing {
namespace {

using svg::line_from;
using svg::num;
using svg::text_at;

constexpr double kLeft = 64.0;
constexpr double kRight = 820.0;
constexpr double kTop = 30.0;
constexpr double kBottom = 290.0;
constexpr double kHeight = 340.0;
constexpr int kTicks = 5;

class Plane {
 public:
  explicit Plane(const std::vector<TradePoint>& points) {
    for (const TradePoint& point : points) {
      most_ = std::max(most_, point.damage);
    }
  }

  [[nodiscard]] double x_of(double damage) const {
    return kLeft + (kRight - kLeft) * std::sqrt(std::clamp(damage / most_, 0.0, 1.0));
  }
  [[nodiscard]] static double y_of(double rate) {
    return kBottom - std::clamp(rate, 0.0, 1.0) * (kBottom - kTop);
  }

  [[nodiscard]] std::string axes(double base_rate, const std::string& target) const {
    std::string svg = text_at(kLeft, kTop - 12.0, "tick", display_name(target));
    for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      svg += line_from(kLeft, y_of(tick), kRight, y_of(tick), "grid") +
             text_at(kLeft - 10.0, y_of(tick) + 4.5, "tick end", short_text(100.0 * tick) + " %");
    }
    for (int i = 0; i <= kTicks; ++i) {
      const double damage = most_ * i * i / (kTicks * kTicks);
      svg += text_at(x_of(damage), kBottom + 20.0, "tick middle", short_text(damage));
    }
    svg += text_at(kRight,
                   kBottom + 40.0,
                   "tick end",
                   "divergence on benign replies, nats per token (square-root scale)");
    return svg + line_from(kLeft, y_of(base_rate), kRight, y_of(base_rate), "limit") +
           text_at(kRight, y_of(base_rate) - 6.0, "tick end", "without a mask");
  }

 private:
  double most_ = 1e-9;
};

bool is_same_mask(const CandidateResult& a, const CandidateResult& b) {
  return a.method == b.method && a.lambda == b.lambda && a.epochs == b.epochs &&
         a.preserve == b.preserve && a.guard == b.guard && a.seed == b.seed && a.alpha < b.alpha;
}

/// Lines between adjacent strengths of one mask.
std::string draw_series(const Results& results,
                        const std::vector<TradePoint>& points,
                        const Plane& plane) {
  std::string svg;
  for (size_t i = 1; i < points.size(); ++i) {
    const TradePoint& a = points[i - 1];
    const TradePoint& b = points[i];
    if (is_same_mask(results.candidates[a.i_candidate], results.candidates[b.i_candidate])) {
      svg += line_from(plane.x_of(a.damage),
                       Plane::y_of(a.rate),
                       plane.x_of(b.damage),
                       Plane::y_of(b.rate),
                       "sample");
    }
  }
  return "<g class=\"curve c3\">" + svg + "</g>\n";
}

std::string draw_front(const Results& results, const Plane& plane) {
  std::string path;
  double y = Plane::y_of(results.search.base_rate(results.target_metric));
  const auto add = [&](double x, double at) {
    path.append(path.empty() ? "" : " ").append(num(x)).append(",").append(num(at));
  };
  for (const TradePoint& point : pareto_set(results)) {
    add(plane.x_of(point.damage), y);
    y = Plane::y_of(point.rate);
    add(plane.x_of(point.damage), y);
  }
  if (path.empty()) {
    return "";
  }
  add(kRight, y);
  return "<g class=\"curve c0\"><polyline points=\"" + path + "\"/></g>\n";
}

std::string draw_point(const Results& results,
                       const TradePoint& point,
                       const Plane& plane,
                       bool is_chosen) {
  const CandidateResult& trial = results.candidates[point.i_candidate];
  const std::string place =
      "cx=\"" + num(plane.x_of(point.damage)) + "\" cy=\"" + num(Plane::y_of(point.rate)) + "\"";
  const std::string breaks = point.is_estimate ? "would break a limit, " : "breaks a limit: ";
  const std::string standing = is_chosen           ? "chosen"
                               : trial.feasible    ? "within all limits"
                               : !point.is_allowed ? breaks + trial.rejection_reason
                               : point.is_estimate ? "estimated"
                                                   : trial.rejection_reason;
  const std::string note = display_name(trial.method) + " at alpha " + short_text(trial.alpha) +
                           ": " + rate_text(point.rate) + " for " + short_text(point.damage) +
                           " nats; " + standing;
  const std::string group = point.is_allowed ? "steered" : "base";
  const std::string look = point.is_estimate ? " class=\"hollow\"" : "";
  std::string svg = "<g class=\"" + group + "\"><circle " + place + look + " r=\"5\"><title>" +
                    escape_html(note) + "</title></circle></g>\n";
  if (is_chosen) {
    svg +=
        "<circle class=\"ring\" " + place + " r=\"10\" stroke-width=\"2\"/>\n" +
        text_at(plane.x_of(point.damage), Plane::y_of(point.rate) - 16.0, "label middle", "chosen");
  }
  return svg;
}

}  // namespace

std::string trade_plot(const Results& results) {
  const std::vector<TradePoint> points = trade_points(results);
  if (points.size() < 2) {
    return "";
  }
  const Plane plane(points);
  const int64_t i_chosen = chosen_candidate(results);
  std::string picture =
      svg::open_svg("trade-plot",
                    kHeight,
                    "Target rate vs. damage",
                    "Each point is a mask at one strength on the selection split. The staircase is "
                    "the Pareto set. The values are in the table below.");
  picture += plane.axes(results.search.base_rate(results.target_metric), results.target_metric) +
             draw_series(results, points, plane) + draw_front(results, plane);
  for (const TradePoint& point : points) {
    picture += draw_point(results, point, plane, point.i_candidate == i_chosen);
  }
  return picture + "</svg>\n";
}

}  // namespace mascing
