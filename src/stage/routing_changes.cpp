// Both sides are read conversation by conversation, so that only one conversation's logits are held
// at a time.
#include "stage/routing_changes.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/append.h"
#include "base/numeric.h"
#include "base/softmax.h"
#include "base/text.h"
#include "mascing/error.h"

namespace mascing {
namespace {

constexpr size_t kSides = 2;  // without the mask, with it

/// The tokens of a request that are looked at, and where the reply begins among them.
struct View {
  std::vector<int32_t> tokens;  ///< prompt and reply, as far as the view goes
  TokenSpan span;
  int64_t n_message = 0;
  int64_t n_left_out = 0;
};

View view_of(const RoutedReply& reply) {
  View view;
  const int64_t n_prompt = std::ssize(reply.prompt);
  const int64_t n_reply = std::min(std::ssize(reply.reply), kMostReplyTokens);
  view.tokens = reply.prompt;
  view.tokens.insert(view.tokens.end(), reply.reply.begin(), reply.reply.begin() + n_reply);
  view.span.begin = std::max(reply.final_user.begin, n_prompt - kMostMessageTokens);
  view.span.end = n_prompt + n_reply;
  view.n_message = n_prompt - view.span.begin;
  view.n_left_out = view.span.begin - reply.final_user.begin + std::ssize(reply.reply) - n_reply;
  return view;
}

std::vector<TraceRequest> both_sides(const View& view, TokenSpan span, const Steering& steering) {
  return {{view.tokens, span, {}}, {view.tokens, span, steering}};
}

/// Empty, or why the conversation could not be read.
std::string first_error(const std::vector<std::string>& errors) {
  const auto found = std::find_if(
      errors.begin(), errors.end(), [](const std::string& error) { return !error.empty(); });
  return found == errors.end() ? "" : *found;
}

void keep_largest(std::vector<RoutingMove>& moves) {
  std::stable_sort(moves.begin(), moves.end(), [](const RoutingMove& a, const RoutingMove& b) {
    return std::abs(a.change) > std::abs(b.change);
  });
  moves.resize(std::min(moves.size(), size_t{kMovesPerExpert}));
}

/// Compares the choices of one conversation and adds them to the sums.
class Comparison {
 public:
  Comparison(const ModelInfo& info, const ChooseExperts& choose, RoutingChanges& sum)
      : choose_(choose ? choose : choosing_largest(info)),
        n_layer_(info.n_layer),
        n_expert_(info.n_expert),
        k_(std::clamp<int64_t>(info.n_expert_used, 1, info.n_expert)),
        sum_(sum) {}

  void add(const std::vector<float>& base,
           const std::vector<float>& steered,
           bool counts,
           ReplyRouting& routing) {
    const int64_t n_token = std::ssize(base) / (n_layer_ * n_expert_);
    for (int64_t i_token = 0; i_token < n_token; ++i_token) {
      int64_t n_swapped = 0;
      for (int64_t i_layer = 0; i_layer < n_layer_; ++i_layer) {
        const int64_t at = (i_token * n_layer_ + i_layer) * n_expert_;
        n_swapped += compare(base.data() + at, steered.data() + at, i_token, i_layer, counts);
      }
      routing.change.push_back(to_double(n_swapped) / to_double(n_layer_ * k_));
    }
    if (counts) {
      ++sum_.n_conversation;
      sum_.n_token += n_token;
    }
  }

 private:
  /// One token at one layer; returns how many choices changed.
  int64_t compare(
      const float* base, const float* steered, int64_t i_token, int64_t i_layer, bool counts) {
    const std::vector<int64_t> before = choose_(i_layer, base);
    const std::vector<int64_t> after = choose_(i_layer, steered);
    std::vector<int64_t> lost;
    std::vector<int64_t> gained;
    std::set_difference(
        before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(lost));
    std::set_difference(
        after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(gained));
    if (counts) {
      for (const int64_t i : before) {
        ++sum_.base[i_layer * n_expert_ + i];
      }
      for (const int64_t i : after) {
        ++sum_.steered[i_layer * n_expert_ + i];
      }
      sum_.swapped[i_layer] += std::ssize(lost);
    }
    if (lost.empty()) {  // both have the same number
      return 0;
    }
    const double norm_base = log_normaliser(base, n_expert_);
    const double norm_steered = log_normaliser(steered, n_expert_);
    for (const auto* moved : {&lost, &gained}) {
      for (const int64_t i : *moved) {
        const double change = std::exp(steered[i] - norm_steered) - std::exp(base[i] - norm_base);
        keep({std::ssize(sum_.replies), i_token, moved == &gained, change},
             sum_.moves[i_layer * n_expert_ + i]);
      }
    }
    return std::ssize(lost);
  }

