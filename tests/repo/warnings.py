#!/usr/bin/env python3
"""docs/troubleshooting.md has every named warning of the sources, and none that is not there.

    tests/repo/warnings.py [REPOSITORY]     prints what is missing on either side; exit status 1 if anything
    tests/repo/warnings.py --self-test      shows on made-up sources that each kind is found

A warning is written as three values in a row, id, text and advice: in braces, or as arguments of a call that makes one. The
id comes first, behind a condition at most. It is a string, or something with a string behind it (`set.metric + "_fell"`), which the page writes as `<metric>_fell`.
`mascing doctor` has a flag behind the id (Finding). Sources without the word warning have none.
"""
import re
import sys
from pathlib import Path

PAGE = "docs/troubleshooting.md"
LITERAL = r'"(?:[^"\\\n]|\\.)*"'
TOKEN = re.compile(rf"//[^\n]*|{LITERAL}|[(){{}}\[\];,]|[^\"(){{}}\[\];,/]+|/")
ID = re.compile(r'^(?:[\w.\->() ]+\+\s*)?"(_?[a-z]+(?:_[a-z]+)+|_[a-z]+)"$')
OPEN, CLOSE = "({[", ")}]"


def groups(text):
    """The comma-separated elements of every bracket in a source, as lists of texts; without those of errors (table.fail)."""
    stack, is_error = [[""]], [False]
    for match in TOKEN.finditer(text):
        token = match[0]
        if token.startswith("//"):
            continue
        if token in OPEN and len(token) == 1:
            is_error.append(stack[-1][-1].endswith(".fail"))
            stack.append([""])
        elif token in CLOSE and len(token) == 1:
            done = stack.pop() if len(stack) > 1 else [""]
            if not (is_error.pop() if len(is_error) > 1 else False):
                yield [element.strip() for element in done]
            # What stood in the brackets stays visible to the group around it.
            stack[-1][-1] += "(" + ",".join(done) + ")"
        elif token in ",;":
            stack[-1].append("")
        else:
            stack[-1][-1] += token
    yield [element.strip() for element in stack[0]]


def is_sentence(element):
    return any(" " in literal for literal in re.findall(LITERAL, element))


def ids_of(text):
    if not re.search("[Ww]arning|Finding", text):
        return
    for elements in groups(text):
        for i, element in enumerate(elements):
            match = ID.match(re.sub(r"\s+", " ", element))
            rest = elements[i + 1:]
            is_finding = bool(rest) and rest[0] in ("true", "false")
            if is_finding:
                rest = rest[1:]
            if match and i <= 1 and len(rest) == 2 and (is_sentence(rest[1]) or is_finding):
                yield match[1]


def documented(page):
    """First cells of the tables about warnings and findings."""
    for section in re.split(r"^## ", page, flags=re.M):
        if section.startswith(("Warnings", "What doctor")):
            for cell in re.findall(r"^\| (`[^|]*) \|", section, flags=re.M):
                yield from re.findall(r"`([^`]+)`", cell)


def check(sources, page):
    known = {name: path for path, text in sources.items() for name in ids_of(text)}
    listed = set(documented(page))
    for name, path in sorted(known.items()):
        found = any(one.endswith(name) and one != name for one in listed) if name.startswith("_") else name in listed
        if not found:
            yield f"{path}: warning `{name}` is not in {PAGE}"
    for name in sorted(listed):
        suffixes = [one for one in known if one.startswith("_") and name.endswith(one)]
        if name not in known and not suffixes:
            yield f"{PAGE}: `{name}` is no warning of the sources"


def self_test():
    source = '''
        warnings.push_back({"weak_test", "about " + n, "add (more) conversations, please"});
        return {{metric + "_fell", fall_of(what, result) + ", a drop", is_hold ? "do not use" : "use less"}};
        add(a <= b, "at_chance", "no better: " + found, "collect more");
        {"no_gpu", false, text, remedy}; value = {"n_test", summary.n}; {"to_skip", a, b}; // {"old_one", "a b", "c d"}
        table.fail("loop_pairs", "is " + n + ", expected more", "fewer are too few");
    '''
    assert sorted(ids_of(source)) == ["_fell", "at_chance", "no_gpu", "weak_test"], sorted(ids_of(source))
    page = "## Warnings of a run\n| `weak_test` | x |\n| `<metric>_fell` | x |\n| `gone_one` | x |\n## What doctor finds\n| `no_gpu` | x |\n"
    errors = list(check({"a.cpp": source}, page))
    assert len(errors) == 2 and "at_chance" in errors[0] and "gone_one" in errors[1], errors
    print("warnings: self-test passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    sources = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
               for path in sorted((root / "src").rglob("*")) if path.suffix in (".cpp", ".h")}
    n_known = len({name for text in sources.values() for name in ids_of(text)})
    errors = list(check(sources, (root / PAGE).read_text(encoding="utf-8")))
    for error in errors:
        print(f"warnings: {error}", file=sys.stderr)
    print(f"{n_known} warnings, {len(errors)} not in order")
    sys.exit(1 if errors or n_known < 30 else 0)


if __name__ == "__main__":
    main()
