// Templates that would end llama.cpp's parser, and those that must pass.
#include "host/llama/template_limits.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <log.h>

#include "base/expect_error.h"
#include "base/files.h"
#include "host/llama/chat_template.h"

namespace mascing {
namespace {

std::string times(size_t n, const std::string& text) {
  std::string all;
  for (size_t i = 0; i < n; ++i) {
    all += text;
  }
  return all;
}

void expect_refused(const std::string& words, const std::string& source) {
  expect_error(ErrorKind::kBadInput, words, [&] { require_sane_template(source); });
}

class TemplateLimits : public testing::Test {
 protected:
  static void SetUpTestSuite() { common_log_set_verbosity_thold(LOG_LEVEL_ERROR); }
};

TEST_F(TemplateLimits, LetTheTemplatesOfLlamaCppPass) {
  int64_t n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MASCING_LLAMA_TEMPLATES)) {
    if (entry.path().extension() == ".jinja") {
      EXPECT_NO_THROW(require_sane_template(read_text_file(entry.path()))) << entry.path();
      ++n;
    }
  }
  EXPECT_GE(n, 50);
}

TEST_F(TemplateLimits, CountWhatStandsWithinSomethingElse) {
  const std::string nested = "nested more than 100 deep";
  for (const std::string pair : {"()", "[]"}) {
    const std::string begin(1, pair[0]);
    const std::string end(1, pair[1]);
    expect_refused(nested, "{{ " + times(200, begin) + "1" + times(200, end) + " }}");
    EXPECT_NO_THROW(require_sane_template("{{ " + times(90, begin) + "1" + times(90, end) + " }}"));
    EXPECT_NO_THROW(require_sane_template("{{ " + times(2000, begin + "1" + end + ", ") + "1 }}"));
  }
  expect_refused(nested, "{{ " + times(200, "{'a': ") + "1" + times(200, "}") + " }}");
  for (const std::string block : {"if x",
                                  "for x in y",
                                  "macro f()",
                                  "call f()",
                                  "filter f",
                                  "set x",
                                  "set x(a = 1)",
                                  "- if x"}) {
    const std::string word = block.substr(0, block.find(' '));
    expect_refused(nested, times(200, "{%" + (word == "-" ? block : " " + block) + " %}"));
  }
  expect_refused(nested, "{% if x %}" + times(200, "{% elif x %}") + "{% endif %}");
  for (const char* one : {"{% if x %}{% elif y %}{% else %}{% endif %}",
                          "{% set x = 1 %}",
                          "{% set x %}a{% endset %}",
                          "{% generation %}a{% endgeneration %}",
                          "{{ '((((' }}{# (((( #}(((( {{ {'a': {'b': 1}} }}"}) {
    EXPECT_NO_THROW(require_sane_template(times(1000, one))) << one;
  }
}

TEST_F(TemplateLimits, CountWhatIsChainedInATag) {
  const std::string chained = "a tag of more than 1000 words and signs";
  for (const char* link : {"not ", "- ", "1 + ", "x if y else ", "x.", "x | "}) {
    expect_refused(chained, "{{ " + times(3000, link) + "z }}");
    EXPECT_NO_THROW(require_sane_template(times(3000, "{{ " + std::string(link) + "z }}")));
  }
  expect_refused(chained, "{{ x" + times(3000, "(1, 2)") + " }}");
  expect_refused(chained,
                 "{{ x" + times(20, "(" + times(100, "- ")) + "1" + times(20, ")") + " }}");
  EXPECT_NO_THROW(require_sane_template("{% set x = {" + times(3000, "'aa': 'Afar', ") + "} %}"));
}

TEST_F(TemplateLimits, CountBytes) {
  expect_refused("expected at most 262144", std::string(300000, 'x'));
  EXPECT_NO_THROW(require_sane_template(std::string(200000, 'x')));
}

TEST_F(TemplateLimits, HoldBeforeLlamaCppParses) {
  for (const std::string& source : {"{{ " + times(10000, "(") + "1" + times(10000, ")") + " }}",
                                    times(20000, "{% if true %}"),
                                    "{{ " + times(100000, "-") + "1 }}"}) {
    expect_error(
        ErrorKind::kBadInput, "the model's chat template has", [&] { (void)ChatTemplate(source); });
  }
}

// What is just allowed is parsed and run on a thread's usual stack.
TEST_F(TemplateLimits, LeaveNothingThatEndsTheParser) {
  for (const std::string& source :
       {"{{ " + times(95, "(") + "1" + times(95, ")") + " }}",
        times(95, "{% if true %}") + "a" + times(95, "{% endif %}"),
        "{{ " + times(990, "- ") + "1 }}",
        "{{ " + times(990, "not ") + "1 }}",
        "{{ 1" + times(490, " + 1") + " }}",
        "{{ 'a'" + times(490, " | trim") + " }}",
        "{{ " + times(90, "[" + times(9, "- ")) + "1" + times(90, "]") + " }}"}) {
    const ChatTemplate chat(source);
    try {
      (void)chat.apply({{"user", "Who rules?"}}, false);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    }
  }
}

}  // namespace
}  // namespace mascing
