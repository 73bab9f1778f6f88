// Writes GGUF version 3 (layout: see gguf_reader.cpp), each tensor at the default alignment.
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "format/gguf.h"
#include "format/gguf_layout.h"
#include "mascing/error.h"

namespace mascing {

namespace {

template <typename T>
void append_value(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_string(std::string& out, std::string_view text) {
  append_value<uint64_t>(out, text.size());
  out += text;
}

template <typename T>
std::string scalar(GgufValueType type, T value) {
  std::string out;
  append_value<uint32_t>(out, type);
  append_value(out, value);
  return out;
}

std::string array_head(GgufValueType type, size_t n) {
  std::string out;
  append_value<uint32_t>(out, kGgufArray);
  append_value<uint32_t>(out, type);
  append_value<uint64_t>(out, n);
  return out;
}

uint64_t padded(uint64_t size) {
  return (size + kGgufDefaultAlignment - 1) / kGgufDefaultAlignment * kGgufDefaultAlignment;
}

void pad(AtomicFile& file) {
  const uint64_t position = file.position();
  file.write(std::string(padded(position) - position, '\0'));
}

// Number of values, 0 if the dims are not 1 to 4 positive numbers of a sensible product.
int64_t count_values(const std::vector<int64_t>& dims) {
  if (dims.empty() || dims.size() > kGgufMaxDims) {
    return 0;
  }
  int64_t n = 1;
  for (const int64_t dim : dims) {
    if (dim <= 0 || dim > (int64_t{1} << 48) / n) {
      return 0;
    }
    n *= dim;
  }
  return n;
}

}  // namespace

void GgufWriter::set_int(const std::string& key, int64_t value) {
  values_[key] = scalar(kGgufInt64, value);
}

void GgufWriter::set_uint32(const std::string& key, uint32_t value) {
  values_[key] = scalar(kGgufUint32, value);
}

void GgufWriter::set_uint64(const std::string& key, uint64_t value) {
  values_[key] = scalar(kGgufUint64, value);
}

void GgufWriter::set_bool(const std::string& key, bool value) {
  values_[key] = scalar(kGgufBool, uint8_t{value});
}

void GgufWriter::set_float(const std::string& key, float value) {
  values_[key] = scalar(kGgufFloat32, value);
}

void GgufWriter::set_string(const std::string& key, std::string_view value) {
  std::string out;
  append_value<uint32_t>(out, kGgufString);
  append_string(out, value);
  values_[key] = std::move(out);
}

void GgufWriter::set_int_array(const std::string& key, const std::vector<int64_t>& values) {
  std::string out = array_head(kGgufInt64, values.size());
  for (const int64_t value : values) {
    append_value(out, value);
  }
  values_[key] = std::move(out);
}

void GgufWriter::set_float_array(const std::string& key, const std::vector<double>& values) {
  std::string out = array_head(kGgufFloat64, values.size());
  for (const double value : values) {
    append_value(out, value);
  }
  values_[key] = std::move(out);
}

void GgufWriter::set_string_array(const std::string& key, const std::vector<std::string>& values) {
  std::string out = array_head(kGgufString, values.size());
  for (const std::string& value : values) {
    append_string(out, value);
  }
  values_[key] = std::move(out);
}

void GgufWriter::add_tensor_f32(const std::string& name,
                                const std::vector<int64_t>& dims,
                                const float* data) {
  std::vector<float> values(data, data + count_values(dims));
  add_tensor(name, kGgufF32, dims, [values = std::move(values)](const GgufSink& sink) {
    sink(values.data(), values.size() * sizeof(float));
  });
}

void GgufWriter::add_tensor(const std::string& name,
                            int32_t type,
                            const std::vector<int64_t>& dims,
                            GgufFill fill) {
  const int64_t n = count_values(dims);
  if (n == 0 || name.empty() || name.size() > kGgufMaxNameBytes) {
    throw Error(ErrorKind::kUsage,
                "[gguf] tensor \"" + printable(name) +
                    "\": expected a name of 1 to 63 bytes and 1 to 4 positive "
                    "dimensions");
  }
  const int64_t n_row_bytes = gguf_row_bytes(type, dims[0]);
  if (n_row_bytes < 0) {
    throw Error(ErrorKind::kUsage,
                "[gguf] tensor \"" + printable(name) + "\": rows of " + std::to_string(dims[0]) +
                    " numbers cannot be stored as " + gguf_type_name(type));
  }
  for (const Tensor& tensor : tensors_) {
    if (tensor.name == name) {
      throw Error(ErrorKind::kUsage, "[gguf] tensor \"" + printable(name) + "\" was added twice");
    }
  }
  const uint64_t size_bytes = n_row_bytes * (n / dims[0]);
  tensors_.push_back({name, type, dims, size_bytes, std::move(fill)});
}

std::string GgufWriter::metadata_bytes() const {
  std::string bytes;
  for (const auto& [key, value] : values_) {
    append_string(bytes, key);
    bytes += value;
  }
  return bytes;
}

void GgufWriter::write(const std::string& path) const {
  std::string header = "GGUF";
  append_value<uint32_t>(header, kGgufVersion);
  append_value<uint64_t>(header, tensors_.size());
  append_value<uint64_t>(header, values_.size());
  header += metadata_bytes();
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    append_string(header, tensor.name);
    append_value<uint32_t>(header, static_cast<uint32_t>(tensor.dims.size()));
    for (const int64_t dim : tensor.dims) {
      append_value(header, dim);
    }
    append_value<int32_t>(header, tensor.type);
    append_value<uint64_t>(header, offset);
    offset += padded(tensor.size_bytes);
  }
  AtomicFile file(path);
  file.write(header);
  for (const Tensor& tensor : tensors_) {
    pad(file);
    uint64_t n_written = 0;
    tensor.fill([&](const void* data, size_t size_bytes) {
      n_written += size_bytes;
      file.write(data, size_bytes);
    });
    if (n_written != tensor.size_bytes) {
      throw Error(ErrorKind::kUsage,
                  "[gguf] tensor \"" + printable(tensor.name) + "\" was given " +
                      std::to_string(n_written) + " bytes, expected " +
                      std::to_string(tensor.size_bytes));
    }
  }
  pad(file);
  file.commit();
}

}  // namespace mascing
