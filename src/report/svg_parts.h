// SVG elements shared by the report's plots. Coordinates are view-box units, kWidth wide; the
// browser scales them to the column.
#pragma once

#include <cstdint>
#include <string>

namespace mascing::svg {

inline constexpr double kWidth = 860.0;

/// Formats a coordinate.
[[nodiscard]] std::string num(double value);
/// `text` is plain. Classes: "tick", "label", "middle", "end".
[[nodiscard]] std::string text_at(double x,
                                  double y,
                                  const std::string& classes,
                                  const std::string& text);
[[nodiscard]] std::string line_from(
    double x1, double y1, double x2, double y2, const std::string& classes);
/// The opening tag with title and description for screen readers. `id` must be unique on the
/// page.
[[nodiscard]] std::string open_svg(const std::string& id,
                                   double height,
                                   const std::string& title,
                                   const std::string& about);
/// The n for which every n-th label has `needed` units of space; n is a power of two.
[[nodiscard]] int64_t label_step(double cell, double needed);

}  // namespace mascing::svg
