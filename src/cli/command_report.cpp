// `mascing report`: renders the HTML page from results.json.
#include <iostream>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "mascing/report.h"
#include "mascing/results.h"

namespace mascing::cli {

void add_report(CLI::App& app, Session& session) {
  auto input = std::make_shared<std::string>();
  auto output = std::make_shared<std::string>("report.html");
  CLI::App* command = app.add_subcommand("report", "Render the report page from a results file.");
  add_examples(*command, "  mascing report out/results.json -o report.html");
  command->add_option("results", *input, "results.json")->required();
  command->add_option("-o,--output", *output, "File to write; - for standard output")
      ->capture_default_str();
  command->callback([input, output, &session] {
    refuse_to_overwrite(*output, {*input});
    const std::string page = render_report(results_from_json(read_text_file(*input), *input));
    if (*output == kStandardOutput) {
      std::cout << page;
    } else {
      write_file_atomically(*output, page);
      say_written(*output, "");
    }
    session.exit_code = 0;
  });
}

}  // namespace mascing::cli
