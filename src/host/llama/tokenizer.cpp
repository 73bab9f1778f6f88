// What libllama throws becomes an error that names the tokenizer.
#include "host/llama/tokenizer.h"

#include <stdexcept>

#include <common.h>

#include "mascing/error.h"

namespace mascing {

std::vector<int32_t> tokenize_text(const llama_vocab* vocab,
                                   const std::string& text,
                                   bool adds_marks,
                                   bool reads_marks) {
  try {
    return common_tokenize(vocab, text, adds_marks, reads_marks);
  } catch (const std::out_of_range&) {  // of the table of tokens, where a byte is looked up
    throw Error(ErrorKind::kBadInput,
                "[host] the model's tokenizer has no token for a byte of the text",
                "tokenizer.ggml.tokens in the file is damaged; convert or download it again");
  }
}

}  // namespace mascing
