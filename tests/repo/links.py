#!/usr/bin/env python3
"""No reference to what does not exist.

    tests/repo/links.py [REPOSITORY]     prints each broken reference; exit status 1 if any
    tests/repo/links.py --self-test      shows on small made-up trees that each kind of broken reference is found

* Markdown: every relative link leads to a tracked file or folder, every anchor to a heading (GitHub's rules).
* Comments of C++, Python, shell and CMake files, and what stands in backticks in Markdown: every word that looks like a
  path of this repository is one. A word looks so if it ends in a suffix we use (SUFFIXES) or starts with one of our
  folders. It may be written from the root, from the folder of the file it stands in, or from one of BASES.
  `src/stage/openings` and `src/nn/gemm.*` mean all files of that name, `command_<name>.cpp` any of that kind. A name
  alone, such as `prefix_plan.h`, must be the name of some file.
* Elsewhere in Markdown, code blocks included: words that start with a folder at the top of the repository.
* `method.md, step 3` needs a heading "Step 3" in that file.
* No file opens with "See the header".

Names that are no files of the repository are listed below (ELSEWHERE). Names in capitals stand for something to fill in.
"""
import re
import subprocess
import sys
import tempfile
import unicodedata
from fnmatch import fnmatchcase
from pathlib import Path

CODE = (".h", ".cpp", ".py", ".sh", ".cmake", "CMakeLists.txt", "Makefile", ".ci/run")
CODE_FOLDERS = ("src/", "include/", "tests/", "tools/", "scripts/", "benchmarks/", "fuzz/", "cmake/", "examples/", ".ci/")
SUFFIXES = "md|h|hpp|cpp|py|sh|toml|cmake|json|yml|txt"
# Where a path may start, besides the root and the folder of the file it stands in.
BASES = ("src", "include", "tests", "docs", "tools", "scripts", "src/host", "include/mascing")

# Patterns of names that look like paths of the repository and are none, by what they are.
ELSEWHERE = {
    # Written by a run, an export or a build.
    "results.json", "search.json", "run.json", "manifest.json", "tested.json", "part.json", "engine.json",
    "config.json", "adapter_config.json", "mascing.json", "model.safetensors.index.json", "validation-s<seed>-<hash>.json",
    # Other projects' files.
    "llama.cpp", "llama.h", "ggml.h", "gguf.h", "curl.h",
    # Keys of GGUF files and of results.json.
    "mascing.[*]", "mascing.*.[*]", "contrast.<target>.[*]",
    # Stand for any file of the kind.
    "room/header.h", "script.sh",
    # Folders that builds and runs make.
    "build/*", "out/*",
}

# Folders of src/ that were: a path that starts with one is a path.
FORMER_ROOMS = {"pipeline"}
PLACEHOLDER = re.compile(r"[A-Z_]+(/|\.(?!md$))")
WORD = re.compile(r"(?<![\w/.<>{}$%@:~*-])(?:\.{1,2}/)?[\w.<>*-]+(?:/[\w.<>*-]+)*/?(?![\w/{$])")
HAS_SUFFIX = re.compile(rf"[\w*>-]\.(?:{SUFFIXES}|\*)$")


