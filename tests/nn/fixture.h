// Reads the PyTorch results that tools/make_nn_fixtures.py wrote.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "mascing/surrogate.h"

namespace mascing::nn {

inline nlohmann::json read_fixture(const std::string& name) {
  std::ifstream file(std::string(MASCING_TEST_DATA) + "/nn/fixtures/" + name);
  if (!file) {
    throw std::runtime_error("cannot open fixture " + name);
  }
  return nlohmann::json::parse(file);
}

inline std::vector<double> numbers(const nlohmann::json& json) {
  return json.get<std::vector<double>>();
}

inline SurrogateShape fixture_shape(const nlohmann::json& fixture) {
  const nlohmann::json& shape = fixture.at("shape");
  return {shape.at("n_layer"), shape.at("n_expert"), shape.at("n_proj"), shape.at("n_hidden")};
}

}  // namespace mascing::nn
