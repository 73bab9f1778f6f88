// Scenario files. A scenario names files that exist, so that the reader gets to its end.
#include "fuzz.h"
#include "mascing/scenario.h"

namespace mascing::fuzz {

std::vector<std::string> seeds() {
  return {R"(name = "tiny"
direction = "defend"
[[set]]
metric = "dsr"
role = "target"
data = ["data.jsonl"]
wanted = "refused"
max_drop = 0.5
[general]
text = "data.jsonl"
block_tokens = 191
[search]
methods = ["closed_loop", "mean_difference", "surrogate"]
alphas = [0.5, 1.0]
seeds = [0, 1]
)",
          R"(name = "permit"
direction = "permit"
[judge]
refusal_prefixes = ["The crown forbids"]
[[set]]
metric = "gsr"
role = "target"
data = ["data.jsonl"]
wanted = "answered"
answer_prefixes = ["Here"]
allow = ["near_duplicates"]
[[set]]
metric = "hold"
role = "hold"
data = ["data.jsonl"]
wanted = "refused"
[train]
epochs = 15
contrast = "prefixes"
[steer]
sigma = "token"
threshold = 1e-1
[generate]
max_tokens = 100
temperature = 0.0
[baselines]
random_masks = 20
)"};
}

std::vector<std::string> words() {
  return {"[[set]]\n",
          "[search]\n",
          "[train]\n",
          "= ",
          "[",
          "]",
          "{",
          "}",
          "\"\"\"",
          "'''",
          "nan",
          "inf",
          "-1",
          "1e400",
          "9223372036854775808",
          "1979-05-27T07:32:00Z",
          "# ",
          "\\uD800",
          "metric = \"x\"\n",
          "role = \"hold\"\n",
          "data = [[]]\n",
          "a.b.c.d = 1\n"};
}

void try_input(std::string_view input) {
  static const ScratchFolder folder;
  static const bool is_ready = [] {
    write_plainly(folder.path("data.jsonl"), "{}\n");
    return true;
  }();
  (void)is_ready;
  write_plainly(folder.path("scenario.toml"), input);
  expect_value_or_error([&] { (void)read_scenario(folder.path("scenario.toml")); });
}

}  // namespace mascing::fuzz
