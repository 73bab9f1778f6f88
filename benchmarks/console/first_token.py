#!/usr/bin/env python3
"""How much later a page of `mascing console` sees the first token than the host in the same process makes it.

    benchmarks/console/first_token.py MASCING MODEL MASK [ROUNDS = 50] [THREADS = 1]

Each round asks one question over a new connection, as a page does, and measures the time from sending it to the first
piece of text. The program says in its last lines how long its host took for the same token, prompt rendered and
prefilled; the difference is what HTTP, JSON and the page's protocol add. Prints median and largest of both.
"""
import http.client
import json
import statistics
import subprocess
import sys
import time

mascing, model, mask = sys.argv[1:4]
n_round = int(sys.argv[4]) if len(sys.argv) > 4 else 50
threads = sys.argv[5] if len(sys.argv) > 5 else "1"
program = subprocess.Popen([mascing, "console", "-m", model, "--mask", mask, "-t", threads, "--port", "0", "--max-tokens", "32"],
                           stdout=subprocess.PIPE, text=True)
host, token = program.stdout.readline()[len("http://"):].strip().rstrip("/").split("/")


def measure(i):
    connection = http.client.HTTPConnection(host, timeout=600)
    connection.connect()
    body = json.dumps({"text": f"Good day to you. Tell me the tale of mill number {i}."})
    start = time.perf_counter()
    connection.request("POST", f"/{token}/ask", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    first = None
    for text in response:
        line = json.loads(text)
        if line["type"] == "text" and first is None:
            first = 1000.0 * (time.perf_counter() - start)
        if line["type"] == "done":
            own = line["first_token_ms"]
    return own, first - own


try:
    measure(-1)
    own, added = zip(*(measure(i) for i in range(n_round)))
finally:
    program.terminate()
    program.wait()
print(f"{n_round} questions, {threads} thread(s)")
for name, values in (("the host's own first token", own), ("later on the page by", added)):
    print(f"{name}: median {statistics.median(values):.2f} ms, largest {max(values):.2f} ms")
