#!/usr/bin/env python3
"""Reads every #include of src/ and include/ and holds it against the table of rooms below.

    tests/repo/includes.py [REPOSITORY]     prints each include that the table does not permit; exit status 1 if any
    tests/repo/includes.py --self-test      shows on small made-up trees that each kind of violation is found

A room is a folder of src/, or include/mascing. The table of rooms in ARCHITECTURE.md must name the same rooms and arrows.
"""
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# Rooms from the bottom up, and the rooms whose headers each may include besides its own. Public headers are open to
# all rooms and include none of them. An arrow that nothing uses is reported, too: the table says what is.
ROOMS = {
    "base": [],
    "nn": ["base"],
    "format": ["base"],
    "host": ["base"],
    "host/llama": ["format", "base"],
    "judge": ["format", "base"],
    "stage": ["judge", "nn", "base"],
    "export": ["judge", "format", "base"],
    "report": ["base"],
    "scenario": ["stage", "base"],
    "measure": ["scenario", "stage", "judge", "format", "base"],
    "search": ["measure", "scenario", "stage", "base"],
    "run": ["search", "measure", "scenario", "stage", "base"],
    "console": ["report", "stage", "format", "base"],
    "cli": ["console", "measure", "report", "export", "judge", "format", "base"],
}
PUBLIC = "include/mascing"

# Headers of others: pattern -> the rooms or files that may include them. Public headers may include the standard
# library only.
EXTERNAL = [
    (r"(llama|ggml|gguf|chat|common|log|sampling|build)(-[a-z]+)?\.h", ["host/llama"]),
    (r"jinja/lexer\.h", ["src/host/llama/template_limits.cpp"]),
    (r"curl/.*", ["src/judge/http_client.cpp"]),
    (r"cpp-httplib/.*", ["src/console/server.cpp"]),
    (r"CLI/.*", ["cli"]),
    (r"histedit\.h", ["src/cli/line_editor_libedit.cpp"]),
    (r"toml\+\+/.*", ["scenario"]),
    (r"openssl/.*", ["base"]),
    (r"Eigen/.*", ["nn", "host/llama", "stage", "export"]),
    (r"nlohmann/.*", ["format", "judge", "export", "measure", "search", "run", "console", "cli"]),
    (r"immintrin\.h", ["base"]),
    # The operating system.
    (r"(fcntl|poll|spawn|sys/(file|mman|wait))\.h", ["base"]),
    (r"sys/resource\.h", ["base", "cli"]),
    (r"sys/stat\.h", ["base", "format"]),
    (r"unistd\.h", ["base", "export", "cli"]),
    (r"sys/ioctl\.h", ["cli"]),
    (r"dlfcn\.h", ["host/llama"]),
    (r"(netdb|sys/socket)\.h", ["base", "cli"]),
]
# What ARCHITECTURE.md may name beside rooms.
NO_ROOMS = {"", "host.h", "public headers", "C++ standard library", "libcrypto"}
STANDARD = re.compile(r"[a-z_0-9]+")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


def room_of(path, rooms):
    """The room a file of src/ or include/ is in; None if it is in none."""
    if path.startswith(PUBLIC + "/"):
        return PUBLIC
    inside = path[len("src/"):] if path.startswith("src/") else ""
    fitting = [room for room in rooms if inside.startswith(room + "/")]
    return max(fitting, key=len) if fitting else None


def table_errors(rooms):
    """Arrows of the table itself that lead up, or to no room: without them there is no cycle."""
    order = list(rooms)
    for room, below in rooms.items():
        for other in below:
            if other not in rooms:
                yield f"table: {room} -> {other}: there is no such room"
            elif order.index(other) >= order.index(room):
                yield f"table: {room} -> {other} points up"


def folder_errors(files, rooms):
    folders = {path.split("/")[1] for path in files if path.startswith("src/") and path.count("/") > 1}
    for folder in sorted(folders - {room.split("/")[0] for room in rooms}):
        yield f"src/{folder}/: is not in the table of rooms"
    for room in rooms:
        if not any(path.startswith(f"src/{room}/") for path in files):
            yield f"table: src/{room}/ does not exist"
    for path in files:
        if not path.startswith("src/") and not path.startswith(PUBLIC + "/"):
            yield f"{path}: public headers belong into {PUBLIC}/"


def name_errors(files):
    """Two headers of one name are taken for each other."""
    by_name = {}
    for path in files:
        if path.endswith(".h"):
            by_name.setdefault(path.rsplit("/", 1)[1], []).append(path)
    for paths in by_name.values():
        if len(paths) > 1:
            yield f"{' and '.join(sorted(paths))} have the same name"


