// Imports from files and texts, for the tests of formats and of files.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/expect_error.h"
#include "base/temporary_folder.h"
#include "mascing/import.h"

namespace mascing {

struct Imported {
  std::vector<Conversation> rows;
  ImportReport report;

  [[nodiscard]] const ImportedFile& file() const { return report.files.front(); }
  [[nodiscard]] const ImportSkip& skip() const { return file().skips.front(); }
};

inline Imported import_files(const std::vector<std::string>& files,
                             const ImportOptions& options = {}) {
  Imported imported;
  imported.report = import_conversations(
      files, options, [&](const Conversation& row) { imported.rows.push_back(row); });
  return imported;
}

inline ImportOptions of_format(const std::string& name) {
  ImportOptions options;
  options.format = name;
  return options;
}

inline ImportOptions of_category(const std::string& name) {
  ImportOptions options;
  options.category = name;
  return options;
}

inline ImportOptions with_duplicates() {
  ImportOptions options;
  options.with_duplicates = true;
  return options;
}

inline std::string import_fixture(const std::string& name) {
  return std::string(MASCING_TEST_DATA) + "/format/fixtures/import/" + name;
}

class ImportTest : public testing::Test {
 protected:
  [[nodiscard]] Imported import_text(const std::string& name,
                                     const std::string& text,
                                     const ImportOptions& options = {}) const {
    std::ofstream(folder_.path(name), std::ios::binary) << text;
    return import_files({folder_.path(name)}, options);
  }
  void expect_refusal(ErrorKind kind,
                      const std::string& words,
                      const std::string& name,
                      const std::string& text,
                      const ImportOptions& options = {}) const {
    expect_error(kind, words, [&] { (void)import_text(name, text, options); });
  }

  TemporaryFolder folder_;
};

}  // namespace mascing
