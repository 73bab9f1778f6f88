// Consecutive ranges of the blocks.
#include "scenario/text_blocks.h"

#include <array>

namespace mascing {

std::vector<TextBlock> text_blocks(
    const Host& host, const Dataset& data, const Scenario& scenario, Split split, TextForm form) {
  if (data.text.empty()) {
    return {};
  }
  auto blocks = split_blocks(host, data.text, scenario.general.n_block_token);
  const int64_t n = std::ssize(blocks);
  const std::array<int64_t, 4> bounds = {0, n / 4, n / 2, n};  // discovery, selection, test
  const auto i_split = static_cast<size_t>(split);
  blocks = {blocks.begin() + bounds.at(i_split), blocks.begin() + bounds.at(i_split + 1)};
  const int64_t n_max = scenario.general.n_max_block;
  if (n_max > 0 && std::ssize(blocks) > n_max) {
    blocks.resize(n_max);
  }
  return form == TextForm::kChat ? as_replies(host, blocks) : blocks;
}

TextForm limited_form(const Host& host, const Scenario& scenario) {
  return host.chat_template().empty() ? TextForm::kRaw : scenario.general.limited;
}

std::vector<TextBlock> limited_blocks(const Host& host,
                                      const Dataset& data,
                                      const Scenario& scenario,
                                      Split split) {
  return text_blocks(host, data, scenario, split, limited_form(host, scenario));
}

}  // namespace mascing
