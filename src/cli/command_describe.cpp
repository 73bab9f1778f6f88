// `mascing describe-cli`, hidden: man pages, completions and docs/cli.md, for the build.
#include "base/files.h"
#include "cli/cli_pages.h"
#include "cli/commands.h"
#include "mascing/version.h"

namespace mascing::cli {
namespace {

void write_pages(const CommandFacts& top, const std::string& folder) {
  const std::string manual = path_within(folder, "man1");
  ensure_directory(manual);
  for (const CommandFacts* command : all_commands(top)) {
    write_file_atomically(path_within(manual, page_name(*command) + ".1"),
                          man_page(*command, version()));
  }
  write_file_atomically(path_within(folder, "mascing.bash"), bash_completion(top));
  write_file_atomically(path_within(folder, "_mascing"), zsh_completion(top));
  write_file_atomically(path_within(folder, "mascing.fish"), fish_completion(top));
  write_file_atomically(path_within(folder, "cli.md"), markdown_reference(top));
}

}  // namespace

void add_describe(CLI::App& app, Session& session) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "describe-cli", "Write man pages, completions of shells and docs/cli.md into a folder.");
  command->group("");
  command->add_option("-o,--output", *folder, "Folder to write to")->required();
  command->callback([folder, &app, &session] {
    write_pages(facts_of(app), *folder);
    session.exit_code = 0;
  });
}

}  // namespace mascing::cli
