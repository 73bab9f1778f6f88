// The model's tokenizer, through llama.cpp's `common`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct llama_vocab;

namespace mascing {

/// Tokens of a text, between the marks of the model if `adds_marks`; with `reads_marks`, marks
/// within the text become their tokens. Throws Error{kBadInput} where the model has no tokens that
/// make it up.
[[nodiscard]] std::vector<int32_t> tokenize_text(const llama_vocab* vocab,
                                                 const std::string& text,
                                                 bool adds_marks,
                                                 bool reads_marks);

}  // namespace mascing
