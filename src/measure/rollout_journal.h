// The record of a collection on its way, one line per conversation as it comes:
//   {"kind": "mascing.collect", "key": ..., ...}   what the collection is made from, and with which
//   {"i": 3, "limit": false, "row": {...}}         conversation 3, as it will stand in the output
//   {"i": 4, "id": "a5", "error": "too long ...", "unjudged": false}  conversation 4 failed; where
//   it
//                                                  was a judge that failed, it is rolled out again
// A process may end at any moment: whatever follows the last whole line is cut off by the next one.
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
  /// Opens or begins the journal of `n_script` conversations. `header` is the first line, a JSON
  /// object with a "key". Throws Error{kUsage} if the file has another key or belongs to another
  /// process.
  RolloutJournal(const std::string& path, const std::string& header, int64_t n_script);

  [[nodiscard]] bool has(int64_t i) const { return places_[i].n_byte > 0; }
  /// Adds a conversation, unless it is there. False if it is there with another content.
  bool add(int64_t i, const Rollout& rollout);
  /// Takes over what the journal of another shard has. Throws Error{kBadInput} for a missing file,
  /// Error{kMismatch} if it belongs to another collection. Returns how many were new.
  int64_t take_from(const std::string& path);
  void sync() { file_.sync(); }

  /// A conversation that is there.
  struct Record {
    std::string row;  ///< the line of the output; empty if it failed
    int label = 0;
    bool hit_limit = false;
    Skipped failure;
  };
  [[nodiscard]] Record record(int64_t i) const;

 private:
  struct Place {
    int64_t offset = 0;
    int64_t n_byte = 0;  ///< without the line break; 0 = not there
  };

  std::string path_;
  std::string key_;
  AppendFile file_;
  std::vector<Place> places_;
};

}  // namespace mascing
