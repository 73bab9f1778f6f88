#include "report/export_sections.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/sample_results.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ExportsSection, IsNotThereIfNothingWasCompared) {
  EXPECT_EQ(exports_section(Results{}), "");
}

TEST(ExportsSection, TellsOfEachFormItsWeakestLayerAndWhatChanged) {
  const std::string html = exports_section(sample_results());
  for (const char* part : {">Exports<",
                           "<th scope=\"row\">mask.lora.gguf</th><td>LoRA adapter</td>",
                           "<td class=\"number\">0.8125</td>",
                           "<td class=\"number\">3 of 20</td>",
                           "<td class=\"number\">1 of 20</td>",
                           "<th scope=\"row\">steered.gguf</th><td>baked GGUF</td>",
                           "<td class=\"number\">0.9688</td>"}) {
    EXPECT_THAT(html, HasSubstr(part));
  }
}

TEST(ExportsSection, DrawsPerfectAgreementAtTheTopAndTheWeakestLayerInside) {
  const std::string html = exports_section(sample_results());
  // The floor is the weakest share rounded down to a twentieth: 0.8; 26 is the top, 186 the bottom.
  EXPECT_THAT(html, HasSubstr("<polyline points=\"208.0,76.0 496.0,176.0\"/>"));
  EXPECT_THAT(html, HasSubstr("<polyline points=\"208.0,26.0 496.0,26.0\"/>"));
}

TEST(ExportsSection, TakesFiguresThatAreMissingOrNoNumbers) {
  Results results = sample_results();
  results.exports[0].same_experts = {std::nan("")};
  results.exports[1].blocks.clear();
  const std::string html = exports_section(results);
  EXPECT_THAT(html, HasSubstr("mask.lora.gguf"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(ExportsSection, EscapesFileNames) {
  Results results = sample_results();
  results.exports[0].file = "<b>.gguf";
  EXPECT_THAT(exports_section(results), Not(HasSubstr("<b>")));
}

}  // namespace
}  // namespace mascing
