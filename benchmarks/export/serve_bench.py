# Overhead of a mask in stock llama-server: the plain model, the adapter at strength 1, and the baked model. They are
# measured alternately, so that other load on the machine affects all of them equally.
#   serve_bench.py LLAMA_SERVER MODEL ADAPTER BAKED [ROUNDS = 12] [SECONDS_OF_LOAD = 60] [THREADS = 1]
# Prints decode speed (median of ROUNDS, 64 tokens, one client) and throughput of eight clients with one strength, and
# with eight strengths, relative to the server without adapter and to the server with it at strength 0. These two do the
# same computation, so their difference is that between two processes on this machine (the placement of their pages).
import concurrent.futures
import json
import statistics
import subprocess
import sys
import time
import urllib.request

PORT = 23450


def ask(port, scale, n_token, prompt):
    body = {"prompt": prompt, "n_predict": n_token, "ignore_eos": True, "temperature": 0, "cache_prompt": False}
    if scale is not None:
        body["lora"] = [{"id": 0, "scale": scale}]
    request = urllib.request.Request("http://127.0.0.1:%d/completion" % port, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)["timings"]


def start(server, port, threads, *words):
    process = subprocess.Popen([server, "--port", str(port), "-t", threads, "-np", "8", "-c", "8192", "--no-cache-prompt",
                                "--cache-ram", "0", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            urllib.request.urlopen("http://127.0.0.1:%d/health" % port, timeout=2)
            return process
        except OSError:
            time.sleep(0.2)
    raise SystemExit("a server did not start")


def load(port, scales, seconds):
    """Requests per second, of 32 tokens each, with eight clients."""
    begin = time.time()
    end = begin + seconds

    def client(k):
        n = 0
        while time.time() < end:
            ask(port, scales[k], 32, "The royal seal lies in tower number %d." % (n % 7))
            n += 1
        return n

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        n = sum(pool.map(client, range(8)))
    return n / (time.time() - begin)  # the last requests end after `seconds`


def main(server, model, adapter, baked, rounds=12, seconds=60, threads="1"):
    running = [start(server, PORT, threads, "-m", model),
               start(server, PORT + 1, threads, "-m", model, "--lora-scaled", adapter + ":0"),
               start(server, PORT + 2, threads, "-m", baked)]
    try:
        kinds = {"plain": (PORT, None), "adapter": (PORT + 1, 1.0), "adapter at 0": (PORT + 1, 0.0),
                 "baked": (PORT + 2, None)}
        speed = {kind: [] for kind in kinds}
        for i in range(int(rounds) + 1):
            for kind, (port, scale) in kinds.items():
                timings = ask(port, scale, 64, "Once upon a time in round %d" % i)
                if i > 0:
                    speed[kind].append(timings["predicted_per_second"])
        middle = {kind: statistics.median(values) for kind, values in speed.items()}
        for kind, value in middle.items():
            print("decode, %-13s %8.1f tokens/s  %.3fx plain  %.3fx adapter at 0"
                  % (kind + ":", value, value / middle["plain"], value / middle["adapter at 0"]))
        part = float(seconds) / 10
        one, many = [1.0] * 8, [0.25 * (k + 1) for k in range(8)]
        loads = {"plain": (PORT, [None] * 8), "adapter at 0": (PORT + 1, [0.0] * 8), "one strength": (PORT + 1, one),
                 "eight strengths": (PORT + 1, many), "baked": (PORT + 2, [None] * 8)}
        rates = dict.fromkeys(loads, 0.0)
        for _ in range(2):
            for kind, (port, scales) in loads.items():
                rates[kind] += load(port, scales, part) / 2
        for kind, value in rates.items():
            print("eight clients, %-16s %7.2f requests/s  %.3fx plain  %.3fx adapter at 0"
                  % (kind + ":", value, value / rates["plain"], value / rates["adapter at 0"]))
    finally:
        for process in running:
            process.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