def own_target(name, files):
    """The file that `#include "name"` means: names start at src/ or include/."""
    for path in (f"src/{name}", f"include/{name}"):
        if path in files:
            return path
    return None


def external_error(path, room, name, external):
    if STANDARD.fullmatch(name):
        return None
    for pattern, places in external:
        if re.fullmatch(pattern, name):
            if path in places or room in places:
                return None
            return f"includes <{name}>, which only {', '.join(places)} may"
    return f"includes <{name}>, which is not in the table of headers of others"


def include_error(path, target, rooms, used):
    """Why one of our files may not include another; counts the arrow."""
    room, other = room_of(path, rooms), room_of(target, rooms)
    if room is None or other is None or room == other:
        return None  # a folder that is no room is reported once, not for every include
    if room == PUBLIC:
        return f"is public and includes the private {target}"
    if other != PUBLIC:
        used[room, other] += 1
        if other not in rooms[room]:
            return f"includes {target}: {room} -> {other} is no arrow of the table"
    return None


def file_errors(path, text, files, rooms, external, used):
    code = COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for match in INCLUDE.finditer(code):
        where = f"{path}:{code.count(chr(10), 0, match.start()) + 1}: "
        name = match[2]
        target = own_target(name, files)
        if match[1] == "<" and target is None:
            failure = external_error(path, room_of(path, rooms), name, external)
        elif match[1] == "<":
            failure = f"includes <{name}>, expected \"{name}\""
        elif target is None:
            failure = f"includes \"{name}\", which is neither in src/ nor in include/"
        else:
            failure = include_error(path, target, rooms, used)
        if failure:
            yield where + failure


def documented_rooms(text):
    """Room -> the rooms that its row names, from the table of ARCHITECTURE.md; None for "everything below"."""
    section = re.search(r"^## Rooms$(.*?)(?=^## |\Z)", text, re.S | re.M)
    rows = re.findall(r"^\| `src/([a-z_/]+)/?` \|[^|]*\|([^|]*)\|$", section[1] if section else "", re.M)
    return {room: arrow_targets(words) for room, words in rows}


def arrow_targets(words):
    if words.strip() == "everything below":
        return None
    words = re.sub(r"\([^)]*\)", "", words)
    names = {name.strip().strip("`").removeprefix("src/") for name in words.split(",")}
    return names - NO_ROOMS


def document_errors(text, rooms):
    """Where ARCHITECTURE.md and the table differ."""
    documented = documented_rooms(text)
    for room in documented.keys() - rooms.keys():
        yield f"ARCHITECTURE.md: {room} is not in the table"
    for room, below in rooms.items():
        named = documented.get(room, set())
        if room not in documented:
            yield f"ARCHITECTURE.md: {room} has no row in the table under \"## Rooms\""
        elif named is not None and named != set(below):
            yield (f"ARCHITECTURE.md: {room} -> {', '.join(sorted(named)) or 'nothing'}, "
                   f"the table says {', '.join(sorted(below)) or 'nothing'}")
    if PUBLIC not in text:
        yield f"ARCHITECTURE.md: {PUBLIC} is not mentioned"


def check(root, files, rooms=None, external=None):
    """All violations, in words."""
    rooms = ROOMS if rooms is None else rooms
    external = EXTERNAL if external is None else external
    errors = list(table_errors(rooms)) + list(folder_errors(files, rooms)) + list(name_errors(files))
    used = Counter()
    for path in files:
        text = (root / path).read_text(encoding="utf-8")
        errors += file_errors(path, text, set(files), rooms, external, used)
    errors += [f"table: nothing uses {room} -> {other}: take the arrow out"
               for room, below in rooms.items() for other in below if not used[room, other]]
    document = root / "ARCHITECTURE.md"
    errors += document_errors(document.read_text(encoding="utf-8") if document.is_file() else "", rooms)
    return errors, used


def cpp_files(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard",
                             "src", "include"], capture_output=True)
    if listed.returncode == 0:
        names = {name for name in listed.stdout.decode().split("\0") if (root / name).is_file()}
    else:  # an unpacked archive
        names = {path.relative_to(root).as_posix() for folder in ("src", "include") for path in (root / folder).rglob("*")}
    return sorted(name for name in names if name.endswith((".h", ".cpp")))


