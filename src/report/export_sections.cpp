// One row per exported form, a plot of its agreement per layer, and the plotted values as a table.
#include "report/export_sections.h"

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
constexpr double kRight = 640.0;  // curve names are placed to the right of it
constexpr double kTop = 26.0;
constexpr double kBottom = 186.0;
constexpr double kNameHeight = 20.0;
constexpr int kTicks = 4;
constexpr int64_t kStyles = 6;  // c0 .. c5

/// Number of layers with complete figures.
int64_t layer_count(const ExportResult& form) {
  return std::min(
      {std::ssize(form.blocks), std::ssize(form.same_experts), std::ssize(form.overlap)});
}

double least_of(const std::vector<double>& shares) {
  double least = 1.0;
  for (const double share : shares) {
    least = std::isfinite(share) ? std::min(least, share) : least;
  }
  return least;
}

/// Lower edge of the plot: the smallest share, rounded down to a multiple of 0.05, below 1.
double floor_of(const std::vector<ExportResult>& forms) {
  double least = 0.95;
  for (const ExportResult& form : forms) {
    least = std::min(least, least_of(form.same_experts));
  }
  return std::max(0.0, std::floor(least * 20.0) / 20.0);
}

double cell_width(int64_t n_layer) {
  return (kRight - kLeft) / to_double(n_layer);
}

double x_of(int64_t i_layer, int64_t n_layer) {
  return kLeft + (to_double(i_layer) + 0.5) * cell_width(n_layer);
}

double y_of(double share, double floor) {
  const double height = (std::clamp(share, floor, 1.0) - floor) / (1.0 - floor);
  return kBottom - height * (kBottom - kTop);
}

std::string share_text(double share) {
  return std::isfinite(share) ? format_number(share, 4) : "-";
}

std::string curve_of(const ExportResult& form, const std::string& style, double floor) {
  std::string points;
  std::string marks;
  const int64_t n_layer = layer_count(form);
  for (int64_t i = 0; i < n_layer; ++i) {
    if (!std::isfinite(form.same_experts[i])) {
      continue;
    }
    const std::string x = num(x_of(i, n_layer));
    const std::string y = num(y_of(form.same_experts[i], floor));
    points.append(points.empty() ? "" : " ").append(x).append(",").append(y);
    marks.append("<circle cx=\"").append(x).append("\" cy=\"").append(y);
    marks += "\" r=\"4\"><title>" +
             escape_html(form.file + ", block " + std::to_string(form.blocks[i]) + ": " +
                         share_text(form.same_experts[i])) +
             "</title></circle>\n";
  }
  return "<g class=\"curve " + style + "\"><polyline points=\"" + points + "\"/>\n" + marks +
         "</g>\n";
}

std::string axes(const ExportResult& form, double floor) {
  std::string picture = text_at(kLeft, kTop - 9.0, "tick", "share of tokens with the same experts");
  for (int i = 0; i <= kTicks; ++i) {
    const double share = floor + (1.0 - floor) * i / kTicks;
    const double y = y_of(share, floor);
    picture += line_from(kLeft, y, kRight, y, "grid") +
               text_at(kLeft - 10.0, y + 4.5, "tick end", format_number(share, 3));
  }
  const int64_t n_layer = layer_count(form);
  const int64_t every = svg::label_step(cell_width(n_layer), 30.0);
  for (int64_t i = 0; i < n_layer; i += every) {
    picture +=
        text_at(x_of(i, n_layer), kBottom + 18.0, "tick middle", std::to_string(form.blocks[i]));
  }
  return picture + text_at(kRight + 10.0, kBottom + 18.0, "tick", "block");
}

std::string agreement_plot(const std::vector<ExportResult>& forms) {
  if (layer_count(forms.front()) == 0) {
    return "";
  }
  const double floor = floor_of(forms);
  const double names = kTop + kNameHeight * to_double(std::ssize(forms));
  std::string picture = svg::open_svg("exports-plot",
                                      std::max(kBottom + 26.0, names),
                                      "Agreement of exported forms with the exact mask",
                                      "One curve per form over the blocks of the model. The "
                                      "values are in the table below.") +
                        axes(forms.front(), floor);
  for (int64_t i = 0; i < std::ssize(forms); ++i) {
    const std::string style = std::string("c").append(std::to_string(i % kStyles));
    const double y = kTop + 4.0 + kNameHeight * to_double(i);
    picture += curve_of(forms[i], style, floor) + "<g class=\"curve " + style + "\">" +
               line_from(kRight + 10.0, y, kRight + 32.0, y, "sample") + "</g>" +
               text_at(kRight + 38.0, y + 4.5, "tick", forms[i].file);
  }
  return picture + "</svg>\n";
}

std::string form_name(const ExportResult& form) {
  return form.form == "lora"   ? "LoRA adapter"
         : form.form == "gguf" ? "baked GGUF"
                               : display_name(form.form);
}

std::string forms_table(const std::vector<ExportResult>& forms) {
  HtmlTable table("Exact mask vs. exported form on the same conversations",
                  {{"file"},
                   {"form"},
                   {"strength", true},
                   {"same experts, worst layer", true},
                   {"KL, nats per token", true},
                   {"KL, unsteered model", true},
                   {"replies changed", true},
                   {"refusal decisions changed", true}});
  for (const ExportResult& form : forms) {
    const std::string n = " of " + count_text(form.n_reply);
    table.add_row({escape_html(form.file),
                   escape_html(form_name(form)),
                   short_text(form.alpha),
                   share_text(least_of(form.same_experts)),
                   short_text(form.divergence),
                   short_text(form.divergence_unsteered),
                   count_text(form.n_reply_changed) + n,
                   count_text(form.n_decision_changed) + n});
  }
  return table.html();
}

std::string layers_table(const std::vector<ExportResult>& forms) {
  HtmlTable table("Agreement per layer, as shares of tokens and of selected experts",
                  {{"file"}, {"block", true}, {"same experts", true}, {"overlap", true}});
  for (const ExportResult& form : forms) {
    for (int64_t i = 0; i < layer_count(form); ++i) {
      table.add_row({escape_html(form.file),
                     std::to_string(form.blocks[i]),
                     share_text(form.same_experts[i]),
                     share_text(form.overlap[i])});
    }
  }
  return "<details><summary>All layers</summary>" + table.html() + "</details>\n";
}

}  // namespace

std::string exports_section(const Results& results) {
  if (results.exports.empty()) {
    return "";
  }
  return html_section(
      "exports",
      "Exports",
      html_paragraph(
          "An exported form approximates the mask. Both ran on the same conversations, "
          "each with its own hidden states. The form is a good match if its KL divergence "
          "is far below that of the unsteered model and few refusal decisions change. "
          "Divergences are from the exact mask.") +
          forms_table(results.exports) + agreement_plot(results.exports) +
          layers_table(results.exports));
}

}  // namespace mascing
