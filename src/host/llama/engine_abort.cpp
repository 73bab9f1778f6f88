// ggml calls back before it aborts, from whichever thread found that it cannot go on.
#include <ggml.h>

#include "mascing/llama_host.h"

namespace mascing {

void set_engine_abort_handler(void (*handler)(const char* message)) {
  ggml_set_abort_callback(handler);
}

}  // namespace mascing
