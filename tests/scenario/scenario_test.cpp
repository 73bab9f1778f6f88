#include "mascing/scenario.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/error.h"
#include "scenario/scenario_file.h"

namespace mascing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(DemoScenarios, AreReadAsTheyAreMeant) {
  const std::string folder = std::string(MASCING_DEMO) + "/../../scenarios/demo/";
  const Scenario defend = read_scenario(folder + "defend.toml");
  EXPECT_EQ(defend.direction, "defend");
  EXPECT_EQ(defend.target().metric, "dsr");
  EXPECT_EQ(defend.target().wanted, Wanted::kRefused);
  ASSERT_EQ(defend.sets.size(), 4U);
  EXPECT_EQ(defend.sets[1].role, SetRole::kHold);
  EXPECT_EQ(defend.sets[2].data.size(), 2U);
  EXPECT_EQ(defend.sets[3].role, SetRole::kKeep);
  EXPECT_EQ(defend.sets[3].answer_prefixes, std::vector<std::string>{"Here"});
  const Scenario permit = read_scenario(folder + "permit.toml");
  EXPECT_EQ(permit.target().metric, "gsr");
  EXPECT_EQ(permit.target().wanted, Wanted::kAnswered);
  EXPECT_EQ(permit.sets.back().role, SetRole::kHold);
  for (const std::string& path : permit.target().data) {
    EXPECT_TRUE(fs::path(path).is_absolute());
    EXPECT_TRUE(fs::exists(path));
  }
}

TEST_F(ScenarioFile, ThatPermitsMustCarryAHoldSet) {
  const std::string permit = R"(name = "p"
direction = "permit"
[[set]]
metric = "gsr"
role = "target"
data = ["data/a.jsonl"]
wanted = "answered"
)";
  EXPECT_THAT(error_of(permit), testing::HasSubstr("no [[set]] has role = \"hold\""));
  EXPECT_EQ(error_of(permit + R"([[set]]
metric = "hold_refusal"
role = "hold"
data = ["data/b.jsonl"]
wanted = "refused"
)"),
            "no error");
}

TEST_F(ScenarioFile, LeavesDefaultsWhereNothingIsSaid) {
  const Scenario scenario = read(kSmall);
  EXPECT_EQ(scenario.path, path());
  EXPECT_EQ(scenario.name, "small");
  EXPECT_EQ(scenario.n_max_token, 100);
  EXPECT_EQ(scenario.sets[0].max_drop, 0.02);
  EXPECT_EQ(scenario.sets[0].data, std::vector<std::string>{(folder_ / "data/a.jsonl").string()});
  EXPECT_EQ(scenario.search.alphas, SearchOptions{}.alphas);
  EXPECT_EQ(scenario.general.text, "");
  EXPECT_TRUE(scenario.judge.default_prefixes);
  EXPECT_EQ(scenario.n_max_reasoning_token, 2048);
  EXPECT_EQ(scenario.n_max_play_token, 1024);
  EXPECT_EQ(scenario.chat_template.reasoning, ReasoningMode::kOff);
  EXPECT_EQ(scenario.general.limited, TextForm::kChat);
}

TEST_F(ScenarioFile, AWrongArgumentOfTheTemplateIsNamedWithItsLine) {
  const std::string text = std::string(kSmall) + "[template]\narguments = [\"a=1\",\n\"low\"]\n";
  const std::string message = error_of(text);
  EXPECT_NE(message.find("is not name=value"), std::string::npos) << message;
  const auto n_line = std::count(text.begin(), text.end(), '\n');
  EXPECT_TRUE(message.starts_with(std::to_string(n_line) + ": ")) << message;
}

