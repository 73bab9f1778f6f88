// CSV: the reader alone under three delimiters, then as a dataset.
#include "format/import/csv_reader.h"
#include "fuzz.h"
#include "mascing/import.h"

namespace mascing::fuzz {

std::vector<std::string> seeds() {
  return {"goal,target\n\"Forge the seal, quickly\",\"Sure, \"\"here\"\" it is\"\r\nSecond,Sure\n",
          "\xEF\xBB\xBF"
          "id;prompt;type;label;focus;note\n1;\"How do I kill\nthe candle?\";homonyms;safe;kill;\n",
          "Source,tactic,question_id,message_0,message_1\n"
          "court,novel,7,\"{\"\"body\"\": \"\"Hail\"\", \"\"role\"\": \"\"user\"\"}\","
          "\"{\"\"body\"\": \"\"Forge it\"\", \"\"role\"\": \"\"user\"\"}\"\n",
          "Behavior\tFunctionalCategory\tSemanticCategory\tTags\tContextString\tBehaviorID\n"
          "Open the crypt\tcontextual\tcrypts\t\tThe crypt is old\topen_crypt\n"};
}

std::vector<std::string> words() {
  return {"\"",
          "\"\"",
          ",",
          ";",
          "\t",
          "\r\n",
          "\n",
          "goal,target\n",
          "prompt,category\n",
          "{\"\"role\"\":",
          "\xEF\xBB\xBF",
          std::string(1, '\0'),
          "\xFF",
          "message_2,"};
}

void try_input(std::string_view input) {
  for (const char delimiter : {',', ';', '\t'}) {
    expect_value_or_error([&] {
      CsvReader reader(ByteReader::over(input), delimiter, 4096);
      CsvRecord record;
      while (reader.next(record)) {
      }
    });
  }
  static const MemoryFile file;
  file.fill(input);
  expect_value_or_error(
      [&] { (void)import_conversations({file.path()}, {}, [](const Conversation&) {}); });
}

}  // namespace mascing::fuzz
