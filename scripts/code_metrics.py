#!/usr/bin/env python3
"""Measures the C++ of src/ and include/: lengths of functions and files, casts, types per header.

    scripts/code_metrics.py [FOLDER]            one tree (default: this repository), as a table
    scripts/code_metrics.py BEFORE AFTER        two trees side by side
    scripts/code_metrics.py --limits [FOLDER]   the table, then every file or function beyond the limits; exit status 1
                                                if there is one
    scripts/code_metrics.py --types [FOLDER]    the headers with more than one public type, by name
    scripts/code_metrics.py --self-test

Sources are read without a compiler. Comments, texts and preprocessor lines are blanked, then braces are matched: a
function is a block at namespace or class scope behind a parameter list. It counts from the first line of its
declaration to its closing brace; lambdas belong to the function around them. Casts are counted one by one, also where
a line has two.
"""
import re
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

FOLDERS = ("include", "src")
SUFFIXES = (".h", ".cpp")
MAX_CASTS = 7.0  # static_cast per 1,000 lines; below this
MAX_FUNCTION = 60
MAX_HEADER = 150
MAX_SOURCE = 400
# What may be longer: "path" of a file or "path: function" -> why. Nothing so far.
ALLOWED = {}

TOKEN = re.compile(
    r'//(?:[^\n\\]|\\.|\\\n)*'  # comments
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"'  # raw texts
    r'|"(?:[^"\\\n]|\\.)*"'  # texts and characters; the ' between digits is neither
    r"|(?<![0-9A-Fa-f])'(?:[^'\\\n]|\\.)+'", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M)
CAST = re.compile(r"\bstatic_cast\s*<")
C_CAST = re.compile(r"(?<![\w>\])])\((?:const )?(?:unsigned |signed )?(?:std::)?"
                    r"(?:u?int(?:8|16|32|64)?_t|size_t|ptrdiff_t|int|long|short|char|float|double|bool|unsigned)"
                    r"(?: ?\*)*\)\s*[\w(]")
TYPE = re.compile(r"(?:^|[;}\s>])(?:class|struct|union|enum(?:\s+class|\s+struct)?)\s+(?:\[\[[^\]]*\]\]\s*)?"
                  r"(?:alignas\([^)]*\)\s*)?([A-Za-z_][\w:]*)(?:<[^;{}]*>)?(?:\s+final)?\s*(?::[^;{}()]*)?$", re.S)
NAMESPACE = re.compile(r"(?:\bnamespace(?:\s+[\w:]+)?|\bextern\s*)\s*$")  # the text behind extern is blanked
BEHIND_PARAMETERS = re.compile(
    r"\)\s*(?:(?:const|volatile|noexcept|override|final|mutable|try|&&?|->\s*[\w:<>,*&\s]+|requires\b[^;{}]*)\s*)*$")


@dataclass
class Function:
    path: str
    name: str
    line: int
    length: int


@dataclass
class Metrics:
    n_line: int = 0
    n_cast: int = 0
    n_c_cast: int = 0
    functions: list = field(default_factory=list)
    files: dict = field(default_factory=dict)  # path -> lines
    types: dict = field(default_factory=dict)  # path of a header -> public types

    def casts_per_1000(self):
        return 1000.0 * self.n_cast / max(self.n_line, 1)


def blanked(text):
    """The code alone, every line where it was."""
    text = TOKEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    return DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def without_else(text):
    """Only the first branch of every #if: the others repeat what it opens."""
    lines, skipped, depth = [], [], 0
    for line in text.split("\n"):
        word = re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b", line)
        if word:
            if word[1].startswith("if"):
                depth += 1
            elif word[1] == "endif":
                if skipped and skipped[-1] == depth:
                    skipped.pop()
                depth -= 1
            elif not skipped or skipped[-1] != depth:
                skipped.append(depth)
        lines.append(line if word or not skipped else "")
    return "\n".join(lines)


def kind_of_block(head, is_free):
    """What a brace opens, by the code before it back to the last statement. `is_free`: at namespace or class scope."""
    if NAMESPACE.search(head):
        return "namespace"
    if not is_free:
        return "inner"
    declared = TYPE.search(head)
    if declared:
        return "type"
    if not head or not head[-1].isspace() and head[-1] != ")":
        return "inner"  # `name{value}`: an initialiser
    head = head.rstrip()
    if BEHIND_PARAMETERS.search(head):
        # `auto f = [](...) {` is a value.
        return "inner" if re.search(r"=\s*\[[^\]]*\]\s*\([^()]*\)[^()]*$", head) else "function"
    # Behind a list of initialisers: `) : a(b), c{d} {`
    return "function" if re.search(r"\)\s*(?:noexcept\s*)?:\s", head) and head[-1] in ")}" else "inner"


