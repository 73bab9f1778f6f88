// What a mask changes in the routing, a few conversations at a time, cached like all the rest.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "measure/cached_evaluator.h"
#include "measure/cached_numbers.h"

namespace mascing {
namespace {

using nlohmann::json;

constexpr int64_t kRoutedTogether = 8;
constexpr int64_t kReadings = 4;  // of a conversation: routers and outputs of both sides

/// Where experts are chosen by logits, the key is that of earlier versions.
std::string routing_key(const std::vector<RoutedReply>& replies, const RoutingTask& task) {
  Sha256 digest;
  for (const RoutedReply& reply : replies) {
    const std::array<int64_t, 5> sizes = {std::ssize(reply.prompt),
                                          std::ssize(reply.reply),
                                          reply.final_user.begin,
                                          reply.final_user.end,
                                          reply.counts_for_rates ? 1 : 0};
    digest.update(sizes.data(), sizes.size() * sizeof(int64_t));
    digest.update(reply.prompt.data(), reply.prompt.size() * sizeof(int32_t));
    digest.update(reply.reply.data(), reply.reply.size() * sizeof(int32_t));
  }
  return "routing\x1e" + steering_key(task.steering) + digest.hex() + task.choice.key;
}

int64_t n_token_of(const std::vector<RoutedReply>& replies) {
  int64_t n_token = 0;
  for (const RoutedReply& reply : replies) {
    n_token += kReadings *
               (std::ssize(reply.prompt) + std::min(std::ssize(reply.reply), kMostReplyTokens));
  }
  return n_token;
}

json moves_json(const std::vector<std::vector<RoutingMove>>& moves) {
  json rows = json::array();
  for (size_t i = 0; i < moves.size(); ++i) {
    for (const RoutingMove& move : moves[i]) {
      rows.push_back({i, move.i_reply, move.i_token, move.is_gained, move.change});
    }
  }
  return rows;
}

std::string encode_routing(const RoutingChanges& changes) {
  json replies = json::array();
  for (const ReplyRouting& reply : changes.replies) {
    replies.push_back({reply.tokens, reply.change, reply.gain, reply.n_left_out, reply.error});
  }
  const json value = {{"conversations", changes.n_conversation},
                      {"tokens", changes.n_token},
                      {"base", changes.base},
                      {"steered", changes.steered},
                      {"swapped", changes.swapped},
                      {"moves", moves_json(changes.moves)},
                      {"replies", std::move(replies)}};
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

RoutingChanges decode_routing(const std::string& text) {
  const json value = json::parse(text);
  RoutingChanges changes;
  changes.n_conversation = value.at("conversations").get<int64_t>();
  changes.n_token = value.at("tokens").get<int64_t>();
  changes.base = value.at("base").get<std::vector<int64_t>>();
  changes.steered = value.at("steered").get<std::vector<int64_t>>();
  changes.swapped = value.at("swapped").get<std::vector<int64_t>>();
  changes.moves.resize(changes.base.size());
  for (const json& row : value.at("moves")) {
    changes.moves.at(row.at(0).get<size_t>())
        .push_back({row.at(1).get<int64_t>(),
                    row.at(2).get<int64_t>(),
                    row.at(3).get<bool>(),
                    number_or_nan(row.at(4))});
  }
  for (const json& row : value.at("replies")) {
    changes.replies.push_back({row.at(0).get<std::vector<std::string>>(),
                               numbers_or_nan<double>(row.at(1)),
                               numbers_or_nan<double>(row.at(2)),
                               row.at(3).get<int64_t>(),
                               row.at(4).get<std::string>()});
  }
  return changes;
}

}  // namespace

RoutingChanges CachedEvaluator::routing(const std::string& what, const RoutingTask& task) {
  const std::vector<RoutedReply>& replies = task.replies;
  RoutingChanges all;
  const int64_t n_total = std::ssize(replies);
  for (int64_t start = 0; start < n_total; start += kRoutedTogether) {
    report(shown_, {what, start, n_total, "conversations", ""});
    const int64_t end = std::min(start + kRoutedTogether, n_total);
    const std::vector<RoutedReply> part(replies.begin() + start, replies.begin() + end);
    const std::string key = routing_key(part, task);
    const int64_t n_token = n_token_of(part);
    std::optional<std::string> text = cache_.get(key);
    if (!text) {
      // Encoded also when it is used at once: bytes that are no characters are replaced.
      text = encode_routing(watch(1, n_token).run([&] {
        return routing_changes(host_, part, task.steering, task.choice.choose);
      }));
      cache_.put(key, *text);
    }
    count(key, n_token, 0);
    add_changes(decode_routing(*text), all);
  }
  return all;
}

}  // namespace mascing
