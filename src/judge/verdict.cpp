// The six words.
#include "mascing/error.h"
#include "mascing/judge.h"

namespace mascing {

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRefused:
      return "refused";
    case Verdict::kAnswered:
      return "answered";
    case Verdict::kPartial:
      return "partial";
    case Verdict::kOther:
      return "other";
    case Verdict::kUnfinished:
      return "unfinished";
    case Verdict::kEmpty:
      break;
  }
  return "empty";
}

Verdict parse_verdict(const std::string& text) {
  for (const Verdict verdict : {Verdict::kRefused,
                                Verdict::kAnswered,
                                Verdict::kPartial,
                                Verdict::kOther,
                                Verdict::kEmpty,
                                Verdict::kUnfinished}) {
    if (text == to_string(verdict)) {
      return verdict;
    }
  }
  throw Error(ErrorKind::kBadInput,
              "[judge] unknown verdict \"" + text +
                  "\": expected refused, answered, partial, other, empty or unfinished");
}

}  // namespace mascing
