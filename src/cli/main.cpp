// The mascing command: parses arguments, runs one command, and turns every failure into an error
// line, a hint and an exit code.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include <unistd.h>

#include "base/file_lock.h"
#include "base/standard_files.h"
#include "base/text.h"
#include "cli/build_facts.h"
#include "cli/command_words.h"
#include "cli/commands.h"
#include "cli/help_text.h"
#include "cli/last_words.h"
#include "cli/mask_options.h"
#include "cli/messages.h"
#include "cli/options.h"
#include "cli/progress_line.h"
#include "cli/strict_options.h"
#include "cli/terminal_filter.h"
#include "mascing/error.h"

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr int kInterrupted = 130;

constexpr const char* kDescription =
    "Example:\n"
    "  mascing run scenario.toml -m model.gguf -o out/\n\n"
    "Changes the behaviour of a Mixture-of-Experts language model without retraining. Learns from "
    "labelled conversations which experts to promote or suppress, and writes a small mask that is "
    "added to the router logits.";

constexpr const char* kFooter =
    "`mascing help COMMAND` explains a command.\n"
    "Exit codes: 0 success, 1 failure, 2 wrong usage, 3 a verdict named by --fail-on,\n"
    "130 interrupted (run again to resume).";

int complain(const std::string& message, const std::string& hint, int code) {
  std::cerr << mascing::cli::error_text(message, hint);
  return code;
}

int code_of(mascing::ErrorKind kind) {
  switch (kind) {
    case mascing::ErrorKind::kUsage:
      return kWrongUsage;
    case mascing::ErrorKind::kInterrupted:
      return kInterrupted;
    default:
      return kFailed;
  }
}

void add_commands(CLI::App& app, mascing::cli::Session& session) {
  mascing::cli::add_run(app, session);
  mascing::cli::add_init(app, session);
  mascing::cli::add_import(app, session);
  mascing::cli::add_inspect(app, session);
  mascing::cli::add_collect(app, session);
  mascing::cli::add_trace(app, session);
  mascing::cli::add_train(app, session);
  mascing::cli::add_steer(app, session);
  mascing::cli::add_eval(app, session);
  mascing::cli::add_report(app, session);
  mascing::cli::add_export(app, session);
  mascing::cli::add_serve(app, session);
  mascing::cli::add_search(app, session);
  mascing::cli::add_chat(app, session);
  mascing::cli::add_console(app, session);
  mascing::cli::add_judge(app, session);
  mascing::cli::add_mask(app, session);
  mascing::cli::add_doctor(app, session);
  mascing::cli::add_describe(app, session);
}

void warn_of_missing_locks(const std::string& path) {
  mascing::cli::say_warning(
      "no_file_locks",
      "the file system of " + mascing::printable(path, 200) + " has no locks",
      "let no second command write there meanwhile; what killed ones leave (NAME.tmp-0) stays");
}

int run(int argc, char** argv) {
  CLI::App app(kDescription, "mascing");
  mascing::cli::Session session;
  std::vector<std::string> words(argv + 1, argv + argc);
  session.command_line = "mascing " + mascing::cli::command_line(words);
  app.set_version_flag("--version", mascing::cli::version_text, "Show version and build");
  app.footer(kFooter);
  app.formatter(mascing::cli::help_formatter());
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  add_commands(app, session);
  mascing::cli::make_strict(app);
  if (const auto misread = mascing::cli::complaint_of_misread(app, words)) {
    return complain(misread->message, misread->hint, kWrongUsage);
  }
  words = mascing::cli::with_help_as_option(app, std::move(words));
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {
      return app.exit(e);
    }
    const mascing::cli::Complaint wrong = mascing::cli::complaint_of(app, e.what());
    return complain(wrong.message, wrong.hint, kWrongUsage);
  }
  return session.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  mascing::open_standard_files();
  mascing::cli::install_signal_handlers();
  mascing::cli::install_last_words();
  const mascing::cli::TerminalFilter output(std::cout, isatty(STDOUT_FILENO) == 1);
  const mascing::cli::TerminalFilter messages(std::cerr, true);
  mascing::on_missing_locks(warn_of_missing_locks);
  try {
    const int code = run(argc, argv);
    std::cout.flush();
    if (!std::cout) {
      return complain("cannot write to standard output", "check whether the disk is full", kFailed);
    }
    return code;
  } catch (const mascing::Error& e) {
    return complain(e.what(), e.hint(), code_of(e.kind()));
  } catch (const std::bad_alloc&) {
    return complain(
        "out of memory",
        "use a smaller model or, where the command has them, a smaller --parallel and --context",
        kFailed);
  } catch (const std::filesystem::filesystem_error& e) {
    return complain("[files] " + e.path1().string() + ": " + e.code().message(),
                    "check the path: the length of its names, its links and permissions",
                    kFailed);
  } catch (const std::exception& e) {
    return complain(std::string("unexpected error: ") + e.what(),
                    "please report this together with the command you ran",
                    kFailed);
  }
}
