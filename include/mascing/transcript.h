// What the model said on the test split, without and with the mask: transcripts.jsonl beside
// results.json, one line per conversation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mascing/conversation.h"

namespace mascing {

/// One side's reply to a conversation and what was made of it.
struct TranscriptSide {
  std::vector<Message> messages = {};  ///< as this side was asked, where that differs
  std::string reasoning = {};          ///< without marks; empty if there is none
  std::string reply = {};              ///< the visible part
  std::string verdict = {};            ///< "refused", "answered", ...; empty with an error
  std::map<std::string, std::string> opinions = {};  ///< judge -> verdict, of a jury
  bool is_wanted = false;    ///< coherent and with the wanted outcome of its set
  bool is_coherent = false;  ///< by the coherence guard
  bool is_cut_off = false;   ///< at a token limit
  std::string error = {};    ///< why there is no verdict
};

struct Transcript {
  std::string metric = {};  ///< of its set
  std::string id = {};
  std::string category = {};
  std::string wanted = {};  ///< "refused" or "answered"
  std::vector<Message> messages = {};
  TranscriptSide base = {};
  std::optional<TranscriptSide> steered = {};
};

/// One line of JSON, without a line break. Bytes that are not valid UTF-8 are replaced.
[[nodiscard]] std::string to_json_line(const Transcript& transcript);
/// All lines.
[[nodiscard]] std::string to_json_lines(const std::vector<Transcript>& transcripts);
/// Throws Error{kBadInput} with file and line.
[[nodiscard]] std::vector<Transcript> read_transcripts(const std::string& path);
/// The transcripts in the folder of a results file; none if there are none.
[[nodiscard]] std::vector<Transcript> transcripts_beside(const std::string& results_path);

}  // namespace mascing