def name_of(head):
    head = re.sub(r"\)\s*(?:noexcept\s*)?:\s.*$", ")", head, flags=re.S)
    match = re.search(r"((?:[\w:~<>]|::)*(?:operator\s*[^\s\w(]+|operator\s*\(\)|\w))\s*\(", head)
    return match[1] if match else "?"


def scan(code):
    """Functions as (name, line, length) and types at namespace scope as (name, inside of an unnamed namespace)."""
    functions, types = [], []
    scopes = []  # (kind, position of the head, name, where its statement starts)
    start = 0  # of the statement that is being read
    depth_round = 0
    for i, c in enumerate(code):
        if c == "(":
            depth_round += 1
        elif c == ")":
            depth_round -= 1
        elif c == "{":
            is_free = all(scope[0] in ("namespace", "type") for scope in scopes)
            head = code[start:i]
            kind = kind_of_block(head, is_free and depth_round == 0)
            begin = start + len(head) - len(head.lstrip())
            name = ""
            if kind == "function":
                label = re.match(r"\s*(?:public|private|protected)\s*:(?!:)", head)
                if label:
                    begin = start + label.end() + len(head[label.end():]) - len(head[label.end():].lstrip())
                name = name_of(head)
            elif kind == "type":
                name = TYPE.search(head)[1]
                if all(scope[0] == "namespace" and scope[2] for scope in scopes) or not scopes:
                    types.append(name)
            elif kind == "namespace":
                named = re.search(r"\bnamespace\s+([\w:]+)\s*$", head)
                name = named[1] if named else ("extern" if "extern" in head else "")
            scopes.append((kind, begin, name, start))
            if kind != "inner" or not is_free:
                start = i + 1
        elif c == "}":
            if not scopes:
                raise ValueError(f"line {code.count(chr(10), 0, i) + 1}: a brace too many")
            kind, begin, name, before = scopes.pop()
            if kind == "function":
                line = code.count("\n", 0, begin) + 1
                functions.append((name, line, code.count("\n", 0, i) + 2 - line))
            is_free = all(scope[0] in ("namespace", "type") for scope in scopes)
            # An initialiser at free scope is a part of the statement around it.
            start = before if kind == "inner" and is_free else i + 1
        elif c == ";" and depth_round == 0:
            start = i + 1
    if scopes:
        raise ValueError(f"line {code.count(chr(10), 0, scopes[-1][1]) + 1}: a brace is not closed")
    return functions, types


def measure(root):
    result = Metrics()
    paths = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in SUFFIXES)
    if not paths:
        raise ValueError(f"no C++ files in {root}/src or {root}/include")
    for path in paths:
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        code = blanked(text)
        n_line = text.count("\n")
        result.n_line += n_line
        result.files[name] = n_line
        result.n_cast += len(CAST.findall(code))
        result.n_c_cast += len(C_CAST.findall(code))
        try:
            functions, types = scan(blanked(without_else(text)))
        except ValueError as failure:
            raise ValueError(f"{name}: {failure}") from None
        result.functions += [Function(name, *function) for function in functions]
        if path.suffix == ".h":
            result.types[name] = types
    return result


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(metrics):
    """(what, value as a text) in the order of the table."""
    lengths = [function.length for function in metrics.functions] or [0]
    headers = [n for path, n in metrics.files.items() if path.endswith(".h")]
    sources = [n for path, n in metrics.files.items() if path.endswith(".cpp")]

    def over(limit):
        n = sum(1 for length in lengths if length > limit)
        return f"{100.0 * n / len(lengths):.2f} % ({n})"

    return [("files", f"{len(metrics.files):,}"),
            ("lines", f"{metrics.n_line:,}"),
            ("functions", f"{len(metrics.functions):,}"),
            ("function length, median", f"{statistics.median(lengths):g}"),
            ("function length, 90th percentile", f"{percentile(lengths, 0.9)}"),
            ("function length, longest", f"{max(lengths)}"),
            ("functions over 50 lines", over(50)),
            (f"functions over {MAX_FUNCTION} lines", over(MAX_FUNCTION)),
            ("longest header", f"{max(headers, default=0)}"),
            (f"headers over {MAX_HEADER} lines", f"{sum(1 for n in headers if n > MAX_HEADER)}"),
            ("longest source", f"{max(sources, default=0)}"),
            (f"sources over {MAX_SOURCE} lines", f"{sum(1 for n in sources if n > MAX_SOURCE)}"),
            ("static_cast per 1,000 lines", f"{metrics.casts_per_1000():.1f}"),
            ("C-style casts of numbers", f"{metrics.n_c_cast}"),
            ("headers with more than one public type", f"{sum(1 for t in metrics.types.values() if len(t) > 1)}")]


