// A page that holds what a model was made to say must not run it: data stand in blocks of JSON in
// which "<" is escaped, the script puts them on the page as text, and the policy allows no script
// but that one.
#include "report/app_parts.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/sha256.h"
#include "report/bundle.h"
#include "report/html.h"
#include "report/numbers.h"
#include "report/style_sheet.h"

namespace mascing {
namespace {

/// Base64 of bytes given in hexadecimal.
std::string base64_of_hex(const std::string& hex) {
  constexpr const char* kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < hex.size(); at += 6) {
    const std::string part = hex.substr(at, 6);
    const auto bits = std::strtoul((part + std::string(6 - part.size(), '0')).c_str(), nullptr, 16);
    for (size_t i = 0; i < 4; ++i) {
      text += i <= part.size() / 2 ? kLetters[(bits >> (18 - 6 * i)) & 63U] : '=';
    }
  }
  return text;
}

/// Cuts a text between two characters and says what is missing.
bool shorten(std::string& text, int64_t n_max) {
  if (std::ssize(text) <= n_max) {
    return false;
  }
  size_t end = n_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  const std::string rest = count_text(std::ssize(text) - std::ssize(text.substr(0, end)));
  text = text.substr(0, end) + "\n[" + rest + " more bytes are in transcripts.jsonl]";
  return true;
}

int64_t shorten_all(Transcript& transcript, int64_t n_max) {
  int64_t n = 0;
  const auto cut = [&](std::string& text) { n += shorten(text, n_max) ? 1 : 0; };
  const auto cut_side = [&](TranscriptSide& side) {
    cut(side.reply);
    cut(side.reasoning);
    cut(side.error);
    for (Message& message : side.messages) {
      cut(message.content);
    }
  };
  for (Message& message : transcript.messages) {
    cut(message.content);
  }
  if (transcript.routing) {
    for (std::string& token : transcript.routing->tokens) {
      cut(token);
    }
  }
  cut_side(transcript.base);
  if (transcript.steered) {
    cut_side(*transcript.steered);
  }
  return n;
}

bool has_dispute(const TranscriptSide& side) {
  return std::any_of(side.opinions.begin(), side.opinions.end(), [&](const auto& opinion) {
    return opinion.second != side.opinions.begin()->second;
  });
}

bool is_notable(const Transcript& transcript) {
  const bool is_changed =
      transcript.steered && (transcript.steered->is_wanted != transcript.base.is_wanted ||
                             !transcript.steered->is_coherent);
  return is_changed || transcript.routing || has_dispute(transcript.base) ||
         (transcript.steered && has_dispute(*transcript.steered));
}

std::string json_block(const std::string& id, const std::string& content) {
  return "<script type=\"application/json\" id=\"" + id + "\">" + content + "</script>\n";
}

}  // namespace

PageTranscripts fit_on_page(std::vector<Transcript> transcripts,
                            int64_t n_max_byte,
                            int64_t n_max_text) {
  PageTranscripts page;
  std::vector<std::string> lines(transcripts.size());
  int64_t n_byte = 0;
  for (const bool wants_notable : {true, false}) {
    for (size_t i = 0; i < transcripts.size(); ++i) {
      if (is_notable(transcripts[i]) != wants_notable) {
        continue;
      }
      const int64_t n_cut = shorten_all(transcripts[i], n_max_text);
      std::string line = escape_json_for_html(to_json_line(transcripts[i]));
      if (n_byte + std::ssize(line) > n_max_byte) {
        ++page.n_left_out;
        continue;
      }
      n_byte += std::ssize(line);
      page.n_shortened += n_cut;
      ++page.n_row;
      lines[i] = std::move(line);
    }
  }
  page.json = "{\"rows\":[";
  for (const std::string& line : lines) {
    if (!line.empty()) {
      page.json += (page.json.back() == '[' ? "" : ",\n") + line;
    }
  }
  page.json += "],\"left_out\":" + std::to_string(page.n_left_out) +
               ",\"shortened\":" + std::to_string(page.n_shortened) + "}";
  return page;
}

bool has_app() {
  return *bundled_script() != '\0';
}

bool app_draws_maps(int64_t n_entry) {
  constexpr int64_t kManyEntries = 2048;
  return has_app() && n_entry > kManyEntries;
}

std::string app_head() {
  const std::string hash = base64_of_hex(sha256_hex(bundled_script()));
  const std::string scripts = has_app() ? "'sha256-" + hash + "'" : "'none'";
  return "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src " +
         scripts + "; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n" +
         (has_app() ? std::string("<style>") + bundled_style() + "</style>\n" : "");
}

std::string page_begin(const std::string& title) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         escape_html(title) + "</title>\n<style>" + colour_sheet() + style_sheet() + "</style>\n" +
         app_head() + "</head>\n<body>\n";
}

std::string app_script() {
  return has_app() ? std::string("<script>") + bundled_script() + "</script>\n" : "";
}

std::string app_end(const Results& results, const std::string& transcripts_json) {
  if (!has_app()) {
    return "";
  }
  return json_block("mascing-results", escape_json_for_html(to_json(results, JsonForm::kCompact))) +
         (transcripts_json.empty() ? "" : json_block("mascing-transcripts", transcripts_json)) +
         app_script();
}

std::string conversations_section(int64_t n_transcript) {
  if (n_transcript == 0) {
    return "";
  }
  const std::string where =
      "All " + count_text(n_transcript) +
      " conversations of the test split, with the replies of both sides and every verdict, stand "
      "in transcripts.jsonl beside this page.";
  return html_section(
      "conversations",
      "Conversations",
      has_app() ? "<div id=\"conversations-app\">" + html_paragraph(where) + "</div>\n"
                : html_paragraph(where + " This copy of mascing was built without npm, so that "
                                         "they cannot be browsed here."));
}

std::string escape_json_for_html(const std::string& json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    c == '<' ? text += "\\u003c" : text += c;
  }
  return text;
}

}  // namespace mascing
