// The trained zoo reads in libllama what it was trained on in PyTorch: the Jinja templates and the
// vocabulary of the files give, for conversations of the data, the token ids that tools/demo/zoo
// made of them without either.
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "host/zoo_names.h"
#include "mascing/conversation_file.h"
#include "mascing/llama_host.h"

namespace mascing {
namespace {

using Ids = std::vector<int32_t>;

class ZooPrompt : public testing::TestWithParam<std::string> {};

TEST_P(ZooPrompt, TemplateAndVocabularyGiveTheTokensOfTheTraining) {
  LlamaHostOptions options;
  options.path = std::string(MASCING_ZOO_MODELS) + "/" + GetParam() + ".gguf";
  options.n_thread = 1;
  options.chat_template.reasoning = ReasoningMode::kOn;
  const auto host = open_llama_host(options);
  std::set<Ids> rendered;
  for (const char* set : {"attacks", "restricted", "benign"}) {
    const std::string path = std::string(MASCING_ZOO_MODELS) + "/data/" + set + ".jsonl";
    for (const Conversation& conversation : read_conversations(path)) {
      rendered.insert(host->render(conversation).tokens);
    }
  }
  const std::string fixture = std::string(MASCING_FIXTURES) + "/" + GetParam() + ".json";
  const auto prompts = nlohmann::json::parse(std::ifstream(fixture)).at("prompts");
  ASSERT_GE(prompts.size(), 50U);
  for (const auto& prompt : prompts) {
    EXPECT_TRUE(rendered.contains(prompt.at("ids").get<Ids>())) << prompt.at("ids");
  }
}

INSTANTIATE_TEST_SUITE_P(Zoo,
                         ZooPrompt,
                         testing::ValuesIn(fixture_names(MASCING_FIXTURES)),
                         test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ZooPrompt);

}  // namespace
}  // namespace mascing