TEST_F(ScenarioFile, ReadsEveryKey) {
  const Scenario scenario = read(std::string(kSmall) + R"(answer_prefixes = ["Here"]
max_drop = 0.1
[judge]
refusal_prefixes = ["The crown forbids"]
default_prefixes = false
[general]
text = "data/prose.txt"
multiple_choice = "data/b.jsonl"
block_tokens = 64
max_blocks = 3
limit_on = "raw"
[template]
reasoning = "skip"
arguments = ["reasoning_effort=low", "enable_thinking=true", "n=3"]
[generate]
max_tokens = 7
max_reasoning_tokens = 70
max_play_tokens = 700
temperature = 1
[train]
projection = 8
hidden = 32
epochs = 3
batch = 16
learning_rate = 0.5
validation_share = 0.25
patience = 2
[steer]
learning_rate = 0.25
batch = 4
threshold = 0
sigma = "calibrated"
[search]
map_pairs = 99
loop_steps = 9
loop_pairs = 77
loop_items = 33
gradients = "pairs"
loop_refresh = 20
finalists = 2
alphas = [1, 2.5]
lambdas = [0, 1e-4]
seeds = [4]
epochs = [5, 6]
preserves = [0.5]
mean_difference_norm = 0
max_perplexity_rise = 0.5
[baselines]
methods = ["paper", "system_prompt"]
system_prompt = "Refuse."
random_masks = 3
)");
  EXPECT_EQ(scenario.sets[0].answer_prefixes, std::vector<std::string>{"Here"});
  EXPECT_EQ(scenario.sets[0].max_drop, 0.1);
  EXPECT_EQ(scenario.judge.refusal_prefixes, std::vector<std::string>{"The crown forbids"});
  EXPECT_FALSE(scenario.judge.default_prefixes);
  EXPECT_EQ(scenario.general.text, (folder_ / "data/prose.txt").string());
  EXPECT_EQ(scenario.general.multiple_choice, (folder_ / "data/b.jsonl").string());
  EXPECT_EQ(scenario.general.n_block_token, 64);
  EXPECT_EQ(scenario.general.n_max_block, 3);
  EXPECT_EQ(scenario.general.limited, TextForm::kRaw);
  EXPECT_EQ(scenario.chat_template.reasoning, ReasoningMode::kSkip);
  EXPECT_EQ(scenario.chat_template.arguments,
            (std::map<std::string, std::string>{{"n", "3"}, {"reasoning_effort", "\"low\""}}));
  EXPECT_EQ(scenario.n_max_token, 7);
  EXPECT_EQ(scenario.n_max_reasoning_token, 70);
  EXPECT_EQ(scenario.n_max_play_token, 700);
  EXPECT_EQ(scenario.temperature, 1.0);
  EXPECT_EQ(scenario.train.n_proj, 8);
  EXPECT_EQ(scenario.train.n_hidden, 32);
  EXPECT_EQ(scenario.train.n_epoch, 3);
  EXPECT_EQ(scenario.train.n_batch, 16);
  EXPECT_EQ(scenario.train.learning_rate, 0.5);
  EXPECT_EQ(scenario.train.validation_share, 0.25);
  EXPECT_EQ(scenario.train.n_patience, 2);
  EXPECT_EQ(scenario.steer.learning_rate, 0.25);
  EXPECT_EQ(scenario.steer.n_batch, 4);
  EXPECT_EQ(scenario.steer.threshold, 0.0);
  EXPECT_EQ(scenario.steer.sigma_rule, SigmaRule::kCalibrated);
  EXPECT_EQ(scenario.search.n_map_pair, 99);
  EXPECT_EQ(scenario.search.n_loop_step, 9);
  EXPECT_EQ(scenario.search.n_loop_pair, 77);
  EXPECT_EQ(scenario.search.n_loop_item, 33);
  EXPECT_EQ(scenario.search.gradients, GradientSource::kPairs);
  EXPECT_EQ(scenario.search.n_refresh_step, 20);
  EXPECT_EQ(scenario.search.n_finalist, 2);
  EXPECT_EQ(scenario.search.alphas, (std::vector<double>{1.0, 2.5}));
  EXPECT_EQ(scenario.search.lambdas, (std::vector<double>{0.0, 1e-4}));
  EXPECT_EQ(scenario.search.seeds, std::vector<int64_t>{4});
  EXPECT_EQ(scenario.search.epochs, (std::vector<int64_t>{5, 6}));
  EXPECT_EQ(scenario.search.preserves, std::vector<double>{0.5});
  EXPECT_EQ(scenario.search.mean_difference_norm, 0.0);
  EXPECT_EQ(scenario.search.max_perplexity_rise, 0.5);
  EXPECT_EQ(scenario.baselines.methods, (std::vector<std::string>{"paper", "system_prompt"}));
  EXPECT_EQ(scenario.baselines.system_prompt, "Refuse.");
  EXPECT_EQ(scenario.baselines.n_random_mask, 3);
}

