// Answers a message under a mask: steer MODEL MASK STRENGTH MESSAGE
#include <iostream>

#include <mascing/mascing.h>

int main(int argc, char** argv) try {
  if (argc != 5) {
    throw mascing::Error(mascing::ErrorKind::kUsage, "steer MODEL MASK STRENGTH MESSAGE");
  }
  const auto host = mascing::open_llama_host({.path = argv[1]});
  const auto mask = std::make_shared<const mascing::Mask>(mascing::read_mask(argv[2]));
  const auto prompt = host->render({.messages = {{"user", argv[4]}}});
  const auto replies = host->generate({{prompt.tokens, {mask, std::stof(argv[3])}}}, {});
  std::cout << (replies[0].ok() ? replies[0].value.text : replies[0].error) << '\n';
  return replies[0].ok() ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
