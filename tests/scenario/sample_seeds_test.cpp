// Which conversations of the test split are sampled.
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "scenario/tiny_scenario.h"

namespace mascing {
namespace {

TEST(SampleSeeds, AreOfWhatMattersMostUnlessTheScenarioSaysOtherwise) {
  const TemporaryFolder folder;
  const std::vector<int64_t> three = {1, 2, 3};
  const std::vector<int64_t> none;
  Scenario scenario = write_defend(folder.path());
  for (const SetRole role : {SetRole::kTarget, SetRole::kHold}) {
    scenario.sets[0].role = role;
    EXPECT_EQ(scenario.sample_seeds_of(scenario.sets[0]), three);
  }
  for (const SetRole role : {SetRole::kBenign, SetRole::kKeep, SetRole::kWatch}) {
    scenario.sets[0].role = role;
    EXPECT_EQ(scenario.sample_seeds_of(scenario.sets[0]), none);
    scenario.sample_seeds = {7};
    EXPECT_EQ(scenario.sample_seeds_of(scenario.sets[0]), std::vector<int64_t>{7});
    scenario.sample_seeds.reset();
  }
  std::string text = read_text_file(folder.path("defend.toml"));
  text.insert(text.find("max_tokens"), "sample_seeds = []\n");
  write_file_atomically(folder.path("defend.toml"), text);
  scenario = read_scenario(folder.path("defend.toml"));
  EXPECT_EQ(scenario.sample_seeds_of(scenario.target()), none);
}

}  // namespace
}  // namespace mascing
