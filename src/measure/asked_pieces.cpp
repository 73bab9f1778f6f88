// Calls of the cached evaluator: watched while they run, and divided where the model is slow. Sizes
// of pieces are powers of two, so that a resumed run finds them again.
#include <algorithm>
#include <utility>

#include "measure/cached_evaluator.h"

namespace mascing {

CallGuard CachedEvaluator::watch(int64_t n_item, int64_t n_token) {
  CallBounds bounds;
  bounds.n_item = n_item;
  bounds.n_token = n_token;
  bounds.is_bounded = is_slow();
  if (share_ > 0.0 && budget_.seconds > 0.0) {
    bounds.is_spent = [this] { return budget_spent() >= share_; };
  }
  return {host_, std::move(bounds), [this](const std::string& note) {
            ProgressEvent event = last_event_;
            if (event.done >= event.total) {
              event = {"asking the model", 0, 1, "calls", ""};
            }
            event.note += (event.note.empty() ? "" : ", ") + note;
            return !progress_ || progress_(event);
          }};
}

int64_t CachedEvaluator::piece_size(const Pieces& pieces, int64_t first, const KeyOf& key_of) {
  const int64_t n_left = pieces.end - first;
  const auto known = n_at_once_.find(pieces.kind);
  if (!is_slow() || cache_.get(key_of(first, n_left))) {
    return n_left;
  }
  int64_t n = 1;
  while (2 * n < n_left) {
    n *= 2;
  }
  for (; n > 0; n /= 2) {
    if (n < n_left && cache_.get(key_of(first, n))) {
      return n;
    }
  }
  return known == n_at_once_.end() ? n_left : std::min(n_left, known->second);
}

void CachedEvaluator::in_pieces(const Pieces& pieces,
                                const KeyOf& key_of,
                                const std::function<void(int64_t first, int64_t n)>& take) {
  for (int64_t first = pieces.begin; first < pieces.end;) {
    const int64_t n = piece_size(pieces, first, key_of);
    try {
      take(first, n);
      first += n;
    } catch (const TooLong& slow) {
      n_at_once_[pieces.kind] = slow.n_item;
    }
  }
}

}  // namespace mascing
