// Playing asks all conversations for their first open turn, then for the second, and so on.
#include "run/protocol.h"

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/sha256.h"

namespace mascing {
namespace {

std::set<std::string> system_prompts(const Dataset& data) {
  std::set<std::string> prompts;
  for (const LoadedSet& set : data.sets) {
    for (const Conversation& row : set.rows(Split::kTest)) {
      const bool has_one = !row.messages.empty() && row.messages.front().role == "system";
      prompts.insert(has_one ? row.messages.front().content : "");
    }
  }
  return prompts;
}

/// Places of the assistant's turns that answer a user message, before the last user message.
std::vector<size_t> answered_turns(const Conversation& row) {
  std::vector<size_t> places;
  for (size_t i = 1; i + 1 < row.messages.size(); ++i) {
    if (row.messages[i].role == "assistant" && row.messages[i - 1].role == "user") {
      places.push_back(i);
    }
  }
  return places;
}

/// A conversation up to the turn that is asked for.
Conversation up_to(const Conversation& row, size_t n_message) {
  Conversation head = row;
  head.messages.resize(n_message);
  return head;
}

}  // namespace

const char* to_string(Attacks attacks) {
  return attacks == Attacks::kPlayed ? "played" : "replayed";
}

ProtocolResult protocol_of(const Scenario& scenario,
                           const Dataset& data,
                           const Host& host,
                           const RunOptions& options) {
  const std::string source = host.chat_template();
  const std::set<std::string> prompts = system_prompts(data);
  ProtocolResult protocol;
  protocol.engine = host.engine();
  protocol.quantisation = host.quantisation();
  protocol.engine_options = host.settings();
  protocol.scenario_hash = file_exists(scenario.path) ? sha256_file(scenario.path) : "";
  protocol.data_hash = data.hash;
  protocol.template_hash = source.empty() ? "" : sha256_hex(source);
  protocol.reasoning = to_string(options.chat_template.reasoning);
  protocol.template_arguments = options.chat_template.arguments;
  protocol.n_system_prompt = std::ssize(prompts) - (prompts.contains("") ? 1 : 0);
  protocol.system_prompt = prompts.size() == 1 ? *prompts.begin() : "";
  protocol.temperature = scenario.temperature;
  protocol.n_max_token = scenario.n_max_token;
  protocol.n_max_reasoning_token = scenario.n_max_reasoning_token;
  protocol.n_max_play_token = scenario.n_max_play_token;
  protocol.attacks = to_string(options.attacks);
  return protocol;
}

std::vector<Warning> template_warnings(const ProtocolResult& protocol) {
  if (!protocol.template_hash.empty()) {
    return {};
  }
  return {{"no_chat_template",
           "the model's file has no chat template: prompts are written as ChatML, which the model "
           "may not know",
           "use the file of a chat model, or write tokenizer.chat_template into this one"}};
}

PlayedConversations play_against(const EvalContext& context,
                                 const std::string& what,
                                 std::vector<Conversation> rows,
                                 const Treatment& treatment) {
  PlayedConversations played;
  Sampling sampling = context.evaluator.sampling();
  sampling.n_max_token = context.scenario.n_max_play_token;
  for (size_t i_turn = 0;; ++i_turn) {
    std::vector<Conversation> heads;
    std::vector<std::pair<size_t, size_t>> places;  // row, message
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::vector<size_t> turns = answered_turns(rows[i]);
      if (i_turn < turns.size()) {
        heads.push_back(up_to(rows[i], turns[i_turn]));
        places.emplace_back(i, turns[i_turn]);
      }
    }
    if (heads.empty()) {
      break;
    }
    const auto replies = context.evaluator.sampled(
        what, treatment.applied(std::move(heads)), treatment.steering, sampling);
    for (size_t k = 0; k < replies.size(); ++k) {
      const auto [i, place] = places[k];
      const bool is_kept = !replies[k].ok() || replies[k].is_unfinished;
      ++played.n_turn;
      played.n_kept += is_kept ? 1 : 0;
      played.n_cut += !is_kept && replies[k].hit_limit ? 1 : 0;
      if (!is_kept) {
        rows[i].messages[place].content = replies[k].visible;
      }
    }
  }
  played.rows = std::move(rows);
  return played;
}

}  // namespace mascing
