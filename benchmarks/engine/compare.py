#!/usr/bin/env python3
"""Trains and steers with mascing and with PyTorch, in turn, on the same traces, and prints both.

Usage: compare.py ENGINE_BENCH FOLDER [--quick] [--shapes 48x128,24x32] [--traces 560,5600]
                  [--threads 1,2] [--python /usr/bin/python3]

For each shape (layers x experts) and number of conversations of 8 to 48 tokens: user CPU time, CPU time
with the system's share, and wall time per epoch, as the smallest of several; peak RSS; the loss curves;
FLOPs and the share of the measured SGEMM peak. Every measurement is a process of its own. PyTorch runs
twice: as it is, and with malloc told to keep its memory (its epochs otherwise spend much of their time
in page faults). Results go to FOLDER/engine.json and FOLDER/engine.html, tables to stdout.
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


def flops_per_token(n_layer, n_expert):
    """Multiplications and additions of the products, as they are needed: training, steering."""
    gate, width, logits = 4 * N_HIDDEN, n_layer * N_PROJ, n_layer * n_expert
    recurrent = 2 * gate * N_HIDDEN
    if n_expert <= N_PROJ:  # the projection is folded into the gates
        return 4 * gate * logits + 3 * recurrent, 4 * gate * logits + 2 * recurrent
    projection, gates = 2 * logits * N_PROJ, 2 * width * gate
    return 2 * projection + 3 * gates + 3 * recurrent, 2 * gates + 2 * recurrent + 4 * logits


def smallest(result):
    return {kind: min(result[kind]) for kind in ("user_s", "cpu_s", "wall_s")}


def measure(arguments, folder, task, n_epoch, n_thread, is_large):
    ours = [arguments.engine_bench, task, folder, "--epochs", n_epoch, "--threads", n_thread]
    theirs = [arguments.python, HERE / "torch_side.py", task, folder, "--threads", n_thread, "--epochs"]
    result = {"ours": run(ours)}
    result["torch"] = run(theirs + [min(n_epoch, 3) if is_large else n_epoch])
    result["torch_keeping"] = run(theirs + [3], KEEP_MEMORY)
    return result


def report(row):
    print(f"| {row['shape']} | {row['traces']} | {row['threads']} | {row['task']} | "
          + " | ".join(f"{row[side]['user_s']:.3f} / {row[side]['cpu_s']:.3f} / {row[side]['wall_s']:.3f}"
                       for side in ("ours", "torch", "torch_keeping"))
          + f" | {row['torch']['cpu_s'] / row['ours']['cpu_s']:.1f} | "
          + f"{row['torch']['user_s'] / row['ours']['user_s']:.1f} | "
          + f"{row['torch_keeping']['cpu_s'] / row['ours']['cpu_s']:.1f} | "
          + f"{row['gflops']:.1f} ({100 * row['of_peak']:.0f} %) | "
          + f"{row['ours']['rss']:.0f} / {row['torch']['rss']:.0f} | {row['difference']:.1e} |", flush=True)


def curves(rows):
    """One SVG per row with both loss curves."""
    page = ["<!doctype html><meta charset=utf-8><title>engine</title><style>body{font:14px sans-serif}",
            "svg{border:1px solid #ccc;margin:4px}</style><h1>Loss by epoch</h1>",
            "<p>Thin black: mascing. Wide orange behind it: PyTorch.</p>"]
    for row in rows:
        both = [row["losses"]["torch"], row["losses"]["ours"]]
        top = max(max(losses) for losses in both) or 1.0
        page.append(f"<figure><figcaption>{row['shape']}, {row['traces']} conversations, {row['task']}, "
                    f"{row['threads']} threads</figcaption><svg width=320 height=160 viewBox='0 0 320 160'>")
        for losses, stroke in zip(both, ("stroke=orange stroke-width=5", "stroke=black stroke-width=1")):
            points = " ".join(f"{10 + 300 * i / max(1, len(losses) - 1):.1f},{150 - 140 * loss / top:.1f}"
                              for i, loss in enumerate(losses))
            page.append(f"<polyline fill=none {stroke} points='{points}'/>")
        page.append("</svg></figure>")
    return "\n".join(page)


def compare(arguments, shape, n_trace, peaks, rows):
    n_layer, n_expert = (int(word) for word in shape.split("x"))
    folder = pathlib.Path(arguments.folder) / f"{shape}-{n_trace}"
    folder.mkdir(parents=True, exist_ok=True)
    is_large = n_trace > 1000
    n_epoch = 3 if is_large or arguments.quick else 15
    run([arguments.engine_bench, "data", folder, "--layers", n_layer, "--experts", n_expert, "--traces", n_trace,
         "--epochs", n_epoch])
    for n_thread in arguments.threads:
        for i_task, task in enumerate(("train", "steer")):
            measured = measure(arguments, folder, task, n_epoch, n_thread, is_large)
            flops = flops_per_token(n_layer, n_expert)[i_task] * measured["ours"]["n_token"]
            row = {"shape": shape, "traces": n_trace, "threads": n_thread, "task": task,
                   "losses": {side: measured[side]["losses"] for side in ("ours", "torch")}}
            for side, result in measured.items():
                row[side] = {**smallest(result), "rss": result["peak_rss_mb"]}
            row["gflops"] = 1e-9 * flops / row["ours"]["wall_s"]
            row["of_peak"] = row["gflops"] / peaks[n_thread]["ours"]
            pairs = zip(*row["losses"].values())
            row["difference"] = max(abs(a - b) for a, b in pairs)
            rows.append(row)
            report(row)
    if not arguments.keep:
        subprocess.run(["rm", "-r", str(folder)], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine_bench")
    parser.add_argument("folder")
    parser.add_argument("--quick", action="store_true", help="few epochs")
    parser.add_argument("--keep", action="store_true", help="keep the traces")
    parser.add_argument("--shapes", default="48x128")
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
                    "torch": run([arguments.python, HERE / "torch_side.py", "peak", "--threads", n])["gflops"]}
        print(f"SGEMM 1024^3, {n} threads: {peaks[n]['ours']:.1f} GFLOP/s ours, {peaks[n]['torch']:.1f} PyTorch's BLAS")
    print("\nSeconds per epoch: user / user + system / wall.\n")
    print("| shape | conversations | threads | task | mascing | PyTorch | PyTorch, memory kept | ratio CPU | ratio user "
          "| ratio CPU, memory kept | GFLOP/s (of peak) | peak RSS MB ours / PyTorch | largest difference of losses |")
    print("| --- " * 13 + "|")
    rows = []
    for shape in arguments.shapes.split(","):
        for n_trace in (int(word) for word in arguments.traces.split(",")):
            compare(arguments, shape, n_trace, peaks, rows)
    with open(pathlib.Path(arguments.folder) / "engine.json", "w") as file:
        json.dump({"peaks": peaks, "rows": rows}, file, indent=1)
    (pathlib.Path(arguments.folder) / "engine.html").write_text(curves(rows))


if __name__ == "__main__":
    main()
