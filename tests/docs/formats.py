#!/usr/bin/env python3
"""Every key of our own in GGUF files stands in docs/formats.md, and every key of its tables is written.

    tests/docs/formats.py MASK ADAPTER BAKED

The files are read with Python's standard library, by the layout that the page describes.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from gguf_tools import read_gguf  # noqa: E402

PAGE = Path(__file__).resolve().parents[2] / "docs/formats.md"


def documented(text):
    """Full names of the keys in all tables whose heading has "key `PREFIX` +"."""
    for prefix, body in re.findall(r"^\| key `(mascing\.[a-z.]*)` \+ \|[^\n]*\n\| ---[^\n]*\n((?:\|[^\n]*\n)+)", text, re.M):
        for cell in re.findall(r"^\| ([^|]*) \|", body, re.M):
            yield from (prefix + name for name in re.findall(r"`([a-z_.]+)`", cell))


def main():
    listed = set(documented(PAGE.read_text(encoding="utf-8")))
    written = set()
    for path in sys.argv[1:]:
        keys, tensors = read_gguf(path)
        written |= {key for key in keys if key.startswith("mascing.")}
        if keys.get("general.type") == "mascing.mask":
            n_layer, n_expert = keys["mascing.n_layer"], keys["mascing.n_expert"]
            assert tensors["steer"][0] == (n_expert, n_layer) and tensors["sigma"][0] == (n_layer,), tensors
            assert tensors["steer"][1] == 0 and len(tensors["steer"][2]) == 4 * n_expert * n_layer
    errors = [f"{key} is written but not in {PAGE.name}" for key in sorted(written - listed)]
    errors += [f"{PAGE.name} has {key}, which is not written" for key in sorted(listed - written)]
    for error in errors:
        print(f"formats: {error}", file=sys.stderr)
    print(f"{len(written)} keys in files, {len(listed)} on the page")
    sys.exit(1 if errors or len(written) < 30 else 0)


if __name__ == "__main__":
    main()