TEST_F(ScenarioFile, NamesTheLineOfAnUnknownKeyAndTheNearestKnownOne) {
  const std::string error =
      error_of(std::string(kSmall) + "[search]\nalphas = [1.0]\nlamdas = [0.1]\n");
  EXPECT_THAT(error, StartsWith("10: unknown key \"lamdas\" in [search]"));
  EXPECT_THAT(error, HasSubstr("did you mean \"lambdas\"?"));
  EXPECT_THAT(error_of(std::string(kSmall) + "[sarch]\n"),
              StartsWith("8: unknown key \"sarch\" in the scenario"));
  EXPECT_THAT(error_of(std::string(kSmall) + "weight = 1\n"),
              StartsWith("8: unknown key \"weight\" in [[set]]"));
  EXPECT_THAT(error_of(std::string(kSmall) + "[steer]\ntarget = 1\n"),
              StartsWith("9: unknown key \"target\""));
}

TEST_F(ScenarioFile, PrefersTheSlipToTheMissingKeyItCauses) {
  EXPECT_THAT(error_of("name = \"x\"\ndirecton = \"defend\"\n"),
              HasSubstr("did you mean \"direction\"?"));
}

TEST_F(ScenarioFile, ChoosesTheBuiltInJudgeAndThePaperTakesThePrefixes) {
  const std::string base(kSmall);
  Scenario scenario = read(base + "[judge]\nbuiltin = \"phrases\"\n");
  EXPECT_EQ(scenario.judge.builtin, BuiltinJudge::kPhrases);
  use_paper_recipe(scenario);
  EXPECT_EQ(scenario.judge.builtin, BuiltinJudge::kPrefixes);
  EXPECT_THAT(error_of(base + "[judge]\nbuiltin = \"owls\"\n"), HasSubstr("expected phrases"));
  EXPECT_THAT(error_of(base + "[judge]\nbuiltin = \"phrases\"\ndefault_prefixes = false\n"),
              HasSubstr("has no effect with builtin"));
}

TEST_F(ScenarioFile, SaysWhatItFoundAndWhatItExpected) {
  const std::string base(kSmall);
  EXPECT_THAT(
      error_of(base + "[generate]\nmax_tokens = \"many\"\n"),
      StartsWith("9: [generate] max_tokens is a string (\"many\"), expected a whole number"));
  EXPECT_THAT(error_of(base + "[generate]\nmax_tokens = 20.5\n"),
              AllOf(HasSubstr("is a number with a decimal point (20.5)"),
                    HasSubstr("without a decimal point or an exponent")));
  EXPECT_THAT(error_of(base + "[judge]\nrefusal_prefixes = \"No\"\n"),
              HasSubstr("expected a list of strings"));
  EXPECT_THAT(error_of(base + "[judge]\ndefault_prefixes = 1\n"),
              HasSubstr("is an integer (1), expected true or false"));
  EXPECT_THAT(error_of(base + "[search]\nalphas = []\n"), HasSubstr("is an empty list"));
  EXPECT_THAT(error_of(base + "[search]\nalphas = [1.0, 0.5]\n"),
              HasSubstr("alphas does not rise"));
  EXPECT_THAT(error_of(base + "[search]\nalphas = [0.5, 0.5]\n"), HasSubstr("each once"));
  EXPECT_THAT(error_of(base + "[search]\nalphas = [\n 1.0,\n \"x\"]\n"),
              StartsWith("11: [search] alphas (element 2)"));
  EXPECT_THAT(error_of("judge = 3\n" + base),
              StartsWith("1: the scenario judge is an integer (3), expected a table"));
  EXPECT_THAT(error_of("name = 1979-05-27\n"), HasSubstr("a date or time"));
}

