#!/usr/bin/env python3
"""Peak memory and speed of `mascing import` on a large JSON-lines file, which this script creates and removes.

  benchmarks/import/memory.py build/bin/mascing FOLDER [GIGABYTES]

Rows are chats of some 2 KB about the kingdom, all different. Fails above 200 MB of resident memory.
"""
import json
import os
import random
import sys
import time

LIMIT_MB = 200


def write_rows(path, n_byte):
    rng = random.Random(0)
    words = "seal crown owl tower ghost lantern herald dragon egg vault song winter fair baker moat".split()
    n_row = 0
    with open(path, "w", encoding="utf-8") as file:
        while file.tell() < n_byte if n_row % 1000 == 0 else True:
            body = " ".join(rng.choices(words, k=60))
            turns = [{"from": who, "value": f"{body} {n_row} {k}"} for k in range(2) for who in ("human", "gpt")]
            file.write(json.dumps({"id": n_row, "conversations": turns}) + "\n")
            n_row += 1
    return n_row


def main():
    mascing, folder = sys.argv[1:3]
    gigabytes = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    source, target = os.path.join(folder, "large.jsonl"), os.path.join(folder, "imported.jsonl")
    n_row = write_rows(source, gigabytes * 1e9)
    size = os.path.getsize(source)
    start = time.monotonic()
    pid = os.spawnvp(os.P_NOWAIT, mascing, [mascing, "import", source, "-o", target])
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    os.remove(source)
    if status == 0:
        os.remove(target)
    peak_mb = usage.ru_maxrss / 1024
    print("| file, GB | rows | peak RSS, MB | seconds | MB/s | file / peak |\n| --- | --- | --- | --- | --- | --- |")
    print(f"| {size / 1e9:.2f} | {n_row} | {peak_mb:.0f} | {seconds:.1f} | {size / 1e6 / seconds:.0f} | {size / 1e6 / peak_mb:.0f} |")
    return 0 if status == 0 and peak_mb < LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