def offences(metrics, allowed=None):
    """What is beyond a limit, in words."""
    allowed = ALLOWED if allowed is None else allowed
    found, used = [], set()

    def report(key, text):
        if key in allowed:
            used.add(key)
        else:
            found.append(text)

    for path, n in metrics.files.items():
        limit = MAX_HEADER if path.endswith(".h") else MAX_SOURCE
        if n > limit:
            report(path, f"{path}: {n} lines, expected at most {limit}")
    for function in sorted(metrics.functions, key=lambda one: -one.length):
        if function.length > MAX_FUNCTION:
            report(f"{function.path}: {function.name}",
                   f"{function.path}:{function.line}: {function.name} has {function.length} lines, "
                   f"expected at most {MAX_FUNCTION}")
    if metrics.casts_per_1000() >= MAX_CASTS:
        found.append(f"{metrics.casts_per_1000():.1f} static_cast per 1,000 lines, expected less than {MAX_CASTS:g}")
    if metrics.n_c_cast > 0:
        found.append(f"{metrics.n_c_cast} C-style casts of numbers, expected none: write `double(x)` or static_cast")
    found += [f"allowed for nothing: {key}" for key in allowed if key not in used]
    return found


def self_test():
    """Small made-up trees whose numbers are known."""
    code = '''// A { in a comment.
#define OPEN {
namespace a {
struct Point {
  int x{3};
  int twice() const { return 2 * x; }
  explicit Point(int y, Kind kind = {})
      : x{y}, call_(y, [] { f(); }), z_({.y = y}) {
    text = "}";
  }
};
enum class Kind : int { kOne, kTwo };
struct Later;
constexpr int kTable[] = {1, 2};
const auto call = [](int z) {
  return z;
};
namespace {
struct Hidden {};
}
template <typename T>
T sum(
    const std::vector<T>& values) {
  const auto one = [&] { return 1'000; };
  const char brace = '{';
#ifdef A
  for (;;) {
#else
  while (true) {
#endif
  }
  return static_cast<T>((int64_t)values.size() + (double)(3) + sizeof(int));
}
}  // namespace a
'''
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "src").mkdir()
        (root / "src" / "a.h").write_text(code)
        small = measure(root)
        functions = {one.name: (one.line, one.length) for one in small.functions}
        assert functions == {"twice": (6, 1), "Point": (7, 4), "sum": (21, 13)}, functions
        assert small.types == {"src/a.h": ["Point", "Kind"]}, small.types
        assert (small.n_line, small.n_cast, small.n_c_cast) == (34, 1, 2), small
        assert any("static_cast" in line for line in offences(small))

        long_body = "int f() {\n" + "  g();\n" * 60 + "}\n"
        (root / "src" / "a.h").write_text("\n" * 150 + "int h();\n")
        (root / "src" / "b.cpp").write_text(long_body + "\n" * 339)
        found = offences(measure(root), {})
        assert len(found) == 3 and "a.h: 151" in found[0] and "b.cpp: 401" in found[1] and "f has 62" in found[2], found
        found = offences(measure(root), {"src/a.h": "", "src/b.cpp": "", "src/b.cpp: f": "", "src/gone.h": ""})
        assert found == ["allowed for nothing: src/gone.h"], found

        (root / "src" / "a.h").write_text("int h() {\n")
        try:
            measure(root)
        except ValueError as failure:
            assert "not closed" in str(failure), failure
        else:
            raise AssertionError("a brace that is not closed was not reported")
    print("code_metrics: self-test passed")


def main():
    arguments = sys.argv[1:]
    options = {argument for argument in arguments if argument.startswith("--")}
    folders = [Path(argument) for argument in arguments if not argument.startswith("--")]
    if len(folders) > 2 or options - {"--limits", "--types", "--self-test"}:
        sys.exit(__doc__)
    if "--self-test" in options:
        return self_test()
    trees = [measure(folder) for folder in folders or [Path(__file__).resolve().parent.parent]]
    columns = [table(tree) for tree in trees]
    if len(columns) == 2:
        print(f"{'':40} {'before':>14} {'after':>14}")
    for rows in zip(*columns):
        print(f"{rows[0][0]:40} " + " ".join(f"{value:>14}" for _, value in rows))
    if "--types" in options:
        for path, types in trees[-1].types.items():
            if len(types) > 1:
                print(f"{path}: {', '.join(types)}")
    if "--limits" in options:
        found = offences(trees[-1])
        for line in found:
            print(f"code_metrics: {line}", file=sys.stderr)
        sys.exit(1 if found else 0)


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(f"code_metrics: error: {error}")