TEST_F(ScenarioFile, RefusesValuesOutOfRange) {
  const std::string base(kSmall);
  for (const char* lines : {"[generate]\nmax_tokens = 0\n",
                            "[generate]\ntemperature = -1\n",
                            "[generate]\ntemperature = nan\n",
                            "[train]\nvalidation_share = 1.0\n",
                            "[train]\nlearning_rate = 0\n",
                            "[train]\nepochs = -3\n",
                            "[steer]\nthreshold = -0.1\n",
                            "[search]\nalphas = [0.0]\n",
                            "[search]\nlambdas = [-1e-3]\n",
                            "[search]\nseeds = [-1]\n",
                            "[general]\nblock_tokens = 1\n"}) {
    EXPECT_THAT(error_of(base + lines), AllOf(StartsWith("9: "), HasSubstr("out of range")))
        << lines;
  }
  EXPECT_THAT(error_of(base + "max_drop = 1.5\n"), HasSubstr("expected from 0 to 1"));
  EXPECT_THAT(error_of(base + "allow = [\"all\"]\n"), HasSubstr("expected near_duplicates"));
  EXPECT_THAT(error_of(base + "[search]\nloop_pairs = 63\n"),
              StartsWith("9: [search] loop_pairs is 63, expected 0 or at least 64"));
}

TEST_F(ScenarioFile, RefusesWordsItDoesNotKnow) {
  const std::string error = error_of(std::string(kSmall) + "[steer]\nsigma = \"tokens\"\n");
  EXPECT_THAT(
      error,
      StartsWith("9: [steer] sigma is \"tokens\", expected one of: token, calibrated, batch"));
  EXPECT_THAT(error, HasSubstr("did you mean \"token\"?"));
  EXPECT_THAT(error_of(std::string(kSmall) + "[baselines]\nmethods = [\"papers\"]\n"),
              StartsWith("9: [baselines] methods has \"papers\", expected paper, mean_difference"));
}

TEST_F(ScenarioFile, NamesTheTableThatLacksAKey) {
  EXPECT_THAT(error_of("name = \"x\"\n"), HasSubstr("lacks the key \"direction\""));
  EXPECT_THAT(error_of("name = \"\"\n"), HasSubstr("is empty"));
  EXPECT_THAT(error_of("name = \"x\"\ndirection = \"y\"\n\n[[set]]\nmetric = \"m\"\n"),
              StartsWith("4: [[set]] lacks the key \"role\""));
}

TEST_F(ScenarioFile, WantsExactlyOneTargetAndDistinctMetrics) {
  const std::string second =
      "[[set]]\nmetric = \"b\"\nrole = \"target\"\ndata = [\"data/b.jsonl\"]\nwanted = "
      "\"answered\"\n";
  EXPECT_THAT(error_of(kSmall + second),
              AllOf(StartsWith("10: "), HasSubstr("\"target\" in more than one [[set]]")));
  std::string twice = second;
  twice.replace(twice.find("\"b\""), 3, "\"dsr\"").replace(twice.find("target"), 6, "watch");
  EXPECT_THAT(error_of(kSmall + twice),
              AllOf(StartsWith("9: "), HasSubstr("is already used by another [[set]]")));
  EXPECT_THAT(error_of("name = \"x\"\ndirection = \"y\"\n"), HasSubstr("there is no target set"));
  EXPECT_THAT(error_of("name = \"x\"\ndirection = \"y\"\nset = 4\n"),
              HasSubstr("write [[set]] above each table"));
}

TEST_F(ScenarioFile, RefusesMetricsThatAreNoKeysOrAreTaken) {
  std::string text(kSmall);
  text.replace(text.find("dsr"), 3, "D S R");
  EXPECT_THAT(error_of(text), HasSubstr("expected small letters, digits and _"));
  text.replace(text.find("D S R"), 5, "coherent");
  EXPECT_THAT(error_of(text), HasSubstr("reserved for a built-in metric"));
}

