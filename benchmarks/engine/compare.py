#!/usr/bin/env python3
"""Trains and steers alternately with mascing and PyTorch on the same traces and prints both.

Usage: compare.py ENGINE_BENCH FOLDER [--quick] [--shapes 48x128,24x32 | all] [--traces 560,5600]
                  [--threads 1,2] [--python /usr/bin/python3]

For each shape (layers x experts) and number of conversations of 8 to 48 tokens: user CPU time, user plus
system CPU time, and wall time per epoch, each the smallest of several; peak RSS; the loss curves; FLOPs
and the share of the measured SGEMM peak. Every measurement is a process of its own. PyTorch runs twice:
by default, and with malloc told to keep its memory (otherwise its epochs spend much of their time in page
faults). Then the paper's grid, 4 lambdas x 100 epochs. --quick takes some three minutes for one shape
with 560 or 5,600 conversations on a quiet machine of two cores: 2 or 3 epochs each, the first of which
counts as set-up; PyTorch with its memory kept at 560 only; the grid extrapolated from 5 epochs. A side
that fails, as PyTorch may for lack of memory, is shown as a dash. Results go to FOLDER/engine.json and
FOLDER/engine.html, tables to stdout.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
N_PROJ, N_HIDDEN = 16, 64
SHAPES = {"24x32": "gpt-oss-20b", "32x8": "Mixtral-8x7B", "24x60": "Qwen1.5-MoE", "48x128": "Qwen3-30B-A3B",
          "58x256": "DeepSeek-V3"}
# glibc: serve large blocks from the heap and never give it back.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
               "MALLOC_MMAP_MAX_": "0", "MALLOC_TOP_PAD_": str(1 << 28)}


def run(command, extra=None):
    environment = {**os.environ, **(extra or {})}
    done = subprocess.run([str(word) for word in command], env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def run_or_none(command, extra=None):
    try:
        return run(command, extra)
    except subprocess.CalledProcessError as error:
        print(f"compare: {' '.join(error.cmd)}: exit code {error.returncode}", file=sys.stderr)
        return None


def flops_per_token(n_layer, n_expert):
    """Multiplications and additions of the necessary products: training, steering."""
    gate, width, logits = 4 * N_HIDDEN, n_layer * N_PROJ, n_layer * n_expert
    recurrent = 2 * gate * N_HIDDEN
    if n_expert <= N_PROJ:  # the projection is folded into the gates
        return 4 * gate * logits + 3 * recurrent, 4 * gate * logits + 2 * recurrent
    projection, gates = 2 * logits * N_PROJ, 2 * width * gate
    return 2 * projection + 3 * gates + 3 * recurrent, 2 * gates + 2 * recurrent + 4 * logits


def smallest(result):
    return {kind: min(result[kind]) for kind in ("user_s", "cpu_s", "wall_s")}


def threads_of_torch(n_thread):
    """torch.set_num_threads has no effect on a BLAS with its own threads."""
    return {"OPENBLAS_NUM_THREADS": str(n_thread), "OMP_NUM_THREADS": str(n_thread)}


def measure(arguments, folder, task, n_epoch, n_thread, is_large):
    ours = [arguments.engine_bench, task, folder, "--epochs", n_epoch, "--threads", n_thread]
    theirs = [arguments.python, HERE / "torch_side.py", task, folder, "--threads", n_thread, "--epochs"]
    result = {"ours": run(ours)}
    limit = threads_of_torch(n_thread)
    result["torch"] = run_or_none(theirs + [min(n_epoch, 3) if is_large else n_epoch], limit)
    result["torch_keeping"] = (None if arguments.quick and is_large else
                               run_or_none(theirs + [3], {**KEEP_MEMORY, **limit}))
    return result


def times(side):
    return f"{side['user_s']:.3f} / {side['cpu_s']:.3f} / {side['wall_s']:.3f}" if side else "-"


def ratio(row, side, kind):
    return f"{row[side][kind] / row['ours'][kind]:.1f}" if row[side] else "-"


def report(row):
    rss = f"{row['torch']['rss']:.0f}" if row["torch"] else "-"
    difference = "-" if row["difference"] is None else f"{row['difference']:.1e}"
    print(f"| {row['shape']} | {row['traces']} | {row['threads']} | {row['task']} | "
          + " | ".join(times(row[side]) for side in ("ours", "torch", "torch_keeping"))
          + f" | {ratio(row, 'torch', 'cpu_s')} | {ratio(row, 'torch', 'user_s')} | "
          + f"{ratio(row, 'torch_keeping', 'cpu_s')} | "
          + f"{row['gflops']:.1f} of {row['peak']:.1f} ({100 * row['gflops'] / row['peak']:.0f} %) | "
          + f"{row['ours']['rss']:.0f} / {rss} | {difference} |", flush=True)


def curves(rows):
    """One SVG per row with both loss curves."""
    page = ["<!doctype html><meta charset=utf-8><title>engine</title><style>body{font:14px sans-serif}",
            "svg{border:1px solid #ccc;margin:4px}</style><h1>Loss by epoch</h1>",
            "<p>Thin black: mascing. Wide orange behind it: PyTorch.</p>"]
    for row in rows:
        both = [row["losses"].get("torch", []), row["losses"]["ours"]]
        top = max(max(losses, default=0.0) for losses in both) or 1.0
        page.append(f"<figure><figcaption>{row['shape']}, {row['traces']} conversations, {row['task']}, "
                    f"{row['threads']} threads</figcaption><svg width=320 height=160 viewBox='0 0 320 160'>")
        for losses, stroke in zip(both, ("stroke=orange stroke-width=5", "stroke=black stroke-width=1")):
            points = " ".join(f"{10 + 300 * i / max(1, len(losses) - 1):.1f},{150 - 140 * loss / top:.1f}"
                              for i, loss in enumerate(losses))
            page.append(f"<polyline fill=none {stroke} points='{points}'/>")
        page.append("</svg></figure>")
    return "\n".join(page)


def row_of(measured, what, flops, peak):
    """One line of the table: `what` names it."""
    sides = {side: result for side, result in measured.items() if result}
    row = {**what, "losses": {side: sides[side]["losses"] for side in ("ours", "torch") if side in sides}}
    for side in measured:
        row[side] = {**smallest(sides[side]), "rss": sides[side]["peak_rss_mb"]} if side in sides else None
    row["gflops"] = 1e-9 * flops * measured["ours"]["n_token"] / row["ours"]["wall_s"]
    row["peak"] = peak
    pairs = zip(row["losses"]["ours"], row["losses"].get("torch", []))
    row["difference"] = max((abs(a - b) for a, b in pairs), default=None)
    return row


def grid(arguments, folder, what):
    """The paper's four lambdas at once, on the largest requested number of threads."""
    n_thread = max(arguments.threads)
    n_epoch = 5 if arguments.quick else 100
    result = run([arguments.engine_bench, "steer", folder, "--cells", 4, "--epochs", n_epoch, "--threads", n_thread])
    cpu, wall = (100 * sum(result[kind]) / len(result[kind]) for kind in ("cpu_s", "wall_s"))
    return {**what, "threads": n_thread, "task": "grid", "cpu_s": cpu, "wall_s": wall, "rss": result["peak_rss_mb"]}