def repository_files(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
    else:  # an unpacked archive
        names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
        names = [name for name in names if not re.match(r"build|out/|\.git/", name)]
    return sorted(name for name in names if name and (root / name).is_file())


class Tree:
    """The files of the repository, and what names mean in it."""

    def __init__(self, root, files):
        self.root = root
        self.files = set(files)
        self.folders = {"/".join(name.split("/")[:n]) for name in files for n in range(1, name.count("/") + 1)}
        # A path without its suffix stands for the files of that name.
        self.stems = {name.rsplit(".", 1)[0] for name in files if name.endswith((".h", ".cpp", ".py"))}
        self.names = {name.rsplit("/", 1)[-1] for name in files}
        self.top = {folder for folder in self.folders if "/" not in folder}
        self.rooms = {folder.split("/")[1] for folder in self.folders if folder.startswith("src/")}
        self._text = {}

    def text(self, name):
        if name not in self._text:
            self._text[name] = (self.root / name).read_text(encoding="utf-8")
        return self._text[name]

    def has(self, path):
        path = normal(path)
        if path is None:
            return False
        if "*" in path or "<" in path:
            pattern = re.sub(r"<[^>/]*>", "*", path)
            return any(fnmatchcase(name, pattern) for name in self.files | self.folders)
        return path == "" or path in self.files or path in self.folders or path in self.stems

    def resolves(self, word, origin):
        """Whether `word`, found in the file `origin`, names something."""
        word = word.rstrip("/")
        if "/" not in word:
            pattern = re.sub(r"<[^>]*>", "*", word)
            return any(fnmatchcase(name, pattern) for name in self.names)
        folder = origin.rpartition("/")[0]
        return any(self.has(f"{base}/{word}" if base else word) for base in ("", folder, *BASES))


def normal(path):
    """Without "." and ".."; None if it leads out of the repository."""
    parts = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def slug(heading):
    """The anchor that GitHub gives a heading."""
    heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    heading = re.sub(r"[`*]|(?<!\w)_|_(?!\w)", "", heading.strip()).lower()
    kept = [c for c in heading if c in " -_" or unicodedata.category(c)[0] in "LNM"]
    return "".join(kept).replace(" ", "-")


def without_fences(text):
    """Markdown with the lines of code blocks emptied."""
    lines, fence = [], None
    for line in text.split("\n"):
        mark = re.match(r" {0,3}(```+|~~~+)", line)
        if fence is None and mark:
            fence = mark[1]
        elif fence is not None:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
        else:
            lines.append(line)
            continue
        lines.append("")
    return "\n".join(lines)


def anchors(text):
    found, seen = set(), {}
    for match in re.finditer(r"^#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$", without_fences(text), re.M):
        name = slug(match[1])
        n = seen.get(name, 0)
        seen[name] = n + 1
        found.add(f"{name}-{n}" if n else name)
    found |= set(re.findall(r"<a\s+(?:name|id)=\"([^\"]+)\"", text))
    return found


def line_of(text, place):
    return text.count("\n", 0, place) + 1


def link_errors(name, tree):
    text = without_fences(tree.text(name))
    # A code span holds no links.
    text = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", lambda match: re.sub(r"[^\n]", "x", match.group()), text, flags=re.S)
    links = list(re.finditer(r"\]\(\s*<?([^()\s>]+(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+\"[^\"]*\")?\s*\)", text))
    links += re.finditer(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)", text, re.M)
    links += re.finditer(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"", text)
    for match in links:
        target = match[1]
        if re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.I):
            continue
        where = f"{name}:{line_of(text, match.start())}: link {target}"
        path, _, anchor = target.partition("#")
        folder = name.rpartition("/")[0]
        full = normal(path[1:] if path.startswith("/") else f"{folder}/{path}") if path else name
        if full is None or not (full == "" or full in tree.files or full in tree.folders):
            yield f"{where}: there is no such file"
        elif anchor and full in tree.files and full.endswith(".md") and anchor not in anchors(tree.text(full)):
            yield f"{where}: {full} has no heading \"{anchor}\""


def comments(name, text):
    """(line, text) of each comment, line by line; docstrings of Python count."""
    if name.endswith((".h", ".cpp")):
        token = re.compile(r'R"([^\s()\\]{0,16})\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|(?<![0-9A-Fa-f])\'(?:[^\'\\\n]|\\.)+\''
                           r"|(//[^\n]*|/\*.*?\*/)", re.S)
        group = 2
    elif name.endswith(".py"):
        token = re.compile(r'(?:(?<=\n)|(?<=^)|(?<=:\n))[ \t]*("""(?:[^\\]|\\.)*?""")|"""(?:[^\\]|\\.)*?"""'
                           r'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|(#[^\n]*)', re.S)
        group = (1, 2)
    else:
        # The # of ${#array} and of $# starts no comment; it stands at the start of a word.
        token = re.compile(r"(?:^|(?<=\s))(#[^\n]*)", re.M)
        group = 1
    for match in token.finditer(text):
        found = match[group] if isinstance(group, int) else match[group[0]] or match[group[1]]
        if found:
            place = match.start() + match.group().index(found)
            for i, line in enumerate(found.split("\n")):
                yield line_of(text, place) + i, line


