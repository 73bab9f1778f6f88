#include "host/llama/tape/reverse.h"

#include <algorithm>
#include <set>

#include "host/llama/tape/rules.h"
#include "host/llama/tape/steer_gradient.h"
#include "host/llama/tape/swap.h"
#include "mascing/error.h"

namespace mascing {
namespace {

bool has_wanted_source(const Tape& tape, const TapeTensor& node) {
  return std::any_of(node.sources.begin(), node.sources.end(), [&](int64_t source) {
    return source != TapeTensor::kNone && tape.wants(tape.at(source));
  });
}

}  // namespace

ReversePass::ReversePass(TapeRecorder& recorder, const Steering& steering, const SwapOptions& swap)
    : recorder_(recorder), steering_(steering), swap_(swap) {}

void ReversePass::run(int64_t output, const float* d_output, std::vector<float>& d_steer) {
  Tape& tape = recorder_.tape();
  n_layer_without_swap_ = 0;
  tape.drop_gradients();
  tape.add_gradient(tape.at(output), d_output);
  const std::vector<int64_t>& nodes = tape.nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    visit(*node, d_steer);
  }
}

void ReversePass::visit(int64_t index, std::vector<float>& d_steer) {
  Tape& tape = recorder_.tape();
  const TapeTensor& node = tape.at(index);
  if (node.is_view() || !tape.has_gradient(node)) {
    return;
  }
  if (node.layer != TapeTensor::kNone) {
    visit_router(node, d_steer);
  }
  if (has_wanted_source(tape, node)) {
    const Floats d_node = is_write(node.shape) ? Floats() : tape.gradient(node);
    find_rule(node.shape)(tape, node, d_node.data());
    if (swap_.width > 0.0 && is_sum_of_experts(tape, index)) {
      n_layer_without_swap_ += add_swaps(recorder_, steering_, swap_, index) ? 0 : 1;
    }
  }
  if (node.previous_root != TapeTensor::kNone) {
    tape.pass_to_previous(node);
  }
  if (!is_write(node.shape) || tape.root(node).first_write == index) {
    tape.drop_gradient(node);
  }
}

void ReversePass::visit_router(const TapeTensor& router, std::vector<float>& d_steer) {
  std::vector<float>& d_logits = recorder_.tape().root_gradient(router);
  const std::vector<float>& before = recorder_.routers().at(router.layer).before;
  float* d_row = d_steer.data() + router.layer * steering_.mask->n_expert;
  differentiate_steering(steering_, router.layer, before, d_logits.data(), d_row);
}

std::vector<std::string> operations_without_rule(const Tape& tape, int64_t output) {
  std::set<int64_t> reached = {tape.at(output).root};
  std::set<std::string> names;
  const std::vector<int64_t>& nodes = tape.nodes();
  for (auto index = nodes.rbegin(); index != nodes.rend(); ++index) {
    const TapeTensor& node = tape.at(*index);
    const bool is_passed = !node.is_view() && reached.count(node.root) > 0;
    if (!is_passed || !has_wanted_source(tape, node)) {
      continue;
    }
    if (find_rule(node.shape) == nullptr) {
      names.insert(ggml_op_desc(&node.shape));
    }
    for (const int64_t source : node.sources) {
      if (source != TapeTensor::kNone && tape.wants(tape.at(source))) {
        reached.insert(tape.at(source).root);
      }
    }
    if (node.previous_root != TapeTensor::kNone) {
      reached.insert(node.previous_root);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace mascing
