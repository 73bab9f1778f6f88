// Journal of a collection in progress, with one line per conversation in order of completion:
//   {"kind": "mascing.collect", "key": ..., ...}   inputs and options of the collection
//   {"i": 3, "limit": false, "row": {...}}         conversation 3, as it will appear in the output
//   {"i": 4, "id": "a5", "error": "too long ...", "unjudged": false, "unfinished": false}
//                        conversation 4 failed; where it was a judge that failed, it is rolled out
//                        again
// Each of the latter ends in "sum", a checksum of what stands before it. A process may end at any
// time. The next one cuts off everything after the last complete line, and rolls out again the
// conversations of damaged ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/append_file.h"
#include "mascing/results.h"
#include "stage/rollout.h"

namespace mascing {

class RolloutJournal {
 public:
  /// Opens or creates the journal of `n_script` conversations. `header` is the first line, a JSON
  /// object with a "key". Throws Error{kUsage} if the file has a different key or is in use by
  /// another process.
  RolloutJournal(const std::string& path, const std::string& header, int64_t n_script);

  [[nodiscard]] bool has(int64_t i) const { return places_[i].n_byte > 0; }
  /// Adds a conversation unless it exists. Returns false if it exists with different content.
  bool add(int64_t i, const Rollout& rollout);
  /// Copies the entries of another shard's journal. Throws Error{kBadInput} for a missing file,
  /// Error{kMismatch} if it belongs to a different collection. Returns the number of new entries.
  int64_t take_from(const std::string& path);
  void sync() { file_.sync(); }

  /// A recorded conversation.
  struct Record {
    std::string row;  ///< its line in the output; empty if it failed
    int label = 0;
    bool hit_limit = false;
    bool has_cut_turn = false;   ///< the limit cut off an assistant turn before the last reply
    bool is_unfinished = false;  ///< failed, as a reply ended within its reasoning
    Skipped failure;
  };
  [[nodiscard]] Record record(int64_t i) const;

 private:
  struct Place {
    int64_t offset = 0;
    int64_t n_byte = 0;  ///< without the line break; 0 = not recorded
  };

  std::string path_;
  std::string key_;
  AppendFile file_;
  std::vector<Place> places_;
};

}  // namespace mascing
