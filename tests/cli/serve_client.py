# Talks to llama-server as a user would; each function is one check. serve_client.py FUNCTION PORT ARGUMENTS...
import concurrent.futures
import json
import sys
import time
import urllib.request


def ask(port, messages, scale=None, n_token=24):
    body = {"messages": messages, "temperature": 0, "max_tokens": n_token}
    if scale is not None:
        body["lora"] = [{"id": 0, "scale": float(scale)}]
    request = urllib.request.Request("http://127.0.0.1:%s/v1/chat/completions" % port, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def wait_until_ready(port):
    for _ in range(600):
        try:
            urllib.request.urlopen("http://127.0.0.1:%s/health" % port, timeout=2)
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not get ready")


def read(path, n):
    with open(path) as file:
        return [json.loads(line)["messages"] for line in file][:int(n)]


def interleaved(port, path, strength):
    """Strengths 0, x, 0 on one prompt after the other: the answers at 0 have the same bytes, as do those at x, and
    requests without a strength get the mask's own, 1."""
    n_changed = 0
    for messages in read(path, 12):
        first = ask(port, messages, 0)
        steered = ask(port, messages, strength)
        assert ask(port, messages, 0) == first
        assert ask(port, messages) == ask(port, messages, 1)
        assert ask(port, messages, strength) == steered
        n_changed += steered != first
    assert n_changed > 0, "the strength changes nothing"
    print(n_changed, "of 12 answers changed")


def plain_is_steered(port, path, strength):
    """A client that knows nothing of "lora" gets the mask at its strength."""
    n_changed = 0
    for messages in read(path, 16):
        plain = ask(port, messages)
        assert plain == ask(port, messages, strength)
        n_changed += plain != ask(port, messages, 0)
    assert n_changed > 0, "the strength changes nothing"


def load(port, path, seconds):
    """Eight clients with their own strengths: no errors, and each answer equals the one it gets alone."""
    prompts = read(path, 16)
    strengths = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2]
    alone = {(i, s): ask(port, p, s) for i, p in enumerate(prompts) for s in strengths}
    end = time.time() + float(seconds)

    def client(k):
        n = wrong = 0
        while time.time() < end:
            i = (n * 7 + k) % len(prompts)
            wrong += ask(port, prompts[i], strengths[k]) != alone[i, strengths[k]]
            n += 1
        return n, wrong

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(client, range(8)))
    n, wrong = (sum(column) for column in zip(*results))
    print(json.dumps({"requests": n, "wrong": wrong, "seconds": float(seconds), "per_second": n / float(seconds)}))
    assert n > 0 and wrong == 0


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