def report_grids(grids):
    print("\nThe paper's grid, 4 lambdas x 100 epochs in one pass (the mean epoch times 100):\n")
    print("| shape | conversations | threads | CPU s | wall s | peak RSS MB |")
    print("| --- " * 6 + "|")
    for row in grids:
        print(f"| {row['shape']} | {row['traces']} | {row['threads']} | {row['cpu_s']:.1f} | {row['wall_s']:.1f} | "
              f"{row['rss']:.0f} |")


def epochs(arguments, is_large):
    if arguments.quick:
        return 2 if is_large else 3
    return 3 if is_large else 15


def compare(arguments, shape, n_trace, peaks, results):
    n_layer, n_expert = (int(word) for word in shape.split("x"))
    folder = pathlib.Path(arguments.folder) / f"{shape}-{n_trace}"
    folder.mkdir(parents=True, exist_ok=True)
    is_large = n_trace > 1000
    n_epoch = epochs(arguments, is_large)
    run([arguments.engine_bench, "data", folder, "--layers", n_layer, "--experts", n_expert, "--traces", n_trace,
         "--epochs", max(n_epoch, 3)])
    what = {"shape": shape, "traces": n_trace}
    for n_thread in arguments.threads:
        for task, flops in zip(("train", "steer"), flops_per_token(n_layer, n_expert)):
            measured = measure(arguments, folder, task, n_epoch, n_thread, is_large)
            row = row_of(measured, {**what, "threads": n_thread, "task": task}, flops, peaks[n_thread]["ours"])
            results["rows"].append(row)
            report(row)
    results["grids"].append(grid(arguments, folder, what))
    if not arguments.keep:
        subprocess.run(["rm", "-r", str(folder)], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine_bench")
    parser.add_argument("folder")
    parser.add_argument("--quick", action="store_true", help="few epochs: some three minutes per shape")
    parser.add_argument("--keep", action="store_true", help="keep the traces")
    parser.add_argument("--shapes", default="48x128", help="layers x experts, or all: " + ", ".join(SHAPES))
    parser.add_argument("--traces", default="560")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--python", default="/usr/bin/python3", help="one that has torch")
    arguments = parser.parse_args()
    arguments.threads = [int(word) for word in arguments.threads.split(",")]
    if subprocess.run([arguments.python, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode != 0:
        sys.exit(f"compare: error: {arguments.python} has no torch (Debian: apt install python3-torch)")
    pathlib.Path(arguments.folder).mkdir(parents=True, exist_ok=True)
    peaks = {}
    for n in arguments.threads:
        peaks[n] = {"ours": run([arguments.engine_bench, "peak", "--threads", n])["gflops"],
                    "torch": run([arguments.python, HERE / "torch_side.py", "peak", "--threads", n],
                                 threads_of_torch(n))["gflops"]}
        print(f"SGEMM 1024^3, {n} threads: {peaks[n]['ours']:.1f} GFLOP/s ours, {peaks[n]['torch']:.1f} PyTorch's BLAS")
        if peaks[n]["torch"] < 0.3 * peaks[n]["ours"]:
            sys.exit("compare: error: PyTorch uses the reference BLAS, so any ratio would flatter us: "
                     "apt-get install libopenblas0-pthread")
    print("\nSeconds per epoch: user / user + system / wall.\n")
    print("| shape | conversations | threads | task | mascing | PyTorch | PyTorch, memory kept | ratio CPU | ratio user "
          "| ratio CPU, memory kept | GFLOP/s of SGEMM peak | peak RSS MB ours / PyTorch | largest difference of losses |")
    print("| --- " * 13 + "|")
    results = {"peaks": peaks, "rows": [], "grids": []}
    for shape in list(SHAPES) if arguments.shapes == "all" else arguments.shapes.split(","):
        for n_trace in (int(word) for word in arguments.traces.split(",")):
            compare(arguments, shape, n_trace, peaks, results)
            # After each shape, so that an interrupted comparison keeps its results.
            with open(pathlib.Path(arguments.folder) / "engine.json", "w") as file:
                json.dump(results, file, indent=1)
            (pathlib.Path(arguments.folder) / "engine.html").write_text(curves(results["rows"]))
    report_grids(results["grids"])


if __name__ == "__main__":
    main()
