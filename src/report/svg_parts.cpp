// Each part is a line of markup; texts are escaped here, so that callers need not.
#include "report/svg_parts.h"

#include "base/numeric.h"
#include "base/text.h"
#include "report/html.h"

namespace mascing::svg {

std::string num(double value) {
  return format_number(value, 1);
}

std::string text_at(double x, double y, const std::string& classes, const std::string& text) {
  return "<text x=\"" + num(x) + "\" y=\"" + num(y) + "\" class=\"" + classes + "\">" +
         escape_html(text) + "</text>\n";
}

std::string line_from(double x1, double y1, double x2, double y2, const std::string& classes) {
  return "<line x1=\"" + num(x1) + "\" y1=\"" + num(y1) + "\" x2=\"" + num(x2) + "\" y2=\"" +
         num(y2) + "\" class=\"" + classes + "\"/>\n";
}

std::string open_svg(const std::string& id,
                     double height,
                     const std::string& title,
                     const std::string& about) {
  return "<svg viewBox=\"0 0 " + num(kWidth) + " " + num(height) +
         "\" role=\"img\" aria-labelledby=\"" + id + "-title " + id + "-about\">\n<title id=\"" +
         id + "-title\">" + escape_html(title) + "</title><desc id=\"" + id + "-about\">" +
         escape_html(about) + "</desc>\n";
}

int64_t label_step(double cell, double needed) {
  int64_t step = 1;
  while (cell * to_double(step) < needed) {
    step *= 2;
  }
  return step;
}

}  // namespace mascing::svg
