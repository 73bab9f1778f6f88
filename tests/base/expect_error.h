// Checks the kind and the words of an Error.
#pragma once

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mascing/error.h"

namespace mascing {

/// `work` must throw an Error of `kind` whose message and hint together contain `words`.
template <typename Work>
void expect_error(ErrorKind kind, const std::string& words, const Work& work) {
  try {
    work();
    ADD_FAILURE() << "no error, expected one with \"" << words << "\"";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(std::string(error.what()) + " | " + error.hint(), testing::HasSubstr(words));
  }
}

}  // namespace mascing
