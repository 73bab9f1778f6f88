// `mascing init`: from public data to a folder with a scenario, its conversations, and the next
// command.
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <utility>

#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/data_table.h"
#include "cli/import_words.h"
#include "cli/init_model.h"
#include "cli/init_sets.h"
#include "cli/line_reader.h"
#include "cli/new_folder.h"
#include "cli/options.h"
#include "mascing/data_summary.h"
#include "mascing/error.h"

namespace mascing::cli {
namespace {

constexpr int64_t kLimit = 600;
constexpr std::array<const char*, 5> kWords = {"attacks", "requests", "hold", "keep", "benign"};

struct InitArguments {
  std::string output;
  std::string model;
  std::string name;
  std::string which = "defend";
  std::array<std::vector<std::string>, kWords.size()> files;  // in the order of kWords
  std::vector<std::string> columns;                           // [SET:]OURS=THEIRS
  std::vector<std::string> categories;                        // SET:NAME
  std::string guard;
  std::string text;
  std::string multiple_choice;
  int64_t n_limit = kLimit;
  uint64_t seed = 0;

  [[nodiscard]] std::vector<std::string>& of(const std::string& word) {
    return files.at(std::find(kWords.begin(), kWords.end(), word) - kWords.begin());
  }
};

/// "hold:prompt=question" -> {"hold", "prompt=question"}; no set without a colon.
std::pair<std::string, std::string> set_and_rest(const std::string& word, const char* option) {
  const size_t colon = word.find(':');
  if (colon == std::string::npos) {
    return {"", word};
  }
  const std::string set = word.substr(0, colon);
  if (std::find(kWords.begin(), kWords.end(), set) == kWords.end()) {
    throw Error(ErrorKind::kUsage,
                "[init] " + std::string(option) + " \"" + printable(word) +
                    "\": no set is called \"" + printable(set) + '"',
                "the sets are attacks, requests, hold, keep and benign");
  }
  return {set, word.substr(colon + 1)};
}

bool is_on_terminal() {
  return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/// A file from the terminal; empty if the user gives none.
void ask_for(const char* word, const std::string& what, InitArguments& arguments) {
  std::cerr << "File of " << what << " (--" << word << "): " << std::flush;
  std::string line;
  (void)read_plain_line(std::cin, line);
  if (line = trim(line); !line.empty()) {
    arguments.of(word).push_back(line);
  }
}

/// True if the terminal was asked. Throws Error{kUsage} naming the option if there is no file.
bool obtain(const char* word, const std::string& what, InitArguments& arguments) {
  if (!arguments.of(word).empty()) {
    return false;
  }
  if (is_on_terminal()) {
    ask_for(word, what, arguments);
  }
  if (arguments.of(word).empty()) {
    const std::string option = std::string("--") + word;
    throw Error(ErrorKind::kUsage,
                "[init] " + option + " is missing: " + what,
                "give a file that mascing import reads: " + option + " FILE");
  }
  return true;
}

/// What each template cannot do without. Who is asked for one file is asked for the others, too.
void settle_files(ScenarioTemplate which, InitArguments& arguments) {
  const bool defends = wanted_of(which) == Wanted::kRefused;
  if (defends && !arguments.of("requests").empty()) {
    throw Error(ErrorKind::kUsage,
                "[init] --requests belongs to the templates permit and paper-permit",
                "requests that must stay answered are --keep; those that attack are --attacks");
  }
  const char* const target = defends ? "attacks" : "requests";
  bool was_asked = obtain(
      target,
      defends ? "attacks that should end in a refusal" : "requests that the model should answer",
      arguments);
  if (!defends) {
    was_asked |=
        obtain("hold", "requests that must stay refused, which permitting demands", arguments);
  }
  was_asked |= obtain("benign", "ordinary requests that must stay answered", arguments);
  const std::array<std::pair<const char*, const char*>, 2> further = {
      {{"hold", "requests that must stay refused"},
       {"keep", "related requests that must stay answered"}}};
  for (const auto& [word, what] : further) {
    if (was_asked && arguments.of(word).empty()) {
      ask_for(word, std::string(what) + ", Enter for none", arguments);
    }
  }
}

NewSet set_of(const std::string& word, Wanted target) {
  const bool defends = target == Wanted::kRefused;
  if (word == "attacks") {
    return {"dsr", defends ? SetRole::kTarget : SetRole::kHold};
  }
  if (word == "requests") {
    return {"gsr", SetRole::kTarget};
  }
  if (word == "hold") {
    return {defends ? "direct_refusal" : "hold_refusal", SetRole::kHold};
  }
  return word == "keep" ? NewSet{"keep_answered", SetRole::kKeep}
                        : NewSet{"benign_compliance", SetRole::kBenign};
}

/// The sets that were given, the target first.
std::vector<SetSource> sources_of(ScenarioTemplate which, InitArguments& arguments) {
  std::vector<SetSource> sources;
  for (const char* word : kWords) {
    if (!arguments.of(word).empty()) {
      SetSource source;
      source.word = word;
      source.set = set_of(word, wanted_of(which));
      source.files = arguments.of(word);
      sources.push_back(std::move(source));
    }
  }
  std::stable_sort(sources.begin(), sources.end(), [](const SetSource& a, const SetSource& b) {
    return a.set.role == SetRole::kTarget && b.set.role != SetRole::kTarget;
  });
  return sources;
}

/// Every source that `set` names, or all without a name; throws Error{kUsage} if it was not given.
std::vector<SetSource*> meant_by(const std::string& set,
                                 const std::string& option,
                                 std::vector<SetSource>& sources) {
  std::vector<SetSource*> meant;
  for (SetSource& source : sources) {
    if (set.empty() || source.word == set) {
      meant.push_back(&source);
    }
  }
  if (meant.empty()) {
    throw Error(ErrorKind::kUsage,
                "[init] " + option + " names the set " + set + ", which has no file",
                "add --" + set + " FILE, or omit the option");
  }
  return meant;
}

void add_meanings(const InitArguments& arguments, std::vector<SetSource>& sources) {
  for (const std::string& word : arguments.columns) {
    const auto [set, column] = set_and_rest(word, "--column");
    for (SetSource* source : meant_by(set, "--column", sources)) {
      auto& columns = set.empty() ? source->optional_columns : source->columns;
      columns.push_back(parse_column(column, "init"));
    }
  }
  for (const std::string& word : arguments.categories) {
    const auto [set, category] = set_and_rest(word, "--category");
    if (set.empty()) {
      throw Error(ErrorKind::kUsage,
                  "[init] --category \"" + printable(word) + "\", expected SET:NAME",
                  "such as --category keep:safe");
    }
    SetSource& source = *meant_by(set, "--category", sources).front();
    if (!source.category.empty()) {
      throw Error(ErrorKind::kUsage,
                  "[init] --category names two categories of the set " + set + ": " +
                      printable(source.category) + " and " + printable(category),
                  "import each with mascing import --category, and give --" + set + " both files");
    }
    source.category = category;
  }
}

/// Copies a file beside the conversations; gives its name within the folder. Empty stays empty.
std::string copied(const std::string& file, const std::string& name, const std::string& folder) {
  if (file.empty()) {
    return "";
  }
  const std::string text = read_text_file(file);
  if (trim(text).empty()) {
    throw Error(ErrorKind::kInsufficient,
                "[init] " + printable(file, 200) + " is empty",
                "put something into it, or omit the option");
  }
  write_file_atomically(path_within(folder, "data/" + name), text);
  return "data/" + name;
}

/// Of a file that stays where it is.
std::string absolute_path(const std::string& file) {
  if (!file.empty() && !file_exists(file)) {
    throw Error(ErrorKind::kUsage,
                "[init] --guard " + printable(file, 200) + ": no such file",
                "check the path of the guard model (docs/judges.md)");
  }
  return file.empty() ? "" : std::filesystem::absolute(file).lexically_normal().string();
}

void say_model(const ModelFacts& facts) {
  std::cerr << "model: " << printable(facts.info.architecture) << ", " << facts.info.n_layer
            << " MoE layers of " << facts.info.n_expert << " experts\n";
  if (!facts.has_template) {
    std::cerr
        << "warning [no_chat_template] the model's file has no chat template\n"
           "  -> use the file of a model made for chats; replies of others are judged badly\n";
  } else if (facts.always_reasons) {
    std::cerr
        << "it reasons before it replies, and its template has no switch: reasoning = \"on\"\n";
  } else if (facts.can_reason) {
    std::cerr << "it can reason before it replies; this is off (reasoning under [template])\n";
  }
}

NewScenario describe(ScenarioTemplate which,
                     const InitArguments& arguments,
                     const std::vector<SetSource>& sources,
                     const std::string& folder) {
  NewScenario scenario;
  scenario.which = which;
  scenario.name = arguments.name;
  for (const SetSource& source : sources) {
    scenario.sets.push_back(source.set);
  }
  scenario.guard = absolute_path(arguments.guard);
  scenario.text = copied(arguments.text, "general.txt", folder);
  scenario.multiple_choice = copied(arguments.multiple_choice, "choices.jsonl", folder);
  if (!arguments.model.empty()) {
    const ModelFacts facts = read_model_facts(arguments.model);
    say_model(facts);
    scenario.chat_template = facts.chat_template;
    scenario.always_reasons = facts.always_reasons;
  }
  return scenario;
}

/// The folder without slashes at its end, and the scenario's name.
void settle_names(InitArguments& arguments) {
  arguments.output = without_end_slashes(arguments.output);
  if (arguments.name.empty()) {
    arguments.name = file_name(real_path(arguments.output));
  }
}

void execute(InitArguments& arguments, Session& session) {
  const auto which = *parse_scenario_template(arguments.which);  // CLI11 has checked the word
  settle_names(arguments);
  NewFolder folder(arguments.output);
  settle_files(which, arguments);
  std::vector<SetSource> sources = sources_of(which, arguments);
  add_meanings(arguments, sources);
  write_sets(folder.path(), read_sets(sources, arguments.n_limit, arguments.seed), sources);
  const NewScenario scenario = describe(which, arguments, sources, folder.path());
  const std::string path = path_within(folder.path(), "scenario.toml");
  write_file_atomically(path, scenario_text(scenario));
  const DataSummary summary = summarise_data(read_scenario(path), arguments.seed);
  folder.commit();

  show_data(summary);
  const std::string written = path_within(arguments.output, "scenario.toml");
  const std::string model = arguments.model.empty() ? "model.gguf" : arguments.model;
  say_written(written, command_line({"mascing", "run", written, "-m", model, "--dry-run"}));
  std::cerr
      << "then: "
      << command_line(
             {"mascing", "run", written, "-m", model, "-o", path_within(arguments.output, "out")})
      << '\n';
  session.exit_code = 0;
}

void add_files(CLI::App& command, InitArguments& arguments) {
  constexpr std::array<const char*, kWords.size()> kHelp = {
      "Attacks that should end in a refusal: what the defend templates change; in the permit "
      "templates they must stay refused",
      "Requests that the model refuses and should answer: what the permit templates change",
      "Requests that must stay refused (the permit templates demand some)",
      "Neighbouring requests that must stay answered",
      "Ordinary requests that must stay answered"};
  for (size_t i = 0; i < kWords.size(); ++i) {
    command
        .add_option(std::string("--") + kWords.at(i),
                    arguments.files.at(i),
                    std::string(kHelp.at(i)) + "; may be repeated")
        ->allow_extra_args(false);
  }
}

}  // namespace

void add_init(CLI::App& app, Session& session) {
  auto arguments = std::make_shared<InitArguments>();
  CLI::App* command = app.add_subcommand(
      "init",
      "Make a scenario from public data: imports the files (formats: mascing import --help), "
      "divides the conversations into splits by topic, writes a scenario with comments, and says "
      "what the test split can show. Missing files are asked for on a terminal.");
  add_examples(
      *command,
      "  mascing init -m model.gguf --attacks mhj.csv --benign alpaca.json -o my-defence/");
  InitArguments& a = *arguments;
  command->add_option("-o,--output", a.output, "Folder to make; must be new or empty")->required();
  command->add_option("-m,--model", a.model, "Model (GGUF) that the scenario is for");
  command
      ->add_option("--template",
                   a.which,
                   "defend: attacks should end refused; permit: requests should be answered; "
                   "paper-defend, paper-permit: the same by the paper's recipe")
      ->check(CLI::IsMember({"defend", "permit", "paper-defend", "paper-permit"}))
      ->capture_default_str();
  add_files(*command, a);
  command
      ->add_option("--column",
                   a.columns,
                   "Read a column of another name, [SET:]OURS=THEIRS, such as request=question or "
                   "hold:request=text; without SET in the files that have it; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--category",
          a.categories,
          "Take only this category of a set's files, SET:NAME, such as keep:safe (XSTest); may be "
          "repeated for other sets")
      ->allow_extra_args(false);
  command->add_option("--limit", a.n_limit, "Conversations of a set at most, whole topics; 0 = all")
      ->check(CLI::Range(0, 1000000000))
      ->capture_default_str();
  command->add_option("--guard", a.guard, "Guard model (GGUF) as a judge, such as Llama Guard 3");
  command->add_option("--text", a.text, "Plain text whose perplexity is watched");
  command->add_option("--choices", a.multiple_choice, "Multiple-choice questions (JSONL)");
  command->add_option("--name", a.name, "Name of the scenario; default: that of the folder");
  add_seed(*command, a.seed);
  command->callback([arguments, &session] { execute(*arguments, session); });
}

}  // namespace mascing::cli
