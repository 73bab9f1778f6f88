// Modes and arguments of chat templates as users give them.
#include "mascing/template_options.h"

#include <gtest/gtest.h>

#include "base/expect_error.h"

namespace mascing {
namespace {

TemplateOptions with(std::initializer_list<const char*> arguments) {
  TemplateOptions options;
  for (const char* argument : arguments) {
    add_template_argument(argument, options);
  }
  return options;
}

TEST(TemplateOptionsTest, AWordIsAStringAndAnythingElseIsJson) {
  const TemplateOptions options =
      with({"effort=low", "n=3", "deep=false", R"(list=["a"])", R"(s="x y")", "empty="});
  EXPECT_EQ(options.arguments.at("effort"), R"("low")");
  EXPECT_EQ(options.arguments.at("n"), "3");
  EXPECT_EQ(options.arguments.at("deep"), "false");
  EXPECT_EQ(options.arguments.at("list"), R"(["a"])");
  EXPECT_EQ(options.arguments.at("s"), R"("x y")");
  EXPECT_EQ(options.arguments.at("empty"), R"("")");
}

TEST(TemplateOptionsTest, TheLastValueCounts) {
  EXPECT_EQ(with({"effort=low", "effort=a=b"}).arguments.at("effort"), R"("a=b")");
}

TEST(TemplateOptionsTest, EnableThinkingIsAMode) {
  EXPECT_EQ(with({"enable_thinking=true"}).reasoning, ReasoningMode::kOn);
  EXPECT_EQ(with({"enable_thinking=true", "enable_thinking=false"}).reasoning, ReasoningMode::kOff);
  EXPECT_TRUE(with({"enable_thinking=true"}).arguments.empty());
  expect_error(
      ErrorKind::kUsage, "expected true or false", [] { (void)with({"enable_thinking=perhaps"}); });
}

TEST(TemplateOptionsTest, WhatIsNoArgumentIsRefused) {
  for (const char* text : {"", "effort", "=low", "a b=c", "a-b=c"}) {
    expect_error(ErrorKind::kUsage, "is not name=value", [&] { (void)with({text}); });
  }
}

TEST(TemplateOptionsTest, ModesAreReadAsTheyAreWritten) {
  for (const ReasoningMode mode : {ReasoningMode::kOn, ReasoningMode::kOff, ReasoningMode::kSkip}) {
    EXPECT_EQ(parse_reasoning_mode(to_string(mode)), mode);
  }
  expect_error(
      ErrorKind::kUsage, "expected on, off or skip", [] { (void)parse_reasoning_mode("maybe"); });
}

TEST(TemplateOptionsTest, AnArgumentThatNestsWithoutEndIsText) {
  const std::string deep = std::string(300000, '[') + std::string(300000, ']');
  EXPECT_EQ(with({("x=" + deep).c_str()}).arguments.at("x"), "\"" + deep + "\"");
}

TEST(TemplateOptionsTest, KeysDifferAsOptionsDo) {
  EXPECT_EQ(template_key({}), "");
  EXPECT_EQ(template_key({ReasoningMode::kSkip, {{"a", "1"}, {"b", "\"x\""}}}), "skip,a=1,b=\"x\"");
  EXPECT_NE(template_key(with({"n=3"})), template_key(with({R"(n="3")"})));
}

TEST(TemplateOptionsTest, ANameThatTheTemplateLacksIsFoundWithItsNearest) {
  TemplateOptions options;
  options.arguments = {{"reasoning_efort", "\"low\""}, {"builtin_tools", "[]"}};
  const std::string source = "{% if reasoning_effort == 'low' %}{{ builtin_tools }}{% endif %}";
  const auto unknown = unknown_arguments(options, source);
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_EQ(unknown[0].first, "reasoning_efort");
  EXPECT_EQ(unknown[0].second, "reasoning_effort");
  EXPECT_TRUE(unknown_arguments(options, "").empty());
}

}  // namespace
}  // namespace mascing