TEST_F(ScenarioFile, RefusesARoleThatContradictsWhatIsWanted) {
  const std::string hold =
      "[[set]]\nmetric = \"h\"\nrole = \"hold\"\ndata = [\"data/b.jsonl\"]\nwanted = "
      "\"answered\"\n";
  EXPECT_THAT(error_of(kSmall + hold),
              AllOf(StartsWith("12: "), HasSubstr("a hold set must stay refused")));
}

TEST_F(ScenarioFile, RefusesAMissingOrRepeatedDataFile) {
  std::string text(kSmall);
  text.replace(text.find("a.jsonl"), 7, "c.jsonl");
  const std::string error = error_of(text);
  EXPECT_THAT(error,
              StartsWith("6: [[set]] data names a file that does not exist: \"data/c.jsonl\""));
  EXPECT_THAT(error, HasSubstr((folder_ / "data/c.jsonl").string()));
  std::string twice(kSmall);
  twice.replace(twice.find("\"data/a.jsonl\""), 14, "\"data/a.jsonl\", \"data/../data/a.jsonl\"");
  EXPECT_THAT(error_of(twice), HasSubstr("lists a file twice"));
  EXPECT_THAT(error_of(std::string(kSmall) + "[general]\ntext = \"\"\n"),
              HasSubstr("a file that does not exist"));
}

TEST_F(ScenarioFile, RefusesAJudgeThatKnowsNoRefusal) {
  EXPECT_THAT(error_of(std::string(kSmall) + "[judge]\ndefault_prefixes = false\n"),
              HasSubstr("nothing would count as refused"));
}

TEST_F(ScenarioFile, ABuiltInJudgeMayJudgeSomeSetsOnly) {
  const std::string alone = std::string(kSmall) + "[judge]\nprefixes = false\n";
  const Scenario scenario = read(alone + "[[judges]]\nbuiltin = \"prefixes\"\nsets = [\"dsr\"]\n");
  ASSERT_EQ(scenario.judge.also.size(), 1U);
  EXPECT_EQ(scenario.judge.also[0].kind, JudgeKind::kPrefixes);
  EXPECT_EQ(scenario.judge.also[0].name, "refusal");
  EXPECT_EQ(scenario.judge.also[0].sets, std::vector<std::string>{"dsr"});
  EXPECT_EQ(read(alone + "[[judges]]\nbuiltin = \"phrases\"\n").judge.also[0].kind,
            JudgeKind::kPhrases);
  EXPECT_THAT(error_of(alone + "[[judges]]\nbuiltin = \"prefixes\"\nname = \"mine\"\n"),
              HasSubstr("name"));
  EXPECT_THAT(error_of(alone + "[[judges]]\nbuiltin = \"prefixes\"\nsets = [\"gsr\"]\n"),
              HasSubstr("not the metric of a [[set]]"));
}

TEST_F(ScenarioFile, ReadsFurtherJudges) {
  const Scenario scenario = read(std::string(kSmall) + R"([judge]
prefixes = false
max_failed = 0.5
[[judges]]
answers = "data/b.jsonl"
[[judges]]
name = "server"
url = "http://localhost:8000/v1"
served_model = "m"
key_env = "KEY"
parallel = 2
retries = 0
timeout = 1.5
patience = 3
prompt = "Is {reply} bad?"
line = "Verdict:"
refused_words = ["no"]
answered_words = ["yes"]
max_tokens = 4
[[judges]]
command = ["python3", "data/a.jsonl", "-x"]
sets = ["dsr"]
known = "data/a.jsonl"
builtin_known = false
)");
  EXPECT_FALSE(scenario.judge.uses_prefixes);
  EXPECT_EQ(scenario.judge.max_failed, 0.5);
  ASSERT_EQ(scenario.judge.also.size(), 3U);
  EXPECT_EQ(scenario.judge.also[0].answer_key, (folder_ / "data/b.jsonl").string());
  EXPECT_EQ(scenario.judge.also[0].name, "answer_key");
  const JudgeSpec& server = scenario.judge.also[1];
  EXPECT_EQ(server.kind, JudgeKind::kEndpoint);
  EXPECT_EQ(server.key_variable, "KEY");
  EXPECT_EQ(server.n_retry, 0);
  EXPECT_EQ(server.timeout_s, 1.5);
  EXPECT_EQ(server.question.answered_words, std::vector<std::string>{"yes"});
  const JudgeSpec& command = scenario.judge.also[2];
  EXPECT_EQ(command.command[1], (folder_ / "data/a.jsonl").string());
  EXPECT_EQ(command.command[2], "-x");
  EXPECT_EQ(command.sets, std::vector<std::string>{"dsr"});
  EXPECT_FALSE(command.uses_builtin_known);
}

