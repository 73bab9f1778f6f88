#include "mascing/report.h"

#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/bundle.h"
#include "report/html.h"
#include "report/sample_results.h"
#include "report/svg.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Report, NamesTheJudgesAndWhatTheySeeDifferently) {
  const std::string page = render_report(sample_results());
  for (const char* text : {">Judges</h2>",
                           "refusal and guard",
                           "0.875",
                           "attacks-test-004",
                           "Of course &lt;not&gt;.",
                           "<td>DSR</td><td>with the mask</td>",
                           "guard: refused, refusal: answered"}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
  Results alone = sample_results();
  alone.judges = {{{"refusal", "0a", 2600, 0}}, {}, 0, {}};
  EXPECT_EQ(render_report(alone).find(">Judges</h2>"), std::string::npos);
}

TEST(Report, StatesTheProtocolAndRatesByCategory) {
  const std::string page = render_report(sample_results());
  for (const char* text : {">Protocol</h2>",
                           "llama.cpp v0.5.0",
                           "Q4_K - Medium",
                           "on, reasoning_effort = &quot;low&quot;",
                           "Be &lt;brief&gt;.",
                           "2 048 for reasoning",
                           "3 sampled ones per conversation",
                           "Is &lt;this&gt; safe?",
                           "0badcafe",
                           "replayed",
                           ">Categories</h2>",
                           "spells"}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
  Results old = sample_results();
  old.protocol = {};
  old.metrics["dsr"].categories.clear();
  EXPECT_EQ(render_report(old).find(">Protocol</h2>"), std::string::npos);
  EXPECT_EQ(render_report(old).find(">Categories</h2>"), std::string::npos);
}

TEST(Report, SaysWhatOfThePaperMayBeCompared) {
  Results results = sample_results();
  const std::string page = render_report(results);
  EXPECT_THAT(page, HasSubstr("+31.4 points"));
  EXPECT_THAT(page, HasSubstr("the rates themselves may not"));
  results.metrics["own"] = results.metrics["dsr"];
  results.target_metric = "own";
  EXPECT_EQ(render_report(results).find("Beside the paper"), std::string::npos)
      << "the paper has no such metric";
}

// The page but for the script that the build bundled, which is ours, and with it the blocks of
// data. Those hold no "<".
std::string without_scripts(const std::string& page) {
  std::string rest = page;
  for (size_t begin = rest.find("<script"); begin != std::string::npos;
       begin = rest.find("<script")) {
    const size_t body = rest.find('>', begin) + 1;
    const size_t end = rest.find("</script>", body);
    const std::string text = rest.substr(body, end - body);
    if (text != bundled_script()) {
      EXPECT_THAT(rest.substr(begin, body - begin), HasSubstr("type=\"application/json\""));
      EXPECT_EQ(text.find('<'), std::string::npos);
    }
    rest.erase(begin, end + std::string("</script>").size() - begin);
  }
  return rest;
}

// Every element that is opened is closed, in the right order; void elements aside.
std::string first_unbalanced_element(const std::string& page) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z0-9]+)[^>]*?(/?)>");
  for (std::sregex_iterator match(page.begin(), page.end(), tag); match != std::sregex_iterator();
       ++match) {
    const std::string name = (*match)[2];
    if ((*match)[3] == "/" || name == "meta") {
      continue;
    }
    if ((*match)[1] != "/") {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return name;
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back();
}

TEST(Report, HoldsEverySection) {
  const std::string page = render_report(sample_results());
  for (const char* part :
       {"DSR (defence success rate) 54.0 % \u2192 97.0 % on 300 held-out conversations: 130 fixed, "
        "1 broken",
        "40 of 250 neighbouring requests are no longer answered",
        "Raise preserves in [search], or lower alpha.",
        "<th scope=\"row\">benign compliance</th>",
        "97.0 % <small>[94.4, 98.4]</small>",
        "&lt;0.0001",
        "KL(base || steered)",
        "layer 1, expert 3: -1.000",
        "3 trials of 3 masks: 1 within all limits of the scenario, 0 broke one, 2 not checked",
        "on the test split only the chosen mask and the baselines were measured",
        "keep_answered fell by 0.31, more than 0.05",
        "<th scope=\"row\">without a mask</th>",
        ">131.2</td>",
        "a rise of 2.0 points; a true rise of 3.1 points",
        "1 skipped conversation<",
        "Confound check",
        "Causal effects of experts",
        "Closed-loop search (not selected)",
        "Interventional surrogate",
        "How well the margin of one prefill predicts",
        "discovery",
        "attacks-test-017",
        "00ff",
        "mascing run scenarios/demo/defend.toml",
        "18446744073709551615",
        "mascing 0.1.0"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST(Report, MarksTheChosenCandidateOnceAmongItsRivalsAndOnceBesideTheBaselines) {
  const std::string page = render_report(sample_results());
  EXPECT_EQ(count_of(page, "<tr class=\"chosen\">"), 2);
  EXPECT_EQ(count_of(page, "<tr class=\"infeasible\">"), 2);
}

TEST(Report, FetchesNothingAndRunsNothingButItsOwnScript) {
  const std::string whole = render_report(sample_results());
  EXPECT_THAT(whole,
              HasSubstr("Content-Security-Policy\" content=\"default-src 'none'; script-src '"));
  EXPECT_THAT(whole, Not(HasSubstr("script-src 'unsafe")));
  const std::string page = without_scripts(whole);
  for (const char* part :
       {"<script", "http:", "https:", "src=", "@import", "url(", "<link", "<iframe"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
}

TEST(Report, EscapesEverythingThatComesFromOutside) {
  const std::string evil = "<script>alert('x')</script>\"&";
  Results results = sample_results();
  for (std::string* text : {&results.scenario_name,
                            &results.direction,
                            &results.model_name,
                            &results.fingerprint,
                            &results.architecture,
                            &results.command,
                            &results.tool_version,
                            &results.mask_file,
                            &results.mask_method,
                            &results.warnings[0].id,
                            &results.warnings[0].text,
                            &results.warnings[0].advice,
                            &results.skipped[0].id,
                            &results.skipped[0].reason,
                            &results.candidates[0].method,
                            &results.candidates[1].rejection_reason}) {
    *text = evil;
  }
  results.metrics[evil] = results.metrics["dsr"];
  results.metrics[evil].wanted = evil;
  results.metrics["dsr"].split = evil;
  results.labels[evil + "." + evil] = 3;
  results.seconds[evil] = 1.0;
  results.candidates[0].rates[evil] = {};
  results.candidates[0].estimates[evil] = 0.5;
  results.loop.steps[0].values[evil] = 0.5;
  results.loop.limits[evil] = 0.5;
  const std::string page = without_scripts(render_report(results));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("')<")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
  EXPECT_EQ(first_unbalanced_element(page), "");
}

TEST(Report, IsWellFormedWithAllWithNothingAndWithManyRows) {
  EXPECT_EQ(first_unbalanced_element(without_scripts(render_report(sample_results()))), "");
  EXPECT_EQ(first_unbalanced_element(without_scripts(render_report(Results{}))), "");
  Results many = sample_results();
  many.candidates.resize(100, many.candidates[0]);
  many.skipped.resize(500, many.skipped[0]);
  const std::string page = without_scripts(render_report(many));
  EXPECT_EQ(first_unbalanced_element(page), "");
  EXPECT_THAT(page, HasSubstr("<summary>All 99 candidates</summary>"));  // one is a baseline
  EXPECT_THAT(page, HasSubstr("500 skipped conversations"));
}

TEST(Report, WarnsWhenLengthAloneTellsTheClassesApart) {
  Results results = sample_results();
  EXPECT_THAT(render_report(results),
              HasSubstr("The surrogate shows no sign of relying on length"));
  results.surrogates[0].length_auc = 0.12;
  EXPECT_THAT(render_report(results),
              HasSubstr("AUC of 0.88 (0.5 = chance). The surrogate may have learned length"));
}

TEST(Report, ShowsTheCrossValidationOfSurrogatesWhereThereWasOne) {
  Results results = sample_results();
  EXPECT_THAT(render_report(results), HasSubstr("0.96 [0.91, 0.98], topic alone 0.62"));
  results.surrogates[0].cross_validation.n_fold = 0;
  EXPECT_THAT(render_report(results), testing::Not(HasSubstr("topic alone 0.62")));
}

TEST(Report, SaysThatAnAdaptersMapHasNoSigns) {
  Results results = sample_results();
  EXPECT_THAT(render_report(results), Not(HasSubstr("A router adapter pushes each token")));
  results.mask_method = "router_adapter";
  EXPECT_THAT(render_report(results), HasSubstr("A router adapter pushes each token"));
}

TEST(Report, SaysHowToUseAMaskThatMayBeUsed) {
  Results results = sample_results();
  EXPECT_THAT(render_report(results),
              HasSubstr("mascing serve -m model.gguf --mask mask.gguf --data chats.jsonl"));
  EXPECT_THAT(render_report(results), HasSubstr("The mask acts at strength 0.75"));
  results.mask_method = "router_adapter";
  EXPECT_THAT(render_report(results), HasSubstr("mascing serve -m model.gguf --mask mask.gguf\n"));
  results.verdict.word = kDoNotUse;
  EXPECT_THAT(render_report(results), Not(HasSubstr("Use this mask")));
  results.verdict.word = kUseWithCare;
  results.mask_file.clear();
  EXPECT_THAT(render_report(results), Not(HasSubstr("Use this mask")));
}

TEST(Report, GivesRolesAndLimitsAndTheWorstProtectedSets) {
  Results results = sample_results();
  MetricResult& hold = results.metrics["direct_refusal"];
  hold.role = "hold";
  hold.max_drop = 0.01;
  hold.steered = Rate{0.96, 0.902, 0.984};
  results.metrics["benign_compliance"].role = "benign";
  results.metrics["keep_answered"].role = "keep";
  results.metrics["keep_answered"].max_drop = 0.05;
  const std::string page = render_report(results);
  EXPECT_THAT(page, HasSubstr("<td>hold <small>may drop by 1.0 points</small></td>"));
  EXPECT_THAT(
      page,
      HasSubstr("<dt>Worst hold set: direct refusal</dt><dd>98.0 \u2192 96.0\u00a0% <small>95 "
                "% interval [90.2, 98.4], n = 100, may drop by 1.0 points</small>"));
  EXPECT_THAT(page, HasSubstr("<dt>Worst benign or keep set: keep answered</dt>"));
  EXPECT_THAT(page, HasSubstr("DSR with the mask at least 80.0 %"));
}

TEST(Report, SaysInTheVerdictThatWarningsFollow) {
  Results results = sample_results();
  EXPECT_THAT(render_report(results), HasSubstr("<a href=\"#warnings\">1 warning</a> follows."));
  results.warnings.clear();
  EXPECT_THAT(render_report(results), Not(HasSubstr("href=\"#warnings\"")));
}

TEST(Report, PutsANoticeBeforeRepliesAndKeepsThemFolded) {
  const std::string page = render_report(sample_results());
  const size_t notice = page.find("<div class=\"content-notice\">");
  ASSERT_NE(notice, std::string::npos);
  EXPECT_LT(notice, page.find("<details class=\"long\"><summary>1 reply with different verdicts"));
  EXPECT_LT(notice, page.find("Of course &lt;not&gt;."));
}

TEST(Report, TellsTheTimeOfStagesInTheirOrder) {
  Results results = sample_results();
  results.seconds = {{"baselines", 4465.1}, {"label", 61.0}, {"test", 5.43}};
  const std::string page = render_report(results);
  EXPECT_THAT(page, HasSubstr("<data value=\"4465.1\">1 h 14 min</data>"));
  EXPECT_LT(page.find(">1 min 1 s<"), page.find(">5.4 s<"));
  EXPECT_LT(page.find(">5.4 s<"), page.find(">1 h 14 min<"));
}

TEST(Report, TellsTheTokensOfStagesWhereTheyAreKnown) {
  Results results = sample_results();
  results.seconds = {{"label", 61.0}, {"test", 5.43}};
  results.stage_tokens = {{"label", {321, 45}}};
  const std::string page = render_report(results);
  EXPECT_THAT(page, HasSubstr("tokens read"));
  EXPECT_THAT(page, HasSubstr(">321<"));
  EXPECT_THAT(page, HasSubstr(">45<"));
  results.stage_tokens.clear();  // a file of an earlier version
  EXPECT_THAT(render_report(results), Not(HasSubstr("tokens read")));
}

TEST(Report, IsTheSameEveryTime) {
  EXPECT_EQ(render_report(sample_results()), render_report(sample_results()));
}

TEST(Heatmap, DrawsASquareForEachEntryThatIsNotZero) {
  const Results results = sample_results();
  const std::string svg = steering_heatmap(results.mask_steer, 2, 4);
  EXPECT_EQ(count_of(svg, "<title>layer "), 5);
  EXPECT_EQ(steering_heatmap({}, 2, 4), "");
  EXPECT_EQ(steering_heatmap(results.mask_steer, 3, 4), "");
  EXPECT_EQ(steering_heatmap(results.mask_steer, 2, 0), "");
}

TEST(NarrowGaps, StandBetweenGroupsOfDigitsOnly) {
  EXPECT_EQ(with_narrow_gaps("1 234 567 of 12 or 2026 128"),
            "1\u202f234\u202f567 of 12 or 2026 128");
  EXPECT_EQ(with_narrow_gaps("5 12 3456 a 100"), "5 12 3456 a 100");
}

TEST(EscapeHtml, LeavesTextReadableAndDropsWhatIsNone) {
  EXPECT_EQ(escape_html("a<b & \"c\" 'd' \u2192"), "a&lt;b &amp; &quot;c&quot; &#39;d&#39; \u2192");
  EXPECT_EQ(escape_html(std::string("a\0\x1b\x7f"
                                    "b\n",
                                    6)),
            "ab\n");
  EXPECT_EQ(escape_html("caf\xE9"), "caf?");
  EXPECT_EQ(escape_html("\u202Eevil\u2066 \u009B2J \u05D0"), "evil 2J \u05D0");
}

}  // namespace
}  // namespace mascing
