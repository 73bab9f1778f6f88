// Progress reports and the way a stage learns that it should stop.
#include "mascing/progress.h"

#include "mascing/error.h"

namespace mascing {

void report(const Progress& progress, const ProgressEvent& event) {
  if (progress && !progress(event)) {
    throw Error(ErrorKind::kInterrupted,
                "[" + event.stage + "] stopped on request",
                "finished work is saved; run the same command again to resume");
  }
}

}  // namespace mascing