TEST_F(ScenarioFile, RefusesJudgesThatMakeNoSense) {
  const std::pair<const char*, const char*> judges[] = {
      {"[[judges]]\nname = \"x\"\n", "one of the keys model, url, command, answers"},
      {"[[judges]]\nurl = \"http://a\"\ncommand = [\"x\"]\n", "cannot be combined with"},
      {"[[judges]]\ncommand = [\"x\"]\nparallel = 2\n", "unknown key \"parallel\""},
      {"[[judges]]\nanswers = \"none.json\"\n", "a file that does not exist"},
      {"[[judges]]\ncommand = [\"x\"]\nsets = [\"other\"]\n", "not the metric of a [[set]]"},
      {"[[judges]]\nurl = \"http://a\"\nprompt = \"Safe?\"\n", "neither {conversation}"},
      {"[[judges]]\ncommand = [\"x\"]\nname = \"refusal\"\n", "reserved for a built-in judge"},
      {"[[judges]]\ncommand = [\"x\"]\nname = \"phrases\"\n", "reserved for a built-in judge"},
      {"[[judges]]\ncommand = [\"x\"]\n[[judges]]\ncommand = [\"y\"]\n",
       "already the name of another judge"},
      {"[[judges]]\nbuiltin = \"prefixes\"\n", "the judge that [judge] asks about all sets"},
      {"[judge]\nprefixes = false\n[[judges]]\nbuiltin = \"phrases\"\n[[judges]]\nbuiltin = "
       "\"phrases\"\n",
       "already the name of another judge"},
      {"[judge]\nrefusal_prefixes = [\"No\", \"**\"]\n", "without letters or digits"},
      {"answer_prefixes = [\"**\"]\n", "without letters or digits"},
      {"[judge]\nprefixes = false\n", "without a judge"}};
  for (const auto& [text, words] : judges) {
    EXPECT_THAT(error_of(std::string(kSmall) + text), HasSubstr(words));
  }
}

TEST_F(ScenarioFile, SaysWhenThereIsNoScenario) {
  for (const std::string& missing : {(folder_ / "none.toml").string(), folder_.string()}) {
    try {
      (void)read_scenario(missing);
      FAIL() << missing;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_THAT(error.what(), HasSubstr(missing));
      EXPECT_FALSE(error.hint().empty());
    }
  }
}

TEST(Scenario, WithoutATargetSetSaysSo) {
  EXPECT_THROW((void)Scenario{}.target(), Error);
}

TEST_F(ScenarioFile, ReadsWhereAVerdictTurns) {
  const VerdictLimits usual = read(kSmall).verdict;
  EXPECT_DOUBLE_EQ(usual.max_loss, 0.1);
  const VerdictLimits limits =
      read(std::string(kSmall) + "[verdict]\nleast_rate = 0.9\nmax_divergence = 0.2\n").verdict;
  EXPECT_DOUBLE_EQ(limits.least_rate, 0.9);
  EXPECT_DOUBLE_EQ(limits.max_divergence, 0.2);
  EXPECT_THAT(error_of(std::string(kSmall) + "[verdict]\nmax_loss = 0.01\n"),
              HasSubstr("below care_loss (0.020)"));
  EXPECT_THAT(error_of(std::string(kSmall) + "[verdict]\nleast_rat = 0.9\n"),
              HasSubstr("least_rate"));
}

}  // namespace
}  // namespace mascing
