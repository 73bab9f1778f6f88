// Values are copied when a node is seen, because the scheduler gives its memory to later nodes.
#include "host/llama/tape/tape.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <ggml-backend.h>

#include "host/llama/tape/product.h"
#include "host/llama/tape/rules.h"
#include "mascing/error.h"

namespace mascing {
namespace {

bool is_float(ggml_type type) {
  return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16;
}

const ggml_tensor* owner_of(const ggml_tensor* tensor) {
  return tensor->view_src == nullptr ? tensor : tensor->view_src;
}

bool is_weight(const ggml_tensor* tensor) {
  return tensor->buffer != nullptr &&
         ggml_backend_buffer_get_usage(tensor->buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS;
}

/// Of a tensor that no node computes.
TapeRoot::Kind kind_of_leaf(const ggml_tensor* owner) {
  const bool is_input = (owner->flags & GGML_TENSOR_FLAG_INPUT) != 0;
  return is_weight(owner) ? TapeRoot::Kind::kWeight
         : is_input       ? TapeRoot::Kind::kInput
                          : TapeRoot::Kind::kMemory;
}

/// Calls `use(element index of the row's start, bytes between its elements, row number)`.
template <typename Use>
void for_each_row(const ggml_tensor& shape, Use use) {
  int64_t row = 0;
  for (int64_t i3 = 0; i3 < shape.ne[3]; ++i3) {
    for (int64_t i2 = 0; i2 < shape.ne[2]; ++i2) {
      for (int64_t i1 = 0; i1 < shape.ne[1]; ++i1) {
        use(i1 * shape.nb[1] + i2 * shape.nb[2] + i3 * shape.nb[3], row++);
      }
    }
  }
}

bool is_dense(const ggml_tensor& shape) {
  return shape.type == GGML_TYPE_F32 && ggml_is_contiguous(&shape);
}

void convert_row(const uint8_t* from, const ggml_tensor& shape, float* to) {
  const size_t size = ggml_type_size(shape.type);
  if (shape.nb[0] == size) {
    convert_to_floats(shape.type, from, shape.ne[0], to);
    return;
  }
  for (int64_t i = 0; i < shape.ne[0]; ++i) {
    const uint8_t* value = from + i * shape.nb[0];
    if (shape.type == GGML_TYPE_F32) {
      std::memcpy(to + i, value, sizeof(float));
    } else {
      convert_to_floats(shape.type, value, 1, to + i);
    }
  }
}

}  // namespace

bool TapeTensor::is_view() const {
  return shape.op == GGML_OP_RESHAPE || shape.op == GGML_OP_VIEW || shape.op == GGML_OP_PERMUTE ||
         shape.op == GGML_OP_TRANSPOSE || shape.op == GGML_OP_NONE;
}

void Tape::clear() {
  roots_.clear();
  tensors_.clear();
  nodes_.clear();
  tensor_of_.clear();
  root_of_.clear();
}

int64_t Tape::add_root(const ggml_tensor* owner, TapeRoot::Kind kind) {
  TapeRoot root;
  root.kind = kind;
  root.tensor = owner;
  root.n_element = ggml_nelements(owner);
  root.element_size = ggml_type_size(owner->type);
  roots_.push_back(std::move(root));
  root_of_[owner] = std::ssize(roots_) - 1;
  return std::ssize(roots_) - 1;
}

int64_t Tape::add_leaf(const ggml_tensor* leaf) {
  const ggml_tensor* owner = owner_of(leaf);
  const auto found = root_of_.find(owner);
  int64_t root = found == root_of_.end() ? TapeTensor::kNone : found->second;
  TapeTensor tensor;
  tensor.shape = *leaf;
  tensor.offset = leaf->view_offs;
  tensor.sources.fill(TapeTensor::kNone);
  if (root == TapeTensor::kNone) {
    root = add_root(owner, kind_of_leaf(owner));
    if (roots_[root].kind == TapeRoot::Kind::kInput) {
      roots_[root].bytes.resize(ggml_nbytes(owner));
      ggml_backend_tensor_get(owner, roots_[root].bytes.data(), 0, ggml_nbytes(owner));
    }
  }
  tensor.root = root;
  tensors_.push_back(std::move(tensor));
  tensor_of_[leaf] = std::ssize(tensors_) - 1;
  return std::ssize(tensors_) - 1;
}

void Tape::append(const ggml_tensor* node, int64_t layer) {
  TapeTensor tensor;
  tensor.shape = *node;
  tensor.layer = layer;
  tensor.sources.fill(TapeTensor::kNone);
  bool is_dependent = layer != TapeTensor::kNone;
  for (int i = 0; i < GGML_MAX_SRC && node->src[i] != nullptr; ++i) {
    if (node->src[i] == node) {
      continue;  // a conversion names itself as its target
    }
    const auto known = tensor_of_.find(node->src[i]);
    const int64_t source = known == tensor_of_.end() ? add_leaf(node->src[i]) : known->second;
    tensor.sources[i] = source;
    is_dependent = is_dependent || roots_[tensors_[source].root].is_dependent;
    const bool is_target = is_write(*node) && i > 0;
    if (!tensor.is_view() && !is_target) {
      read_memory(source, node->src[i]);
    }
  }
  choose_root(tensor, node);
  TapeRoot& root = roots_[tensor.root];
  root.is_dependent =
      root.is_dependent || (!tensor.is_view() && is_dependent && is_float(node->type));
  tensors_.push_back(std::move(tensor));
  const int64_t index = std::ssize(tensors_) - 1;
  tensor_of_[node] = index;
  nodes_.push_back(index);
  if (is_write(*node) && root.first_write < 0) {
    root.first_write = index;
  }
  copy_values(index);
}

// Views and writes stay in their root. A node that works in place makes a new version of it,
// because the values before are still needed. Memory stays memory: a state that is set to zero in
// place is overwritten later.
void Tape::choose_root(TapeTensor& tensor, const ggml_tensor* node) {
  const ggml_tensor* owner = owner_of(node);
  const auto known = root_of_.find(owner);
  const bool stays = tensor.is_view() || is_write(*node);
  tensor.offset = node->view_offs;
  if (known != root_of_.end() && stays) {
    tensor.root = known->second;
    return;
  }
  const bool is_in_place = known != root_of_.end() && node->view_src != nullptr;
  tensor.previous_root = is_in_place ? known->second : TapeTensor::kNone;
  const bool is_memory = is_in_place
                             ? roots_[known->second].kind == TapeRoot::Kind::kMemory
                             : owner != node && kind_of_leaf(owner) == TapeRoot::Kind::kMemory;
  tensor.root = add_root(owner, is_memory ? TapeRoot::Kind::kMemory : TapeRoot::Kind::kComputed);
  if (is_in_place) {
    roots_[tensor.root].is_dependent = roots_[tensor.previous_root].is_dependent;
  }
}

// Views of what a node computed find their values with it. What is written in place is part of a
// whole that is copied again.
void Tape::copy_values(int64_t tensor) {
  TapeRoot& root = roots_[tensors_[tensor].root];
  const bool is_known = tensors_[tensor].is_view() && !root.bytes.empty();
  if (root.kind != TapeRoot::Kind::kComputed || is_known) {
    return;
  }
  root.bytes.resize(ggml_nbytes(root.tensor));
  ggml_backend_tensor_get(root.tensor, root.bytes.data(), 0, root.bytes.size());
}

void Tape::read_memory(int64_t tensor, const ggml_tensor* source) {
  TapeTensor& view = tensors_[tensor];
  if (roots_[view.root].kind != TapeRoot::Kind::kMemory || !view.seen_memory.empty()) {
    return;
  }
  view.seen_memory.resize(ggml_nbytes(source));
  ggml_backend_tensor_get(source, view.seen_memory.data(), 0, view.seen_memory.size());
}

int64_t Tape::find(const std::string& name) const {
  const auto found = std::find_if(
      nodes_.rbegin(), nodes_.rend(), [&](int64_t i) { return tensors_[i].shape.name == name; });
  return found == nodes_.rend() ? TapeTensor::kNone : *found;
}

const uint8_t* Tape::bytes(const TapeTensor& tensor) const {
  const TapeRoot& root = roots_[tensor.root];
  if (root.kind == TapeRoot::Kind::kMemory) {
    if (tensor.seen_memory.empty()) {
      throw Error(ErrorKind::kHost,
                  std::string("[gradient] ") + tensor.shape.name + " is memory nobody read");
    }
    return tensor.seen_memory.data();
  }
  if (root.kind != TapeRoot::Kind::kWeight) {
    return root.bytes.data() + tensor.offset;
  }
  if (!ggml_backend_buffer_is_host(root.tensor->buffer)) {
    throw Error(ErrorKind::kHost,
                std::string("[gradient] the weights ") + root.tensor->name + " lie in " +
                    ggml_backend_buffer_name(root.tensor->buffer) + ", not in plain memory",
                "open the model with `differentiable`, which leaves weights as the file has them");
  }
  return static_cast<const uint8_t*>(root.tensor->data) + tensor.offset;
}

Floats Tape::values(const TapeTensor& tensor) const {
  const uint8_t* first = bytes(tensor);
  if (is_dense(tensor.shape)) {
    return Floats(reinterpret_cast<const float*>(first));
  }
  std::vector<float> values(tensor.n_element());
  for_each_row(tensor.shape, [&](size_t at, int64_t row) {
    convert_row(first + at, tensor.shape, values.data() + row * tensor.shape.ne[0]);
  });
  return Floats(std::move(values));
}

std::vector<int64_t> Tape::integers(const TapeTensor& tensor) const {
  const uint8_t* first = bytes(tensor);
  std::vector<int64_t> values(tensor.n_element());
  for_each_row(tensor.shape, [&](size_t at, int64_t row) {
    for (int64_t i = 0; i < tensor.shape.ne[0]; ++i) {
      const uint8_t* from = first + at + i * tensor.shape.nb[0];
      int64_t& to = values[row * tensor.shape.ne[0] + i];
      if (tensor.shape.type == GGML_TYPE_I64) {
        std::memcpy(&to, from, sizeof(int64_t));
      } else {
        int32_t value = 0;
        std::memcpy(&value, from, sizeof(int32_t));
        to = value;
      }
    }
  });
  return values;
}

int64_t Tape::index_of(const TapeTensor& tensor, int64_t i1, int64_t i2, int64_t i3) const {
  const ggml_tensor& shape = tensor.shape;
  const size_t at = tensor.offset + i1 * shape.nb[1] + i2 * shape.nb[2] + i3 * shape.nb[3];
  return static_cast<int64_t>(at / roots_[tensor.root].element_size);
}

Floats Tape::gradient(const TapeTensor& tensor) const {
  const TapeRoot& root = roots_[tensor.root];
  const int64_t step = static_cast<int64_t>(tensor.shape.nb[0] / root.element_size);
  const int64_t first = static_cast<int64_t>(tensor.offset / root.element_size);
  if (ggml_is_contiguous(&tensor.shape)) {
    return Floats(root.d_values.data() + first);
  }
  std::vector<float> values(tensor.n_element());
  for_each_row(tensor.shape, [&](size_t at, int64_t row) {
    const float* from = root.d_values.data() + first + at / root.element_size;
    for (int64_t i = 0; i < tensor.shape.ne[0]; ++i) {
      values[row * tensor.shape.ne[0] + i] = from[i * step];
    }
  });
  return Floats(std::move(values));
}

std::vector<float>& Tape::root_gradient(const TapeTensor& tensor) {
  TapeRoot& root = roots_[tensor.root];
  if (root.d_values.empty()) {
    root.d_values.assign(root.n_element, 0.0F);
  }
  return root.d_values;
}

void Tape::add_gradient(const TapeTensor& tensor, const float* d_values) {
  if (!wants(tensor)) {
    return;
  }
  std::vector<float>& sum = root_gradient(tensor);
  const size_t size = roots_[tensor.root].element_size;
  const int64_t step = static_cast<int64_t>(tensor.shape.nb[0] / size);
  for_each_row(tensor.shape, [&](size_t at, int64_t row) {
    float* to = sum.data() + (tensor.offset + at) / size;
    const float* from = d_values + row * tensor.shape.ne[0];
    for (int64_t i = 0; i < tensor.shape.ne[0]; ++i) {
      to[i * step] += from[i];
    }
  });
}

void Tape::forget_gradient(const TapeTensor& tensor) {
  TapeRoot& root = roots_[tensor.root];
  const int64_t step = static_cast<int64_t>(tensor.shape.nb[0] / root.element_size);
  for_each_row(tensor.shape, [&](size_t at, int64_t) {
    float* to = root.d_values.data() + (tensor.offset + at) / root.element_size;
    for (int64_t i = 0; i < tensor.shape.ne[0]; ++i) {
      to[i * step] = 0.0F;
    }
  });
}

void Tape::drop_gradient(const TapeTensor& tensor) {
  std::vector<float>().swap(roots_[tensor.root].d_values);
}

void Tape::pass_to_previous(const TapeTensor& node) {
  TapeRoot& from = roots_[node.root];
  TapeRoot& to = roots_[node.previous_root];
  forget_gradient(node);
  if (to.is_dependent && to.d_values.empty()) {
    to.d_values.assign(to.n_element, 0.0F);
  }
  for (int64_t i = 0; i < std::ssize(to.d_values); ++i) {
    to.d_values[i] += from.d_values[i];
  }
}

void Tape::drop_gradients() {
  for (TapeRoot& root : roots_) {
    std::vector<float>().swap(root.d_values);
  }
}

int64_t Tape::size_bytes() const {
  int64_t n = 0;
  for (const TapeRoot& root : roots_) {
    n += std::ssize(root.bytes);
  }
  for (const TapeTensor& tensor : tensors_) {
    n += std::ssize(tensor.seen_memory);
  }
  return n;
}

}  // namespace mascing
