// How the replies of a run came about, for whoever wants to repeat or compare it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace mascing {

/// How the assistant's turns before the last one came about in an evaluation.
enum class Attacks {
  kReplayed,  ///< as recorded, without and with the mask
  kPlayed,    ///< written anew by the model that is evaluated, as it would against an attacker
};

/// "replayed", "played".
[[nodiscard]] const char* to_string(Attacks attacks);

struct ProtocolResult {
  std::string engine = {};        ///< "llama.cpp v0.5.0"
  std::string quantisation = {};  ///< of the weights, in the engine's words
  std::map<std::string, std::string> engine_options = {};  ///< that are not the usual ones
  std::string scenario_hash = {};                          ///< SHA-256 of the scenario file
  std::string data_hash = {};                              ///< of all its conversations and texts
  std::string template_hash = {};  ///< SHA-256 of the chat template; empty = there is none
  std::string reasoning = {};      ///< "on", "off", "skip"
  std::map<std::string, std::string> template_arguments = {};  ///< values as JSON
  int64_t n_system_prompt = 0;     ///< different ones in the conversations of the test split
  std::string system_prompt = {};  ///< the one, if it is the same everywhere
  double temperature = 0.0;
  int64_t n_max_token = 0;
  int64_t n_max_reasoning_token = 0;
  int64_t n_max_play_token = 0;  ///< of turns that are played
  int64_t n_sample = 0;          ///< sampled replies per target conversation, beside the first
  std::string attacks = {};      ///< "replayed", "played"
};

}  // namespace mascing
