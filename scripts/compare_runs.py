#!/usr/bin/env python3
"""Compares what two builds left of the same runs, file by file, and prints a table.

    scripts/compare_runs.py OLD_FOLDER NEW_FOLDER

Both hold one folder per scenario, each written by `mascing run`. Masks, labels and traces must have the same bytes;
results.json must have the same values. What may differ is listed below: names of keys, texts for people, the version,
paths and time. Exit status: 0 the same, 1 different.
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "cli"))
import gguf_tools  # noqa: E402

# Keys of results.json that were renamed: old -> new.
RENAMED = {"why_not": "rejection_reason"}
# Parts of results.json that say how long it took, which build it was and where it ran.
IGNORED = {("schema",), ("cost", "seconds"), ("cost", "finished_at"), ("cost", "tokens_per_second"), ("tool", "version"), ("tool", "command")}
# Keys of texts for people: only whether there is a text is compared.
TEXTS = {"text", "advice", "rejection_reason", "reason", "setting", "cut_short"}
# Keys of a mask's metadata that name the build.
MASK_IGNORED = {"mascing.tool_version"}
SHOWN = 5  # differences shown of each file


def normalised(value, path=()):
    """The value with new names for its keys, and without what may differ."""
    if isinstance(value, dict):
        named = {RENAMED.get(key, key): item for key, item in value.items()}
        return {key: normalised(item, path + (key,)) for key, item in sorted(named.items())
                if path + (key,) not in IGNORED}
    if isinstance(value, list):
        return [normalised(item, path) for item in value]
    if isinstance(value, str) and path and path[-1] in TEXTS:
        return "(a text)" if value else ""
    return value


def differences(old, new, where=""):
    """Where two values differ, in words."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            place = f"{where}.{key}" if where else key
            if key not in old or key not in new:
                yield f"{place}: only in the {'new' if key in new else 'old'}"
            else:
                yield from differences(old[key], new[key], place)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{where}: {len(old)} entries, now {len(new)}"
        for i, (first, second) in enumerate(zip(old, new)):
            yield from differences(first, second, f"{where}[{i}]")
    elif type(old) is not type(new) or old != new:
        yield f"{where}: {json.dumps(old)[:80]}, now {json.dumps(new)[:80]}"


def compare_results(old, new):
    return list(differences(normalised(json.loads(old.read_text())), normalised(json.loads(new.read_text()))))


def compare_masks(old, new):
    (old_keys, old_tensors), (new_keys, new_tensors) = gguf_tools.read_gguf(old), gguf_tools.read_gguf(new)
    for keys in (old_keys, new_keys):
        for key in MASK_IGNORED:
            keys.pop(key, None)
    # As JSON, so that a NaN equals itself.
    found = list(differences({key: json.dumps(value) for key, value in old_keys.items()},
                             {key: json.dumps(value) for key, value in new_keys.items()}))
    for name in sorted(old_tensors.keys() | new_tensors.keys()):
        if old_tensors.get(name) != new_tensors.get(name):
            found.append(f"tensor {name}: other bytes")
    return found


def compare_bytes(old, new):
    return [] if old.read_bytes() == new.read_bytes() else ["other bytes"]


# What is compared: pattern in the folder of a run -> how.
COMPARED = [("results.json", compare_results), ("mask.gguf", compare_masks), ("candidates/*.gguf", compare_masks),
            ("labelled*.jsonl", compare_bytes), ("traces*/**/*", compare_bytes)]


def compare_run(old, new):
    """One row per file: name, what differs."""
    for pattern, compare in COMPARED:
        names = sorted({str(path.relative_to(folder)) for folder in (old, new) for path in folder.glob(pattern)
                        if path.is_file()})
        for name in names:
            if not (old / name).is_file() or not (new / name).is_file():
                yield name, [f"only in the {'new' if (new / name).is_file() else 'old'}"]
            else:
                yield name, compare(old / name, new / name)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    old, new = Path(sys.argv[1]), Path(sys.argv[2])
    runs = sorted({path.parent.name for folder in (old, new) for path in folder.glob("*/results.json")})
    if not runs:
        sys.exit(f"compare_runs: error: no results.json in {old}/* and {new}/*")
    rows = [(run, name, found) for run in runs for name, found in compare_run(old / run, new / run)]
    width = max(len(f"{run}/{name}") for run, name, _ in rows)
    for run, name, found in rows:
        print(f"{f'{run}/{name}':{width}}  {'different' if found else 'same'}")
        for line in found[:SHOWN]:
            print(f"    {line}")
        if len(found) > SHOWN:
            print(f"    ... and {len(found) - SHOWN} more")
    n_different = sum(1 for _, _, found in rows if found)
    print(f"{len(rows)} files compared, {n_different} different")
    sys.exit(1 if n_different else 0)


if __name__ == "__main__":
    main()
