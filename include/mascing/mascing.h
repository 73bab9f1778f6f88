// The whole library. A tour, from the bottom up:
//
//   host.h, llama_host.h    a model: render a conversation, generate, score, trace its routers.
//                           open_llama_host() opens a GGUF file.
//   mask.h, mask_file.h     a steering matrix with everything needed to apply it; read_mask().
//   steering.h              a mask at a strength, part of requests to a host.
//   conversation_file.h, import.h      conversations as JSON lines, or from public datasets.
//   trace_set.h, trace_store.h         recorded router logits, in memory and on disk.
//   train.h, validate.h, steer.h       the paper's method: a surrogate trained on traces,
//                           and a steering matrix optimised through it.
//   judge.h, make_judge.h   whether a reply refuses or answers; subclass Judge for your own.
//   scenario.h, run.h       the whole pipeline: run_scenario() finds a mask, evaluate_mask()
//                           evaluates one.
//   new_scenario.h, forecast.h         a scenario from public data; what a run will take.
//   results.h, report.h     results of a run, as a struct, JSON, a table and a page.
//   export.h                masks for other engines.
//   error.h, progress.h     errors, and progress reports of long-running work.
//
// Start with examples/steer.cpp, trace.cpp and own_judge.cpp. Everything is in namespace mascing;
// equations are in docs/method.md, terms in docs/glossary.md.
#pragma once

#include "mascing/budget.h"
#include "mascing/contrast.h"
#include "mascing/conversation.h"
#include "mascing/conversation_file.h"
#include "mascing/data_summary.h"
#include "mascing/engine_facts.h"
#include "mascing/engine_options.h"
#include "mascing/error.h"
#include "mascing/export.h"
#include "mascing/forecast.h"
#include "mascing/gradient_requests.h"
#include "mascing/host.h"
#include "mascing/import.h"
#include "mascing/judge.h"
#include "mascing/judge_options.h"
#include "mascing/layer_probe.h"
#include "mascing/llama_host.h"
#include "mascing/make_judge.h"
#include "mascing/mask.h"
#include "mascing/mask_algebra.h"
#include "mascing/mask_file.h"
#include "mascing/mask_verdict.h"
#include "mascing/model_info.h"
#include "mascing/model_size.h"
#include "mascing/new_scenario.h"
#include "mascing/progress.h"
#include "mascing/reply_parts.h"
#include "mascing/report.h"
#include "mascing/results.h"
#include "mascing/router_sketch.h"
#include "mascing/run.h"
#include "mascing/run_comparison.h"
#include "mascing/scenario.h"
#include "mascing/steer.h"
#include "mascing/steering.h"
#include "mascing/surrogate_file.h"
#include "mascing/template_options.h"
#include "mascing/trace_set.h"
#include "mascing/trace_store.h"
#include "mascing/train.h"
#include "mascing/validate.h"
#include "mascing/version.h"
#include "mascing/viewer_export.h"
