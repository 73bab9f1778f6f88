// What the report's pictures are made of. Coordinates are view-box units, kWidth wide; the browser
// scales them to the column.
#pragma once

#include <cstdint>
#include <string>

namespace mascing::svg {

inline constexpr double kWidth = 860.0;

/// A coordinate.
[[nodiscard]] std::string num(double value);
/// `text` is plain. Classes: "tick", "label", "middle", "end".
[[nodiscard]] std::string text_at(double x,
                                  double y,
                                  const std::string& classes,
                                  const std::string& text);
[[nodiscard]] std::string line_from(
    double x1, double y1, double x2, double y2, const std::string& classes);
/// The opening tag with title and description for those who cannot see it. `id` is unique on the
/// page.
[[nodiscard]] std::string open_svg(const std::string& id,
                                   double height,
                                   const std::string& title,
                                   const std::string& about);
/// Write every n-th label, n a power of two, so that each has `needed` units.
[[nodiscard]] int64_t label_step(double cell, double needed);

}  // namespace mascing::svg
