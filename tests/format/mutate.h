// Feeds a reader with every truncation and many single-byte changes of a good file: each must give
// a value or an Error, never anything else. Run under the sanitizers this finds reads outside the
// file.
#pragma once

#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "mascing/error.h"

namespace mascing {

/// `read` gets the path of a file holding `bytes`; true if it was accepted.
template <typename Read>
bool accepts(const std::string& path, const std::string& bytes, const Read& read) {
  // Written plainly and as a new file: atomic writes and replaced files wait for the disk,
  // thousands of times.
  std::remove(path.c_str());
  FILE* file = std::fopen(path.c_str(), "wb");
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
  try {
    read(path);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind() == ErrorKind::kBadInput || error.kind() == ErrorKind::kMismatch ||
                  error.kind() == ErrorKind::kInsufficient,
              true)
        << error.what();
    return false;
  }
}

/// Every shorter file must be refused, every changed one must be refused or read.
template <typename Read>
void survive_mutations(const std::string& good_path,
                       const std::string& trial_path,
                       const Read& read) {
  const std::string good = read_text_file(good_path);
  ASSERT_TRUE(accepts(trial_path, good, read));
  for (size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(accepts(trial_path, good.substr(0, n), read)) << "cut to " << n << " bytes";
  }
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      (void)accepts(trial_path, bad, read);
    }
  }
}

}  // namespace mascing
