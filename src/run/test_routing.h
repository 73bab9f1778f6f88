// What a mask does to the routing of the test conversations: a random sample of each set,
// and some that it fixed or broke.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mascing/routing_result.h"
#include "mascing/transcript.h"
#include "measure/eval_context.h"
#include "measure/routing_choice.h"
#include "run/transcripts.h"

namespace mascing {

/// Of a set: conversations whose rates are counted, and further ones with another outcome.
inline constexpr int64_t kSampledPerSet = 8;
inline constexpr int64_t kChangedPerSet = 8;
/// Tokens that results.json names with the text around them, and how often experts may name one.
inline constexpr int64_t kMostPlaces = 3000;
inline constexpr int64_t kMostMoves = 6000;

class TestRouting {
 public:
  /// All arguments must outlive the object.
  TestRouting(const EvalContext& context, const Steering& steering)
      : context_(context), steering_(steering) {}

  /// Reads conversations of a set, those of `transcripts` from `first` on, and adds to some of them
  /// how their routing changed.
  void add(const AskedSide& base,
           const AskedSide& steered,
           size_t first,
           std::vector<Transcript>& transcripts);
  /// All sets together. An engine that cannot show its routers is the reason for empty results.
  [[nodiscard]] RoutingResult result() const;

 private:
  /// A conversation that was read.
  struct Read {
    std::string metric;
    std::string id;
  };

  void add_places(RoutingResult& result) const;
  [[nodiscard]] RoutingPlace place_of(const RoutingMove& move) const;

  const EvalContext& context_;
  const Steering& steering_;
  std::optional<RoutingChoice> choice_;  ///< none before the first set
  RoutingChanges changes_;
  std::vector<Read> read_;  ///< as in `changes_`
  int64_t n_test_ = 0;
  std::string reason_;
};

}  // namespace mascing