class SelfTest:
    """A small tree that is in order, and one thing after the other that is not."""

    ROOMS = {"low": [], "high": ["low"], "high/engine": ["high"]}
    EXTERNAL = [(r"engine\.h", ["high/engine"]), (r"net\.h", ["src/high/client.cpp"])]
    TREE = {
        "include/mascing/api.h": "#include <vector>\n",
        "include/mascing/more.h": '#include "mascing/api.h"\n',
        "src/low/a.h": '#include "mascing/api.h"\n// #include "high/b.h"\n/* #include <net.h> */\n',
        "src/high/b.h": '#include "low/a.h"\n',
        "src/high/client.cpp": '#include <net.h>\n#include "high/b.h"\n',
        "src/high/engine/c.cpp": '#include <engine.h>\n#include "high/b.h"\n',
        "ARCHITECTURE.md": "## Rooms\nAll include `include/mascing`.\n| `src/high/engine` | c | high |\n"
                           "| `src/high` | b | low (a.h), `host.h` |\n| `src/low` | a | C++ standard library |\n",
    }

    def errors(self, changes, rooms=None):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            tree = {**self.TREE, **changes}
            for name, text in tree.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            files = sorted(name for name in tree if name.endswith((".h", ".cpp")))
            return check(root, files, rooms or self.ROOMS, self.EXTERNAL)[0]

    def expect(self, changes, *words, rooms=None):
        errors = self.errors(changes, rooms)
        assert len(errors) == 1 and all(word in errors[0] for word in words), f"expected {words}, got {errors}"

    def run(self):
        assert self.errors({}) == [], self.errors({})
        self.expect({"src/low/d.h": '\n#include "high/b.h"\n'}, "src/low/d.h:2", "low -> high is no arrow")
        self.expect({"src/high/engine/d.h": '#include "low/a.h"\n'}, "high/engine -> low is no arrow")
        self.expect({"include/mascing/d.h": '#include "low/a.h"\n'}, "is public and includes the private")
        self.expect({"include/mascing/d.h": "#include <engine.h>\n"}, "<engine.h>, which only high/engine may")
        self.expect({"src/high/d.cpp": "#include <engine.h>\n"}, "<engine.h>, which only high/engine may")
        self.expect({"src/high/d.cpp": "#include <net.h>\n"}, "<net.h>, which only src/high/client.cpp may")
        self.expect({"src/high/d.cpp": "#include <new_thing/all.hpp>\n"}, "not in the table of headers of others")
        self.expect({"src/high/d.cpp": "#include <mascing/api.h>\n"}, 'expected "mascing/api.h"')
        self.expect({"src/high/d.cpp": '#include "b.h"\n'}, "neither in src/ nor in include/")
        self.expect({"src/low/b.h": ""}, "src/high/b.h and src/low/b.h have the same name")
        self.expect({"src/high/api.h": ""}, "include/mascing/api.h and src/high/api.h have the same name")
        self.expect({"src/attic/d.h": ""}, "src/attic/: is not in the table")
        self.expect({"include/other/d.h": ""}, "include/other/d.h: public headers belong into")
        self.expect({"src/high/b.h": ""}, "nothing uses high -> low")
        table = self.TREE["ARCHITECTURE.md"]
        self.expect({"ARCHITECTURE.md": table.replace("c | high |", "c | low |")}, "engine -> low, the table says high")
        self.expect({"ARCHITECTURE.md": table.replace("low (a.h)", "low, attic")}, "high -> attic, low, the table says low")
        self.expect({"ARCHITECTURE.md": table + "| `src/attic` | d | low |\n"}, "attic is not in the table")
        self.expect({"ARCHITECTURE.md": table.replace("`src/low`", "src/low")}, "low has no row")
        self.expect({"ARCHITECTURE.md": table.replace("/mascing", "")}, "include/mascing is not mentioned")
        assert self.errors({"ARCHITECTURE.md": table.replace("c | high |", "c | everything below |")}) == []
        self.expect_table_errors()
        print("includes: self-test passed")

    def expect_table_errors(self):
        up = {"low": ["high"], "high": ["low"]}
        assert list(table_errors(up)) == ["table: low -> high points up"], list(table_errors(up))
        assert list(table_errors({"low": ["gone"]})) == ["table: low -> gone: there is no such room"]
        assert list(folder_errors([], {"low": []})) == ["table: src/low/ does not exist"]


def main():
    if sys.argv[1:] == ["--self-test"]:
        return SelfTest().run()
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    files = cpp_files(root)
    errors, used = check(root, files)
    for error in errors:
        print(f"includes: {error}", file=sys.stderr)
    print(f"{len(files)} files, {sum(used.values())} includes of other rooms, {len(used)} arrows, {len(errors)} violations")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
