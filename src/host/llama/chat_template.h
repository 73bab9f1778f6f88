// Applies a model's chat template like stock llama.cpp, but with a fixed date.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "format/reasoning_layout.h"
#include "mascing/conversation.h"

struct llama_model;

namespace mascing {

/// llama.cpp derives a reply parser from the template whenever it renders a conversation, which
/// takes ten times as long as rendering and is not needed here. Only a few templates need this
/// path, so one check decides whether plain rendering gives the same text.
///
/// Templates that print the current date would change the model's behaviour every day and prevent
/// resuming a run, so the date is always 1 January 2026.
class ChatTemplate {
 public:
  /// Values as JSON text, by the name that the template knows.
  using Arguments = std::map<std::string, std::string>;

  /// Throws Error{kBadInput} for a template that cannot be parsed.
  explicit ChatTemplate(const llama_model* model, Arguments arguments = {});
  /// The template alone, for tests: without the begin and end tokens of a model.
  explicit ChatTemplate(const std::string& source, Arguments arguments = {});
  ~ChatTemplate();

  /// Text up to where the assistant's next words begin. Throws Error{kBadInput} where the template
  /// refuses the conversation.
  [[nodiscard]] std::string apply(const std::vector<Message>& messages, bool enable_thinking) const;
  /// The same with llama.cpp's own treatment of the template in any case.
  [[nodiscard]] std::string apply_fully(const std::vector<Message>& messages,
                                        bool enable_thinking) const;
  /// Whether apply() goes the short way.
  [[nodiscard]] bool is_plain() const { return is_plain_; }
  [[nodiscard]] const std::string& source() const { return source_; }
  /// How it sets reasoning apart: llama.cpp's marks where it knows them, else learned from what the
  /// template renders.
  [[nodiscard]] const ReasoningLayout& layout() const { return layout_; }

 private:
  struct Parsed;
  ChatTemplate(const llama_model* model, const std::string& source, Arguments arguments);

  std::unique_ptr<Parsed> parsed_;
  Arguments arguments_;
  std::string source_;  ///< as the model has it
  ReasoningLayout layout_;
  bool is_plain_ = false;
};

}  // namespace mascing
