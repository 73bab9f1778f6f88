// CBOR, with the derivatives as bytes: as text they would be three times as long.
#include "measure/gradient_codec.h"

#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

namespace mascing {

using nlohmann::json;

std::string encode_gradients(const std::vector<OutcomeGradient>& gradients) {
  json rows = json::array();
  for (const OutcomeGradient& gradient : gradients) {
    std::vector<uint8_t> bytes(gradient.d_steer.size() * sizeof(float));
    if (!bytes.empty()) {  // of a failed question there are none, and no place either
      std::memcpy(bytes.data(), gradient.d_steer.data(), bytes.size());
    }
    rows.push_back({{"value", gradient.value},
                    {"d_steer", json::binary(std::move(bytes))},
                    {"error", gradient.error}});
  }
  std::string text;
  json::to_cbor(rows, text);
  return text;
}

std::vector<OutcomeGradient> decode_gradients(const std::string& text) {
  std::vector<OutcomeGradient> gradients;
  for (const json& row : json::from_cbor(text)) {
    OutcomeGradient& gradient = gradients.emplace_back();
    gradient.value = row.at("value").get<double>();
    gradient.error = row.at("error").get<std::string>();
    const auto& bytes = row.at("d_steer").get_binary();
    gradient.d_steer.resize(bytes.size() / sizeof(float));
    if (!gradient.d_steer.empty()) {
      std::memcpy(gradient.d_steer.data(), bytes.data(), gradient.d_steer.size() * sizeof(float));
    }
  }
  return gradients;
}

}  // namespace mascing
