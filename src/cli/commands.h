// The commands of the command line. Each adds itself to the application; its callback runs if it is
// selected.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

namespace mascing::cli {

/// What main and the commands tell each other.
struct Session {
  int exit_code = 0;
  std::string command_line;  ///< as typed, quoted for a shell
};

void add_run(CLI::App& app, Session& session);
void add_import(CLI::App& app, Session& session);
void add_init(CLI::App& app, Session& session);
void add_inspect(CLI::App& app, Session& session);
void add_collect(CLI::App& app, Session& session);
void add_trace(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_steer(CLI::App& app, Session& session);
void add_eval(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_export(CLI::App& app, Session& session);
void add_serve(CLI::App& app, Session& session);
void add_search(CLI::App& app, Session& session);
void add_chat(CLI::App& app, Session& session);
void add_console(CLI::App& app, Session& session);
void add_judge(CLI::App& app, Session& session);
void add_mask(CLI::App& app, Session& session);
void add_doctor(CLI::App& app, Session& session);
/// Needs all other commands when it runs.
void add_describe(CLI::App& app, Session& session);

}  // namespace mascing::cli
