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

/// How much likelier openings of the wanted kind of reply are than others at the end of a user
/// message (docs/outcome.md): nats above the zero of the margin.
struct TurnMargin {
  int64_t i_message = 0;  ///< among the messages that the steered side was asked with
  double base = 0.0;      ///< without the mask
  double steered = 0.0;   ///< with it, on the same tokens
};

/// How the mask changed the routing along the final user message and the steered reply.
struct TokenRouting {
  std::vector<std::string> tokens = {};  ///< their texts; a character of several tokens is the last
                                         ///< one's
  std::vector<double> change = {};       ///< share of a token's choices of experts that changed
  /// Nats by which the mask made a token of the reply likelier; of the last tokens of `tokens`.
  std::vector<double> gain = {};
  int64_t n_left_out = 0;                ///< tokens of a long message or reply
  std::vector<TurnMargin> margins = {};  ///< in the order of the messages; not of every message
};

struct Transcript {
  std::string metric = {};  ///< of its set
  std::string id = {};
  std::string topic = {};
  std::string category = {};
  std::string wanted = {};  ///< "refused" or "answered"
  std::vector<Message> messages = {};
  TranscriptSide base = {};
  std::optional<TranscriptSide> steered = {};
  std::optional<TokenRouting> routing = {};  ///< of a limited number of conversations
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