def code_spans(text):
    """(line, text) of everything in backticks outside of code blocks."""
    text = without_fences(text)
    for match in re.finditer(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", text, re.S):
        yield line_of(text, match.start()), match[2]


def path_words(line, tree, only_top=False):
    """The words of a line that look like paths of the repository; `only_top`: written from its root."""
    line = re.sub(r"\b[a-z][a-z0-9+.-]*://\S*", " ", line)
    for match in WORD.finditer(line):
        word = re.sub(r"[.,:;]+$", "", match.group())
        word = re.sub(r"-$", "", word)
        if not re.search(r"[a-z]", word):
            continue
        first, slash, rest = word.partition("/")
        if PLACEHOLDER.match(word):
            continue
        if first in tree.top and rest or not only_top and (
                first in tree.rooms | FORMER_ROOMS and rest or HAS_SUFFIX.search(word)):
            yield word


def is_elsewhere(word):
    return any(fnmatchcase(word, pattern) or fnmatchcase(word.rsplit("/", 1)[-1], pattern) for pattern in ELSEWHERE)


def path_errors(name, lines, tree, only_top=False):
    for line, text in lines:
        for word in path_words(text, tree, only_top):
            if not tree.resolves(word, name) and not is_elsewhere(word):
                yield f"{name}:{line}: {word}: there is no such file or folder"


def step_errors(name, lines, tree):
    for line, text in lines:
        for match in re.finditer(r"([\w/]+\.md), (step \d+)", text):
            files = [path for path in tree.files if path == match[1] or path.endswith("/" + match[1])]
            if files and not any(re.search(rf"^#+ {match[2]}\b", tree.text(path), re.M | re.I) for path in files):
                yield f"{name}:{line}: {match.group()}: {files[0]} has no such heading"


def is_code(name):
    return name.endswith(CODE) and (name.startswith(CODE_FOLDERS) or "/" not in name)


def check(root, files):
    tree = Tree(root, files)
    errors = []
    for name in files:
        if name.endswith(".md"):
            spans = list(code_spans(tree.text(name)))
            errors += link_errors(name, tree)
            errors += path_errors(name, spans, tree)
            rest = re.sub(r"`[^`\n]*`|\]\([^)\n]*\)", "", tree.text(name))
            errors += path_errors(name, enumerate(rest.split("\n"), 1), tree, only_top=True)
        elif is_code(name):
            lines = list(comments(name, tree.text(name)))
            errors += path_errors(name, lines, tree)
            errors += step_errors(name, lines, tree)
            if re.match(r"\W*see the header\b", tree.text(name), re.I):
                errors.append(f"{name}:1: opens with \"See the header\": say what the file does")
    return errors


class SelfTest:
    """A small tree that is in order, and one thing after the other that is not."""

    TREE = {
        "README.md": "# A `mascing` tree\n## Twice\n## Twice\n[b](docs/b.md) [own](#twice-1) [c](docs/b.md#ab_c-the-2nd-d)\n"
                     "`src/low/a` `low/a.h` `a.h` `src/low/a.*` `src/low` `<name>.h` `results.json` `OUT/x.json` `a/b`\n"
                     "`[x](#gone)` [w](https://a.b/gone.md) scripts/run.sh\n```\n[x](gone.md)\nscripts/run.sh my.toml\n```\n",
        "docs/b.md": "# Ab_c: *the* 2nd `d`\n[up](../README.md#a-mascing-tree) [folder](../src)\n## Step 3: go\n",
        "src/low/a.h": "// A, as docs/b.md says (b.md, step 3); llama.cpp, step one/two.\n"
                       "const char* text = \"// gone.md\";\n",
        "src/low/a.cpp": "// Does what it says (low/a.h).\n",
        "scripts/run.sh": "#!/usr/bin/env bash\n# scripts/run.sh\necho gone.md ${#gone.md}\n",
        "scripts/run.py": '"""Runs scripts/run.sh."""\nx = "gone.md # gone.md"  # README.md\n',
        "CMakeLists.txt": "# src/low\nadd(gone.cpp)\n",
    }

    def errors(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            tree = {**self.TREE}
            if name:
                tree[name] = tree.get(name, "") + text
            for path, content in tree.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(content)
            return check(root, sorted(tree))

    def expect(self, name, text, *words):
        errors = self.errors(name, text)
        assert len(errors) == 1 and all(word in errors[0] for word in (name, *words)), f"expected {words}, got {errors}"

    def run(self):
        assert self.errors(None, "") == [], self.errors(None, "")
        self.expect("README.md", "[x](docs/gone.md)", "link docs/gone.md: there is no such file")
        self.expect("README.md", "[x](../gone.md)", "link ../gone.md: there is no such file")
        self.expect("README.md", "[x]: gone.md", "link gone.md: there is no such file")
        self.expect("README.md", '<img src="gone.svg">', "link gone.svg: there is no such file")
        self.expect("README.md", "[x](#twice-2)", 'README.md has no heading "twice-2"')
        self.expect("docs/b.md", "[x](../README.md#once)", 'README.md has no heading "once"')
        self.expect("README.md", "`docs/gone.md`", "docs/gone.md: there is no such file or folder")
        self.expect("README.md", "`gone.cpp`", "gone.cpp: there is no such file or folder")
        self.expect("README.md", "`src/gone`", "src/gone: there is no such file or folder")
        self.expect("README.md", "`low/gone`", "low/gone: there is no such file or folder")
        self.expect("README.md", "`pipeline/gone`", "pipeline/gone: there is no such file or folder")
        self.expect("README.md", "`src/low/gone.*`", "src/low/gone.*: there is no such file or folder")
        self.expect("README.md", "```\nscripts/gone.sh\n```\n", "scripts/gone.sh: there is no such file or folder")
        self.expect("src/low/a.h", "// gone.h\n", "a.h:3: gone.h: there is no such file or folder")
        self.expect("src/low/a.h", "/* a\n docs/gone.md */\n", "a.h:4: docs/gone.md: there is no such file")
        self.expect("src/low/a.h", "// (b.md, step 4)\n", "a.h:3: b.md, step 4: docs/b.md has no such heading")
        self.expect("src/low/c.cpp", "// See the header.\n", 'c.cpp:1: opens with "See the header"')
        self.expect("scripts/run.sh", "x # gone.sh\n", "run.sh:4: gone.sh")
        self.expect("scripts/run.py", 'def f():\n    """gone.py"""\n', "run.py:4: gone.py")
        self.expect("CMakeLists.txt", "  # gone.cmake\n", "CMakeLists.txt:3: gone.cmake")
        print("links: self-test passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return SelfTest().run()
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    files = repository_files(root)
    errors = check(root, files)
    for error in errors:
        print(f"links: {error}", file=sys.stderr)
    print(f"{len(files)} files, {len(errors)} broken references")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
