// Texts that are no TOML, or none that its parser survives.
#include <string>

#include "scenario/scenario_file.h"

namespace mascing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(ScenarioFile, WhatTheParserItselfDoesNotExpectIsAnErrorLikeAnyOther) {
  EXPECT_THAT(error_of("name = \"tin7:33:00Zd\"\n[[\x03"
                       "et]]\bme"),
              HasSubstr("not valid TOML"));
  // Letters that toml++'s table of white space forgets, where it looks for white space.
  for (const char* letter : {"\u00A1", "\u01B1", "\u0499"}) {
    EXPECT_THAT(error_of(std::string("[[set]]") + letter + "+ a"), HasSubstr("not valid TOML"));
    EXPECT_THAT(error_of(std::string("name =") + letter), HasSubstr("not valid TOML"));
  }
}

TEST_F(ScenarioFile, AKeyOfTooManyPartsIsRefusedBeforeTheParserSeesIt) {
  std::string parts = "a";
  for (int i = 0; i < 300000; ++i) {
    parts += ".a";
  }
  const std::string words = "not valid TOML: a key or header with more than 16 dots";
  const std::string before = "# a.a\nx = \"\"\"\nq\"\"\"\"\n";
  for (const std::string& text : {"[" + parts + "]\n",
                                  "[[" + parts + "]]\n",
                                  parts + " = 1\n",
                                  "y = {b = 1, " + parts + " = 1}\n",
                                  "y = {b = '''q'''', " + parts + " = 1}\n",
                                  "y = 'q' \n\"\"." + parts + " = 1\n"}) {
    EXPECT_THAT(error_of(before + text), HasSubstr(words)) << text.substr(0, 30);
  }
  EXPECT_THAT(error_of(before + "[" + parts + "]\n"), StartsWith("4: "));
  // Dots in strings, comments and one after the other are none of one key.
  const std::string dots(1000, '.');
  std::string list = "y = [";
  for (int i = 0; i < 100; ++i) {
    list += "1.5, ";
  }
  for (const std::string& text : {"y = \"\\\"" + dots + "\"\n",
                                  "y = '" + dots + "'\n",
                                  "y = \"\"\"\n" + dots + "\n\\\"\"\"" + dots + "\"\"\"\n",
                                  "# " + dots + "\n",
                                  list + "1.0]\n"}) {
    EXPECT_THAT(error_of(before + text), Not(HasSubstr("not valid TOML"))) << text.substr(0, 30);
  }
}

TEST_F(ScenarioFile, PassesOnWhatTomlFindsWrong) {
  EXPECT_THAT(error_of("name = \"x\"\ndirection = defend\n"), StartsWith("2: not valid TOML: "));
  EXPECT_THAT(error_of("name = \"x\"\nname = \"y\"\n"), StartsWith("2: not valid TOML: "));
  EXPECT_THAT(error_of("name = \"\xff\"\n"), HasSubstr("not UTF-8"));
}

}  // namespace
}  // namespace mascing
