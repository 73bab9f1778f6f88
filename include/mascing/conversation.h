// Conversations and multiple-choice questions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mascing {

struct Message {
  std::string role = {};     ///< "system", "user" or "assistant"
  std::string content = {};  ///< UTF-8

  bool operator==(const Message&) const = default;
};

/// One labelled or unlabelled conversation that ends with the user's final request. Optional texts
/// are empty when absent.
struct Conversation {
  std::string id = {};
  std::vector<Message> messages = {};
  std::optional<int> label = {};  ///< 1 = showed the behaviour to move away from, 0 = did not
  std::string topic = {};
  std::string category = {};
  std::string tactic = {};
  std::string split = {};      ///< "discovery", "selection", "test" or empty
  std::string reference = {};  ///< a known good reply, if any
  std::string reply = {};      ///< the model's reply, if collected
  int64_t turn = 0;        ///< user turn (from 1) whose reply decided the label; 0 = not rolled out
  int64_t attempt = 0;     ///< attempt (from 1) it belongs to; 0 = not rolled out
  int64_t n_cut_turn = 0;  ///< assistant turns that the token limit cut off when it was rolled out
  std::string script = {};  ///< conversation_hash of what it was rolled out from; empty = nothing

  bool operator==(const Conversation&) const = default;
};

/// Roles and texts of all messages in one string, which no other conversation has.
[[nodiscard]] std::string messages_text(const std::vector<Message>& messages);

/// By what a conversation is known again where its text is not kept: 16 hexadecimal digits of
/// SHA-256 over what the model is asked, all messages but the assistant's, which may be the model's
/// own and others under other options. Labels, ids and topics do not count. A conversation that was
/// rolled out has the hash of its script, which may be longer.
[[nodiscard]] std::string conversation_hash(const Conversation& row);
/// Whether a text could be one.
[[nodiscard]] bool is_conversation_hash(const std::string& text);

/// Of all rows, sorted, each once.
[[nodiscard]] std::vector<std::string> conversation_hashes(const std::vector<Conversation>& rows);

/// One multiple-choice question, scored by the summed log-probability of each choice.
struct ChoiceQuestion {
  std::string question = {};
  std::vector<std::string> choices = {};
  int64_t answer = 0;  ///< index of the correct choice
};

}  // namespace mascing