  static void keep(const RoutingMove& move, std::vector<RoutingMove>& moves) {
    if (std::ssize(moves) == kMovesPerExpert &&
        std::abs(move.change) <= std::abs(moves.back().change)) {
      return;
    }
    moves.push_back(move);
    keep_largest(moves);
  }

  ChooseExperts choose_;
  int64_t n_layer_;
  int64_t n_expert_;
  int64_t k_;
  RoutingChanges& sum_;
};

/// A character of several tokens goes to the last of them.
std::vector<std::string> texts_of(const Host& host, const View& view) {
  std::vector<std::string> texts;
  std::string rest;
  for (int64_t i = view.span.begin; i < view.span.end; ++i) {
    rest += host.piece(view.tokens[i]);
    constexpr size_t kLongestCharacter = 4;
    size_t end = 0;
    while (end < rest.size()) {
      const size_t size = utf8_size(rest, end);
      if (size == 0 && rest.size() - end < kLongestCharacter && i + 1 < view.span.end) {
        break;  // it may go on in the next token
      }
      end += std::max<size_t>(size, 1);
    }
    texts.push_back(rest.substr(0, end));
    rest.erase(0, end);
  }
  return texts;
}

/// Both sides' router logits at the span, [T, L, E] each; the reason if they cannot be had.
std::string read_routers(Host& host,
                         const View& view,
                         const Steering& steering,
                         std::vector<std::vector<float>>& logits) {
  const ModelInfo& info = host.describe();
  const int64_t n_entry = info.n_layer * info.n_expert;
  logits.assign(kSides, std::vector<float>(view.span.size() * n_entry, 0.0F));
  return first_error(
      host.observe(both_sides(view, view.span, steering), [&](const RouterView& seen) {
        const int64_t i_token = seen.i_token - view.span.begin;
        std::copy_n(
            seen.steered,
            info.n_expert,
            logits[seen.i_request].begin() + i_token * n_entry + seen.i_layer * info.n_expert);
      }));
}

/// Nats that the mask adds to each token of the reply; none where the host cannot show its outputs.
std::string read_gains(Host& host,
                       const View& view,
                       const Steering& steering,
                       std::vector<double>& gains) {
  const int64_t n_prompt = view.span.begin + view.n_message;
  const TokenSpan before_reply = {n_prompt - 1, view.span.end - 1};
  gains.assign(before_reply.size(), 0.0);
  if (gains.empty()) {
    return "";
  }
  const int64_t n_vocab = host.describe().n_vocab;
  const auto take = [&](const OutputView& seen) {
    const double value =
        seen.logits[view.tokens[seen.i_token + 1]] - log_normaliser(seen.logits, n_vocab);
    gains[seen.i_token - before_reply.begin] += seen.i_request == 0 ? -value : value;
  };
  try {
    return first_error(host.observe_outputs(both_sides(view, before_reply, steering), take));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kHost) {
      throw;
    }
    gains.clear();
    return "";
  }
}

}  // namespace

RoutingChanges routing_changes(Host& host,
                               const std::vector<RoutedReply>& replies,
                               const Steering& steering,
                               const ChooseExperts& choose) {
  const ModelInfo& info = host.describe();
  RoutingChanges sum;
  sum.base.assign(info.n_layer * info.n_expert, 0);
  sum.steered = sum.base;
  sum.swapped.assign(info.n_layer, 0);
  sum.moves.resize(sum.base.size());
  Comparison comparison(info, choose, sum);
  std::vector<std::vector<float>> logits;
  for (const RoutedReply& reply : replies) {
    const View view = view_of(reply);
    ReplyRouting routing;
    std::string error = read_routers(host, view, steering, logits);
    if (error.empty()) {
      error = read_gains(host, view, steering, routing.gain);
    }
    if (error.empty()) {
      comparison.add(logits.front(), logits.back(), reply.counts_for_rates, routing);
      routing.tokens = texts_of(host, view);
      routing.n_left_out = view.n_left_out;
    } else {
      routing = {};
      routing.error = std::move(error);
    }
    sum.replies.push_back(std::move(routing));
  }
  return sum;
}

void add_changes(RoutingChanges more, RoutingChanges& sum) {
  if (sum.base.empty()) {
    sum = std::move(more);
    return;
  }
  const int64_t n_before = std::ssize(sum.replies);
  sum.n_conversation += more.n_conversation;
  sum.n_token += more.n_token;
  for (size_t i = 0; i < sum.base.size(); ++i) {
    sum.base[i] += more.base.at(i);
    sum.steered[i] += more.steered.at(i);
    for (RoutingMove& move : more.moves.at(i)) {
      move.i_reply += n_before;
      sum.moves[i].push_back(move);
    }
    keep_largest(sum.moves[i]);
  }
  for (size_t i = 0; i < sum.swapped.size(); ++i) {
    sum.swapped[i] += more.swapped.at(i);
  }
  append(more.replies, sum.replies);
}

}  // namespace mascing
