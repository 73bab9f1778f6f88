// Prints the router logits of a message as a table, one line per token and layer:
//   trace MODEL MESSAGE
#include <iomanip>
#include <iostream>

#include <mascing/mascing.h>

namespace {

void print(const mascing::RouterTrace& trace, const mascing::ModelInfo& model) {
  std::cout << "token block" << std::fixed << std::setprecision(2);
  for (int64_t i_expert = 0; i_expert < trace.n_expert; ++i_expert) {
    std::cout << std::setw(8) << "e" + std::to_string(i_expert);
  }
  for (int64_t i_token = 0; i_token < trace.n_token; ++i_token) {
    for (int64_t i_layer = 0; i_layer < trace.n_layer; ++i_layer) {
      std::cout << '\n' << std::setw(5) << i_token << std::setw(6) << model.blocks[i_layer];
      for (int64_t i_expert = 0; i_expert < trace.n_expert; ++i_expert) {
        std::cout << std::setw(8) << trace.logit(i_token, i_layer, i_expert);
      }
    }
  }
  std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    throw mascing::Error(mascing::ErrorKind::kUsage, "trace MODEL MESSAGE");
  }
  const auto host = mascing::open_llama_host({.path = argv[1]});
  const auto prompt = host->render({.messages = {{"user", argv[2]}}});
  const auto traces = host->trace({{prompt.tokens, prompt.final_user}});
  if (!traces[0].ok()) {
    throw mascing::Error(mascing::ErrorKind::kBadInput, traces[0].error);
  }
  print(traces[0].value, host->describe());
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
