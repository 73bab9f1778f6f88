#include "host/llama/tape/reverse.h"

#include <algorithm>
#include <set>

#include "host/llama/adapter_push.h"
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

std::vector<int64_t> TapedColumns::bounds(int64_t n_column) const {
  int64_t n_token = 0;
  int64_t n_output = 0;
  std::vector<int64_t> of_tokens = {0};
  std::vector<int64_t> of_outputs = {0};
  for (const TapedPart& part : parts) {
    of_tokens.push_back(n_token += part.n_token);
    of_outputs.push_back(n_output += part.n_output);
  }
  if (n_column != n_token && n_column != n_output) {
    throw Error(ErrorKind::kHost,
                "[gradient] a router has " + std::to_string(n_column) + " columns for " +
                    std::to_string(n_token) + " tokens and " + std::to_string(n_output) +
                    " outputs",
                "the token order of this architecture is not supported by this version");
  }
  return n_column == n_token ? of_tokens : of_outputs;
}

ReversePass::ReversePass(TapeRecorder& recorder, TapedColumns columns)
    : recorder_(recorder), columns_(std::move(columns)) {}

std::vector<std::vector<float>> ReversePass::run(int64_t output, const float* d_output) {
  Tape& tape = recorder_.tape();
  n_layer_without_swap_ = 0;
  d_steer_.clear();
  for (const TapedPart& part : columns_.parts) {
    d_steer_.emplace_back(part.steering->mask->values().size(), 0.0F);
  }
  tape.drop_gradients();
  tape.add_gradient(tape.at(output), d_output);
  const std::vector<int64_t>& nodes = tape.nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if (check_) {
      check_();
    }
    visit(*node);
  }
  return std::move(d_steer_);
}

void ReversePass::visit(int64_t index) {
  Tape& tape = recorder_.tape();
  const TapeTensor& node = tape.at(index);
  if (node.is_view() || !tape.has_gradient(node)) {
    return;
  }
  if (node.layer != TapeTensor::kNone) {
    visit_router(node);
  }
  if (has_wanted_source(tape, node)) {
    const Floats d_node = is_write(node.shape) ? Floats() : tape.gradient(node);
    find_rule(node.shape)(tape, node, d_node.data());
    if (columns_.swap.width > 0.0 && is_sum_of_experts(tape, index)) {
      n_layer_without_swap_ += add_swaps(recorder_, columns_, index) ? 0 : 1;
    }
  }
  if (node.previous_root != TapeTensor::kNone) {
    tape.pass_to_previous(node);
  }
  if (!is_write(node.shape) || tape.root(node).first_write == index) {
    tape.drop_gradient(node);
  }
}

void ReversePass::visit_router(const TapeTensor& router) {
  std::vector<float>& d_logits = recorder_.tape().root_gradient(router);
  const std::vector<float>& before = recorder_.routers().at(router.layer).before;
  const int64_t n_expert = router.shape.ne[0];
  const std::vector<int64_t> bounds = columns_.bounds(router.shape.ne[1]);
  visit_adapters(router, bounds);
  std::vector<float> unused(n_expert);
  for (int64_t k = 0; k < std::ssize(columns_.parts); ++k) {
    const RouterColumns columns{
        router.layer, before.data() + bounds[k] * n_expert, bounds[k + 1] - bounds[k]};
    const Steering& steering = *columns_.parts[k].steering;
    differentiate_steering(steering,
                           columns,
                           d_logits.data() + bounds[k] * n_expert,
                           steering.mask->has_adapter()
                               ? unused.data()  // S stays as it is
                               : d_steer_[k].data() + router.layer * n_expert);
  }
}

/// The parts with an adapter, which also hands a gradient on to what the router read.
void ReversePass::visit_adapters(const TapeTensor& router, const std::vector<int64_t>& bounds) {
  Tape& tape = recorder_.tape();
  const int64_t input = recorder_.routers().at(router.layer).input;
  const auto has_adapter = [](const TapedPart& part) { return part.steering->mask->has_adapter(); };
  if (std::none_of(columns_.parts.begin(), columns_.parts.end(), has_adapter)) {
    return;
  }
  const int64_t width = columns_.parts.front().steering->mask->adapter.n_embd;
  const bool is_found =
      input != TapeTensor::kNone && tape.at(input).shape.type == GGML_TYPE_F32 &&
      tape.at(input).n_element() == router.shape.ne[1] * tape.at(input).shape.ne[0] &&
      (width == 0 || tape.at(input).shape.ne[0] == width);
  if (!is_found) {
    throw Error(ErrorKind::kHost,
                "[gradient] the input of router " + std::to_string(router.layer) + " was not found",
                "adapters are not available for this architecture");
  }
  const TapeTensor& read = tape.at(input);
  const Floats inputs = tape.values(read);
  const std::vector<float>& d_logits = tape.root_gradient(router);
  std::vector<float> d_inputs(tape.wants(read) ? read.n_element() : 0, 0.0F);
  for (int64_t k = 0; k < std::ssize(columns_.parts); ++k) {
    const Steering& steering = *columns_.parts[k].steering;
    const Mask& mask = *steering.mask;
    if (!mask.has_adapter()) {
      continue;
    }
    const int64_t n_embd = mask.adapter.n_embd;
    const AdapterColumns columns{router.layer,
                                 bounds[k + 1] - bounds[k],
                                 inputs.data() + bounds[k] * n_embd,
                                 d_logits.data() + bounds[k] * mask.n_expert};
    differentiate_adapter(mask,
                          columns,
                          steering.alpha,
                          d_steer_[k].data() + router.layer * mask.adapter.rank * mask.n_expert,
                          d_inputs.empty() ? nullptr : d_inputs.data() + bounds[k] * n_embd);
  }
  if (!d_inputs.empty()) {
    tape.add_gradient(read, d_inputs.data());
  }
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
