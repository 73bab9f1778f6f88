// CBOR, with the derivatives as bytes: as text they would be three times as long.
#include "measure/gradient_codec.h"

#include <nlohmann/json.hpp>

#include "measure/cached_numbers.h"

namespace mascing {

using nlohmann::json;

std::string encode_gradients(const std::vector<OutcomeGradient>& gradients) {
  json rows = json::array();
  for (const OutcomeGradient& gradient : gradients) {
    rows.push_back({{"value", gradient.value},
                    {"d_steer", binary_of(gradient.d_steer)},
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
    gradient.d_steer = values_in<float>(row.at("d_steer"));
  }
  return gradients;
}

}  // namespace mascing
