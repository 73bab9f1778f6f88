#include "report/loop_sections.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/interventional_section.h"
#include "report/loop_plot.h"
#include "report/sample_results.h"
#include "report/svg.h"

namespace mascing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// The y coordinates of the points of each polyline, in drawing order.
std::vector<std::vector<double>> curves_of(const std::string& svg) {
  std::vector<std::vector<double>> curves;
  const std::regex line("<polyline points=\"([^\"]*)\"");
  for (std::sregex_iterator match(svg.begin(), svg.end(), line); match != std::sregex_iterator();
       ++match) {
    std::istringstream points((*match)[1]);
    curves.emplace_back();
    for (std::string point; points >> point;) {
      curves.back().push_back(std::stod(point.substr(point.find(',') + 1)));
    }
  }
  return curves;
}

TEST(EffectsSection, SaysHowManyEffectsAreBeyondChanceAndHowSureItIs) {
  const std::string html = effects_section(sample_results());
  for (const char* part : {"Causal effects of experts",
                           "1\u202f024 pairs of opposite random masks",
                           "2 of 6 effects are significant",
                           "Reliability 0.88",
                           "they explain 31 % of the variance between pairs",
                           "Effects are causal",
                           "It does not imply"}) {
    EXPECT_THAT(html, HasSubstr(part));
  }
}

TEST(EffectsSection, SaysHowTheyWereMeasured) {
  Results results = sample_results();
  EXPECT_THAT(effects_section(results), HasSubstr("perturbed at random"));
  results.effects.n_conversation = 128;
  EXPECT_THAT(effects_section(results), HasSubstr("while the mask is small"));
  EXPECT_THAT(effects_section(results), Not(HasSubstr("perturbed at random")));
}

TEST(EffectsSection, RingsExactlyTheEffectsBeyondChance) {
  Results results = sample_results();
  EXPECT_EQ(count_of(effects_section(results), "class=\"ring\""), 2);
  results.effects.q_value.assign(8, 0.5F);
  results.effects.n_significant = 0;
  EXPECT_EQ(count_of(effects_section(results), "class=\"ring\""), 0);
  EXPECT_THAT(effects_section(results), HasSubstr("None of 6 effects is significant"));
}

TEST(EffectsSection, ListsTheStrongestFirstAndNoneThatWasNotMeasured) {
  const std::string html = effects_section(sample_results());
  const std::string table = html.substr(html.find("<table>"));
  std::vector<std::string> effects;
  const std::regex row("<tr><th [^>]*>\\d+</th><td [^>]*>\\d+</td><td [^>]*>([^<]*)</td>");
  for (std::sregex_iterator match(table.begin(), table.end(), row); match != std::sregex_iterator();
       ++match) {
    effects.push_back((*match)[1]);
  }
  EXPECT_THAT(effects, ElementsAre("+0.500", "-0.375", "+0.250", "-0.125", "+0.062", "+0.031"));
  EXPECT_THAT(table, HasSubstr("<td class=\"number\">0.062</td>"));
  EXPECT_THAT(table, HasSubstr("<td class=\"number\">&lt;0.0001</td>"));
}

TEST(EffectsSection, ListsTenAtMost) {
  Results results = sample_results();
  results.n_layer = 5;
  results.effects.effect.assign(20, 0.5F);
  results.effects.standard_error.assign(20, 0.25F);
  results.effects.q_value.assign(20, 0.25F);
  EXPECT_EQ(count_of(effects_section(results), "<tr><th"), 1 + 10);
  EXPECT_THAT(effects_section(results), HasSubstr("&ndash;"));  // the mask has another size
}

TEST(EffectsSection, IsLeftOutWithoutEffectsAndWithMatricesThatDoNotFit) {
  EXPECT_EQ(effects_section(Results{}), "");
  Results results = sample_results();
  results.effects.q_value.pop_back();
  EXPECT_EQ(effects_section(results), "");
  results = sample_results();
  results.effects.effect.clear();
  results.effects.standard_error.clear();
  results.effects.q_value.clear();
  EXPECT_EQ(effects_section(results), "");
  results = sample_results();
  results.n_expert = 0;
  EXPECT_EQ(effects_section(results), "");
}

TEST(LoopSection, TellsWhatItSawInReplies) {
  Results results = sample_results();
  results.loop.looks.clear();
  EXPECT_THAT(loop_section(results), Not(HasSubstr("Replies as wanted")));
  const int64_t n_dash = count_of(loop_section(results), "&ndash;");
  results.loop.looks = {{10, {{"dsr", {64, 30, 51}}, {"direct", {}}}},
                        {20, {{"dsr", {64, 31, 1}}}}};
  const std::string html = loop_section(results);
  EXPECT_THAT(html, HasSubstr("Replies as wanted"));
  EXPECT_THAT(html, HasSubstr(">10</th>"));
  EXPECT_THAT(html, HasSubstr("30 &rarr; 51 of 64"));
  EXPECT_THAT(html, HasSubstr("31 &rarr; 1 of 64"));
  EXPECT_EQ(count_of(html, "&ndash;"), n_dash + 2) << "one without a verdict, one not seen";
}

