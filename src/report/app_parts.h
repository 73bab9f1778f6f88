// What the page's script needs: its policy, its data, and the script itself.
#pragma once

#include <string>
#include <vector>

#include "mascing/results.h"
#include "mascing/transcript.h"

namespace mascing {

/// Transcripts as far as they fit on a page.
struct PageTranscripts {
  std::string json;  ///< {"rows", "left_out", "shortened"}, without "<"
  int64_t n_row = 0;
  int64_t n_left_out = 0;   ///< conversations beyond `n_max_byte`
  int64_t n_shortened = 0;  ///< texts cut to `n_max_text` bytes
};

/// Conversations whose outcome the mask changed, whose judges disagree or whose routing was looked
/// at come before others if not all fit; the order on the page is that of the file.
[[nodiscard]] PageTranscripts fit_on_page(std::vector<Transcript> transcripts,
                                          int64_t n_max_byte = 6'000'000,
                                          int64_t n_max_text = 16'384);

/// True if the library was built with the page's script.
[[nodiscard]] bool has_app();
/// True if the script draws the maps of so many entries: a fixed picture would only make the page
/// slow.
[[nodiscard]] bool app_draws_maps(int64_t n_entry);
/// Goes into <head>: nothing may be fetched, and no script may run but the page's own.
[[nodiscard]] std::string app_head();
/// From the doctype to the begin of <body>. `title` is plain text.
[[nodiscard]] std::string page_begin(const std::string& title);
/// The script alone.
[[nodiscard]] std::string app_script();
/// Goes to the end of <body>: data and script.
[[nodiscard]] std::string app_end(const Results& results, const std::string& transcripts_json);
/// The section of conversations, to be filled by the script; without one it says where they are.
/// Empty without transcripts.
[[nodiscard]] std::string conversations_section(int64_t n_transcript);

/// JSON that is safe within a <script> element.
[[nodiscard]] std::string escape_json_for_html(const std::string& json);

}  // namespace mascing
