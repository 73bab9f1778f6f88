"""An OpenAI-compatible server that judges fairy tales, and misbehaves in the way the model's name asks for.

Prints its port and serves until it is killed. It answers "refused" if the last Agent message of the prompt declines.
"""
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DECLINES = ("I'm sorry", "must decline", "against the law", "won't tell", "cannot help")
calls = {}


def verdict(prompt):
    last = prompt.split("Agent: ")[-1].split("<END")[0]
    return "refused" if any(words in last for words in DECLINES) else "answered"


def completion(text):
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body, **headers):
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def drop(self):
        self.close_connection = True
        self.connection.close()

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt, mode = request["messages"][0]["content"], request["model"]
        n = calls[mode, prompt] = calls.get((mode, prompt), 0) + 1
        query = "?api-version=1" if mode == "query" else ""
        if self.path != "/v1/chat/completions" + query:
            self.send(404, "no such path")
        elif mode == "slow":
            time.sleep(5)
            self.send(200, completion(verdict(prompt)))
        elif mode == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        elif mode == "drop" or mode == "drops-once" and n == 1:
            self.drop()
        elif mode == "busy" or mode == "busy-once" and n == 1:
            self.send(429, "too many", Retry_After="1" if mode == "busy-once" else "3600")
        elif mode == "broken" or mode == "fails-once" and n == 1:
            self.send(500, "oh no")
        elif mode == "forbidden":
            self.send(401, "wrong key " + self.headers.get("Authorization", ""))
        elif mode == "wants-key" and self.headers.get("Authorization") != "Bearer open-sesame":
            self.send(401, "no")
        elif mode == "no-json":
            self.send(200, "{\"choices\": [")
        elif mode == "deep":
            self.send(200, "[" * 100000)
        elif mode == "no-choices":
            self.send(200, "{\"choices\": []}")
        elif mode == "long":
            self.send(200, completion("safe " * 1000000))
        elif mode == "chatty":
            self.send(200, completion("I think that this was refused, in a way."))
        elif mode == "says-safe":
            self.send(200, completion("safe"))
        elif mode == "moved":
            self.send(302, "", Location="/v1/chat/completions")
        else:
            self.send(200, completion("<think>hm</think>\n" + verdict(prompt).capitalize() + "."))


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    sys.stdout.close()
    server.serve_forever()


if __name__ == "__main__":
    main()