TEST(LoopSection, GivesTheMeanOverTheStretchBesideTheLimits) {
  Results results = sample_results();
  results.metrics.clear();  // of the test split, which a search has not looked at
  const std::string html = loop_section(results);
  for (const char* part :
       {"3\u202f584 prefills in 4 steps",
        "the mean of steps 2 to 3 (shaded)",
        "DSR: wanted share</th><td class=\"number\">56.2 %</td><td class=\"number\">81.2 "
        "%</td>",
        "keep answered: drop of the wanted share</th><td class=\"number\">0.0 points</td>"
        "<td class=\"number\">4.7 points</td><td class=\"number\">6.2 points</td>",
        "general text: nats per token</th><td class=\"number\">0.0125</td>",
        "All 4 steps<"}) {
    EXPECT_THAT(html, HasSubstr(part));
  }
}

TEST(LoopSection, ClaimsTheMaskOnlyIfItsMethodWasChosen) {
  Results results = sample_results();
  EXPECT_THAT(loop_section(results), HasSubstr("Closed-loop search (not selected)"));
  results.mask_method = "closed_loop";
  EXPECT_THAT(loop_section(results), HasSubstr("Closed-loop search</h2>"));
  results.mask_method.clear();
  EXPECT_THAT(loop_section(results), HasSubstr("Closed-loop search</h2>")) << "before a choice";
  EXPECT_EQ(loop_section(Results{}), "");
}

TEST(LoopSection, ShowsTheAdaptersLoopBesideThatOfTheMatrix) {
  Results results = sample_results();
  EXPECT_THAT(loop_section(results), Not(HasSubstr("router adapter")));
  results.loop.method = "closed_loop";
  results.adapter_loop = results.loop;
  results.adapter_loop->method = "router_adapter";
  results.adapter_loop->steps.resize(3);
  results.adapter_loop->n_question = 1234;
  results.mask_method = "router_adapter+look";
  const std::string html = loop_section(results);
  EXPECT_THAT(html, HasSubstr("Closed-loop search (not selected)"));
  EXPECT_THAT(html, HasSubstr("The loop of the router adapter</summary>"));
  EXPECT_THAT(html, HasSubstr("1\u202f234 prefills in 3 steps"));
  EXPECT_THAT(html, HasSubstr("3\u202f584 prefills in 4 steps"));
  EXPECT_EQ(count_of(html, "(shaded)"), 1) << "only one is drawn";
  results.mask_method = "closed_loop";
  EXPECT_THAT(loop_section(results), HasSubstr("The loop of the router adapter (not selected)"));
  EXPECT_THAT(loop_section(results), HasSubstr("Closed-loop search</h2>"));
}

TEST(LoopSection, CopesWithAStretchThatDoesNotFit) {
  for (const int64_t i_best : {int64_t{-1}, int64_t{4}, std::numeric_limits<int64_t>::max()}) {
    Results results = sample_results();
    results.loop.i_best = i_best;
    EXPECT_THAT(loop_section(results), Not(HasSubstr("(shaded)")));
    EXPECT_THAT(loop_section(results), Not(HasSubstr("class=\"stretch\"")));
  }
}

TEST(LoopPlot, SaysOfAValueWhatItIsMeasuredIn) {
  EXPECT_EQ(loop_value_text("dsr", true, 0.977), "97.7 %");
  EXPECT_EQ(loop_value_text("keep_answered", false, 0.0214), "2.1 points");
  EXPECT_EQ(loop_value_text("keep_answered", false, -0.00004), "0.0 points");
  EXPECT_EQ(loop_value_text("keep_answered", false, std::nan("")), "-");
  EXPECT_EQ(loop_value_text("general text", false, 0.0125), "0.0125");
  const std::string svg = loop_plot(sample_results().loop, "dsr");
  EXPECT_THAT(svg, HasSubstr("step 1, DSR: 56.2 %</title>"));
  EXPECT_THAT(svg, HasSubstr("step 2, keep answered: 3.1 points, limit 6.2 points</title>"));
  EXPECT_THAT(svg, HasSubstr("step 2, general text: 0.025, limit 0.05</title>"));
  EXPECT_THAT(svg, HasSubstr(">75 %</text>"));
}

TEST(LoopPlot, DrawsTheTargetOnAScaleFromZeroToOne) {
  const auto curves = curves_of(loop_plot(sample_results().loop, "dsr"));
  ASSERT_EQ(curves.size(), 3U);
  ASSERT_EQ(curves[0].size(), 4U);
  LoopResult flat = sample_results().loop;
  flat.steps[0].values["dsr"] = 0.0;
  flat.steps[1].values["dsr"] = 1.0;
  const auto ends = curves_of(loop_plot(flat, "dsr"))[0];
  for (size_t i = 0; i < 4; ++i) {
    const double share = sample_results().loop.steps[i].values.at("dsr");
    EXPECT_NEAR(curves[0][i], ends[0] + share * (ends[1] - ends[0]), 0.1);
  }
}

