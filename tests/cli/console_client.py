#!/usr/bin/env python3
"""Asks a running console what it must answer and what it must refuse, and ends it at last.

    console_client.py ADDRESS PROCESS
"""
import http.client
import json
import os
import signal
import socket
import sys
import time

address, process = sys.argv[1], int(sys.argv[2])
host, token = address[len("http://"):].rstrip("/").split("/")
port = int(host.split(":")[1])
JSON = {"Content-Type": "application/json"}


def send(method, path, body=None, headers=None, own_host=host):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.putrequest(method, path, skip_host=True)
    if own_host:
        connection.putheader("Host", own_host)
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    return connection.getresponse()


def status(*arguments, **more):
    response = send(*arguments, **more)
    response.read()
    return response.status


def ask(question):
    response = send("POST", f"/{token}/ask", json.dumps(question).encode(), JSON)
    lines = [json.loads(line) for line in response.read().splitlines()]
    return response.status, lines


# Only 127.0.0.1 listens.
with open("/proc/net/tcp") as table:
    listening = [row.split()[1] for row in table.readlines()[1:] if row.split()[3] == "0A"]
assert [entry for entry in listening if int(entry.split(":")[1], 16) == port] == [f"0100007F:{port:04X}"], listening

# Who is let in.
page = send("GET", f"/{token}/")
text = page.read().decode()
assert page.status == 200 and "<script src=" in text and "<script>" not in text, text
policy = page.getheader("Content-Security-Policy")
assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy, policy
assert page.getheader("Cache-Control") == "no-store" and page.getheader("Referrer-Policy") == "no-referrer"
assert page.getheader("Access-Control-Allow-Origin") is None
for name in ("console.js", "console.css", "facts"):
    assert status("GET", f"/{token}/{name}") == 200, name
assert status("GET", f"/{token}/facts", own_host=f"localhost:{port}") == 200
wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
for path in ("/", f"/{wrong}/", f"/{wrong}/facts", "/facts", f"/{token}x/facts", "/favicon.ico"):
    assert status("GET", path) == 403, path
assert status("POST", f"/{wrong}/ask", b'{"text": "hello"}', JSON) == 403
for other in (f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1:{port}.evil.example", ""):
    assert status("GET", f"/{token}/facts", own_host=other) in (400, 421), other
for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"):
    assert status("GET", f"/{token}/facts", headers={"Origin": origin}) == 403, origin
assert status("GET", f"/{token}/facts", headers={"Sec-Fetch-Site": "cross-site"}) == 403
assert status("GET", f"/{token}/facts", headers={"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}) == 200

# What is refused.
assert status("GET", f"/{token}/nothing") == 404
assert status("POST", f"/{token}/nothing", b"{}", JSON) == 404
assert status("POST", f"/{token}/ask", b'{"text": "hello"}', {"Content-Type": "text/plain"}) == 415
assert status("POST", f"/{token}/ask", b'{"text": "hello"}') == 415
assert status("PUT", f"/{token}/ask", b"{}", JSON) in (404, 405)
large = send("POST", f"/{token}/ask", b" " * ((1 << 20) + 1), JSON)
assert large.status == 413 and "1048576 bytes" in json.loads(large.read())["message"]
for body, words in (
    (b"{", "JSON"),
    (b"[" * 100000, "nested"),
    (b'{"text": "\xff"}', "UTF-8"),
    (b"{}", '"text" is missing'),
    (b'{"text": "a", "strengths": []}', "a list of 1"),
    (b'{"text": "a", "max_tokens": 3001}', "from 1 to 3000"),
    (json.dumps({"text": "a" * 32769}).encode(), "at most 32768"),
    (json.dumps({"text": "a", "turns": [{"user": "a", "base": "b", "steered": "c"}] * 101}).encode(), "at most 100"),
):
    response = send("POST", f"/{token}/ask", body, JSON)
    answer = json.loads(response.read())
    assert response.status == 400 and answer["type"] == "error" and answer["hint"], (body[:40], answer)
    assert words in answer["message"], (words, answer)

# What is answered.
facts = json.loads(send("GET", f"/{token}/facts").read())
assert [mask["strength"] for mask in facts["masks"]] == [1.0] and facts["max_tokens"] == 3000
code, lines = ask({"text": "Tell me of the mill.", "max_tokens": 20})
assert code == 200 and [line["type"] for line in lines[-2:]] == ["done", "routing"], lines[-2:]
done, routing = lines[-2:]
for side in ("base", "steered"):
    pieces = [line for line in lines if line["type"] == "text" and line["side"] == side]
    shown = ""
    for piece in pieces:
        shown = piece["text"] if piece.get("whole") else shown + piece["text"]
    assert shown == done[side]["visible"] and len(pieces) > 1, (side, pieces, done)
    rates = routing[side]["rates"]
    assert len(rates) == facts["model"]["layers"] and routing[side]["tokens"] == done[side]["tokens"]
    assert all(abs(sum(row) - facts["model"]["experts_used"]) < 1e-3 for row in rates)
assert done["base"] != done["steered"], "the mask does nothing"
_, off = ask({"text": "Tell me of the mill.", "max_tokens": 20, "strengths": [0]})
assert off[-2]["base"] == off[-2]["steered"] == done["base"], off[-2]
long = " ".join(["word"] * 6000)
code, lines = ask({"text": long})
assert code == 200 and lines[-1]["type"] == "error" and lines[-1]["hint"], lines[-1]

# One answer at a time. At this temperature an answer goes on to the end of the context.
endless = json.dumps({"text": "Tell me of the mill.", "temperature": 10}).encode()


def start_endless():
    response = send("POST", f"/{token}/ask", endless, JSON)
    assert json.loads(response.readline())["type"] == "text"
    return response


for _ in range(20):  # on a busy machine the first may be over before the second arrives
    first = start_endless()
    code, lines = ask({"text": "hello", "max_tokens": 1})
    if code == 409:
        break
    first.read()
assert code == 409 and "busy" in lines[0]["message"] and lines[0]["hint"], lines
# A client that goes away leaves the place to the next.
first.close()
deadline = time.monotonic() + 120
while ask({"text": "hello", "max_tokens": 1})[0] == 409:
    assert time.monotonic() < deadline, "the place was not given back"
    time.sleep(0.1)

# Ctrl-C in the middle of an answer: its reader is told, and neither it nor an idle connection holds the program up.
idle = socket.create_connection(("127.0.0.1", port))
last = start_endless()
started = time.monotonic()
os.kill(process, signal.SIGINT)
final = json.loads(last.read().splitlines()[-1])
assert final["type"] == "error" and "stopped" in final["message"], final
idle.close()
print(f"ended {time.monotonic() - started:.1f} s after the question")
