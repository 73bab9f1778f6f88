// Asks a running llama-server and the model in this process the same questions, to see whether a
// mask acts on the server at all.
#pragma once

#include <string>
#include <vector>

#include "mascing/export.h"
#include "mascing/mask_algebra.h"

namespace mascing::cli {

struct ServerCheckOptions {
  std::string url;  ///< of the server, e.g. http://127.0.0.1:8080
  std::string key;  ///< bearer token; may be empty
  int64_t n_conversation = 16;
  int64_t n_token = 32;  ///< of a reply
};

/// What was found, on the questions that both sides answered.
struct ServerCheck {
  int64_t n = 0;
  int64_t n_server_changed =
      0;  ///< the server's answers at strength 0 and at that of the masks differ
  int64_t n_exact_changed = 0;    ///< the same with the exact mask in this process
  int64_t n_same_off = 0;         ///< at strength 0: server and process answer with the same words
  int64_t n_same_on = 0;          ///< at the masks' strengths
  int64_t n_comparable = 0;       ///< same answer at strength 0, and the exact mask changes it
  int64_t n_same_comparable = 0;  ///< of these, at the masks' strengths: as under the exact mask
  int64_t n_like_comparable = 0;  ///< at least for longer than the unsteered answer is
  int64_t n_plain_steered = 0;    ///< without "lora", the server answers as at the masks' strengths
  int64_t n_plain_unsteered = 0;  ///< as at strength 0
  int64_t n_off_as_exact = 0;  ///< at strength 0, it answers as the exact mask and unlike the model
};

/// `masks` are the server's adapters 0, 1, ... Greedy replies, one question after the other. Throws
/// Error{kSystem} if the server does not answer, Error{kBadInput} if it answers with something
/// else, Error{kInsufficient} without conversations, and what running the model throws.
[[nodiscard]] ServerCheck check_server(const ServerCheckOptions& server,
                                       const std::vector<WeightedMask>& masks,
                                       const Mask& sum,
                                       const ExportOptions& options);

/// Prints what was found and what follows. Throws Error{kMismatch} if the mask does not act on the
/// server though it does in this process, or if something else does, Error{kInsufficient} if it
/// does in neither.
void judge_server(const ServerCheckOptions& server, const ServerCheck& found);

}  // namespace mascing::cli