TEST(LoopPlot, PutsFallsAndDivergencesOnOneScaleOfTheirLimits) {
  LoopResult loop = sample_results().loop;
  for (size_t i = 0; i < loop.steps.size(); ++i) {
    loop.steps[i].values["general text"] = loop.steps[i].values["keep_answered"] /
                                           loop.limits["keep_answered"] *
                                           loop.limits["general text"];
  }
  const auto curves = curves_of(loop_plot(loop, "dsr"));
  EXPECT_EQ(curves[1], curves[2]);
  const std::string svg = loop_plot(loop, "dsr");
  const std::regex limit("y1=\"([0-9.]+)\"[^>]*class=\"limit\"");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(svg, match, limit));
  EXPECT_EQ(std::stod(match[1]), curves[1][2]);  // step 3 is at its limit
}

TEST(LoopPlot, ShadesTheStretchInBothPanels) {
  EXPECT_EQ(count_of(loop_plot(sample_results().loop, "dsr"), "class=\"stretch\""), 2);
}

/// Heights of the names in the lower panel when all its curves end at `last`, from the top.
std::vector<double> name_heights(double last) {
  LoopResult loop = sample_results().loop;
  loop.limits.clear();
  for (const char* name : {"hold_a", "hold_b", "hold_c", "hold_d", "hold_e"}) {
    loop.limits[name] = 0.05;
    loop.steps.back().values[name] = last;
  }
  const std::string svg = loop_plot(loop, "dsr");
  const std::regex label("y=\"([0-9.]+)\" class=\"tick\">hold");
  std::vector<double> heights;
  for (std::sregex_iterator match(svg.begin(), svg.end(), label); match != std::sregex_iterator();
       ++match) {
    heights.push_back(std::stod((*match)[1]));
  }
  std::sort(heights.begin(), heights.end());
  return heights;
}

TEST(LoopPlot, KeepsNamesApartAndInsideThePanel) {
  for (const double last : {-1.0, 0.05, 1.0}) {
    const std::vector<double> heights = name_heights(last);
    ASSERT_EQ(heights.size(), 5U);
    for (size_t i = 1; i < heights.size(); ++i) {
      EXPECT_GE(heights[i] - heights[i - 1], 15.9);
    }
    EXPECT_GE(heights.front(), 236.0);
    EXPECT_LE(heights.back(), 366.0 + 5.0);
  }
}

TEST(LoopPlot, LeavesOutWhatIsNoNumberAndNeedsTwoSteps) {
  LoopResult loop = sample_results().loop;
  loop.steps[1].values["dsr"] = std::nan("");
  loop.steps[2].values.erase("keep_answered");
  loop.limits["general text"] = 0.0;
  const std::string svg = loop_plot(loop, "dsr");
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  const auto curves = curves_of(svg);
  ASSERT_EQ(curves.size(), 2U);
  EXPECT_EQ(curves[0].size(), 3U);
  EXPECT_EQ(curves[1].size(), 3U);
  loop.steps.resize(1);
  EXPECT_EQ(loop_plot(loop, "dsr"), "");
}

TEST(InterventionalSection, ShowsEveryRound) {
  InterventionalSurrogateResult result = sample_results().interventional;
  const std::string html = interventional_section(result);
  EXPECT_THAT(html, HasSubstr("536 prefills in 2 rounds"));
  EXPECT_THAT(html, HasSubstr("+0.38"));
  EXPECT_THAT(html, Not(HasSubstr("+0.00")));  // the first round has not learnt yet
  result.rounds.clear();
  EXPECT_EQ(interventional_section(result), "");
}

TEST(OutcomeParagraph, SaysWhenThePredictionIsWeak) {
  const std::string beforehand = held_out_table(sample_results().outcome);
  EXPECT_THAT(beforehand, HasSubstr("wanted only"));
  EXPECT_THAT(beforehand, HasSubstr("160 / 140"));
  EXPECT_THAT(beforehand, HasSubstr("<td class=\"number\">&lt;0.0001</td>"));
  EXPECT_EQ(held_out_table({}), "");
  const std::string good = outcome_paragraph(sample_results().outcome);
  EXPECT_THAT(good, HasSubstr("AUC 0.97 (0.5 = chance), rank correlation +0.81, on 450 replies"));
  EXPECT_THAT(good, Not(HasSubstr("weak")));
  EXPECT_THAT(outcome_paragraph({450, 0.6, 0.1}), HasSubstr("This is weak"));
  EXPECT_EQ(outcome_paragraph({}), "");
}

TEST(Heatmap, ShowsNotesInTooltipsAndEscapesThem) {
  HeatmapWords words;
  words.id = "h";
  const std::string svg = heatmap(words, {1.0F, -2.0F}, 2, {{" <b>", true}, {"", false}});
  EXPECT_THAT(svg, HasSubstr("layer 0, expert 0: +1.000 &lt;b&gt;</title>"));
  EXPECT_EQ(count_of(svg, "class=\"ring\""), 1);
  EXPECT_EQ(heatmap(words, {1.0F, 2.0F, 3.0F}, 2, {}), "");
  EXPECT_EQ(heatmap(words, {1.0F}, 0, {}), "");
}

}  // namespace
}  // namespace mascing
