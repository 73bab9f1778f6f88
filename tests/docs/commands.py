#!/usr/bin/env python3
"""Runs the commands of README.md and docs, as they are written.

    tests/docs/commands.py MASCING STAND_IN WORK     prints what went wrong; exit status 1 if anything
    tests/docs/commands.py --self-test

A command is a line in a code block that begins with a program (PROGRAMS). Those of a page run in order, in a folder with
stand-ins for the reader's files (model.gguf, mask.gguf, scenario.toml: tests/docs/commands.sh). The tutorial begins in the
repository's root instead, and lines below a command that its output must have begin with two spaces. What is not run is
listed in NOT_RUN with the reason; an entry that fits nothing is an error. The options of every mascing command must be in
docs/cli.md.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = re.compile(r"(?:build/bin/)?mascing |make |cmake |ctest |curl |llama-server |vllm |python3? |pip |npm |sbatch |echo |cp |cd |head -n |tail -n "
                      r"|(?:scripts|examples|benchmarks|tools)/\S+ ?")
# Page ("*": any) and command (a pattern) -> why it is not run here.
NOT_RUN = {
    ("*", r"make .*|cmake --(preset|build) .*"): "builds everything; CI calls these targets",
    ("*", r"mascing mask diff\|.*"): "names four commands at once; tests/cli/export.sh runs each",
    ("*", r"mascing serve .*"): "stays in the foreground; tests/cli/serve.sh starts it and asks it",
    ("*", r"mascing console .*"): "stays in the foreground; tests/cli/console.sh starts it and asks it",
    ("*", r".*http://127\.0\.0\.1.*"): "needs that server; tests/cli/serve_client.py sends the same requests",
    ("*", r"(llama-server|vllm|sbatch) .*"): "another project's program; tests/cli/serve.sh starts llama-server",
    ("*", r"scripts/build_server\.sh.*"): "builds llama-server, some minutes",
    ("*", r".* --judge llama-guard\.gguf .*"): "needs the weights of Llama Guard; tests/host/guard_test.cpp has a guard",
    ("*", r".*--model-dir hf/.*"): "needs the model's Hugging Face folder; tests/cli/export.sh makes one",
    ("docs/paper.md", r".*"): "needs the public data sets and hours; tests/cli/paper.sh runs it on stand-ins",
    ("docs/scale.md", r".*"): "needs several machines; tests/cli/collect.sh and run.sh run shards and merge them",
}
# On the stand-in's few conversations these may find that a mask is not usable, which is an answer.
MAY_FAIL = ("mascing run ", "mascing search ", "mascing eval ")
# Their output is the same on every machine, so the lines shown below them are compared.
EXACT = ("mascing import ", "mascing run scenario.toml --dry-run", "mascing doctor")


def commands_of(text):
    """(command, lines shown below it) of all code blocks."""
    found = []
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.M | re.S):
        block = re.sub(r"\\\n\s*", " ", block)
        inside = False
        for line in block.split("\n"):
            if PROGRAMS.match(line):
                # A table in a block, or a comment, follows behind three spaces.
                found.append((re.split(r" {3,}", line)[0].strip(), []))
                inside = True
            elif inside and line.startswith("  "):
                found[-1][1].append(line[2:])
    return found


def reason(page, command, used):
    plain = command.replace("build/bin/mascing ", "mascing ")
    for (page_pattern, pattern), why in NOT_RUN.items():
        if page_pattern in ("*", page) and re.fullmatch(pattern, plain):
            used.add((page_pattern, pattern))
            return why
    return None


def options_of_reference(text):
    """Command -> its options, from docs/cli.md."""
    options = {}
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        options[section.split("\n", 1)[0].strip()] = set(re.findall(r"`(--?[a-z][a-z-]*)", section))
    return options


def option_errors(command, options):
    words = shlex.split(command.replace("build/bin/mascing", "mascing"))
    if "|" in words:
        words = words[words.index("|") + 1:]
    if words[0] != "mascing":
        return
    name = max((name for name in options if words[:len(name.split())] == name.split()), key=len)
    for word in words:
        if word == "--":
            return
        if re.match(r"--?[a-z]", word) and word.split("=")[0] not in options[name]:
            yield f"`{name}` has no option {word}"


def run(command, shown, folder, environment):
    plain = command.replace("build/bin/mascing ", "mascing ")
    done = subprocess.run(["bash", "-c", plain], cwd=folder, env=environment, capture_output=True, text=True, timeout=600,
                          stdin=subprocess.DEVNULL)
    output = done.stdout + done.stderr
    if done.returncode != 0 and not (done.returncode == 1 and plain.startswith(MAY_FAIL)):
        yield f"exit code {done.returncode}: {output[-600:]}"
    if plain.startswith(EXACT):
        for line in shown:
            if line.rstrip(" .") not in output:
                yield f"its output does not have: {line}"


def run_page(page, commands, stand_in, work, environment, used):
    n_run = 0
    folder = work / page.replace("/", "-").replace(".", "-")
    is_tutorial = page == "docs/tutorial.md"
    if not is_tutorial:
        shutil.copytree(stand_in, folder, symlinks=True)
    else:  # a copy of what it takes from the repository
        for name in ("examples/tutorial", "models/demo"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(ROOT / name)
    for command, shown in commands:
        if command.startswith("cd "):
            folder = folder / command[3:]
        elif reason(page, command, used) is None:
            n_run += 1
            for error in run(command, shown, folder, environment):
                yield n_run, f"{page}: {command}: {error}"
    yield n_run, None


def self_test():
    text = "```\nmascing run s.toml -m m.gguf     explained\nmascing eval a \\\n  --mask b\n  shown\n```\nmascing not this\n"
    found = [("mascing run s.toml -m m.gguf", []), ("mascing eval a  --mask b", ["shown"])]
    assert commands_of(text) == found, commands_of(text)
    options = options_of_reference("## mascing run\n| `-m`, `--model TEXT` | x |\n## mascing mask show\n| `-h`, `--help` | x |\n")
    assert options == {"mascing run": {"-m", "--model"}, "mascing mask show": {"-h", "--help"}}, options
    assert list(option_errors("mascing run s -m x --modle y", options)) == ["`mascing run` has no option --modle"]
    assert not list(option_errors("echo 'a b' | mascing run s --model y -- --other", options))
    assert reason("README.md", "make demo", set()) and reason("README.md", "mascing inspect m", set()) is None
    false = list(run("false", [], "/", os.environ))
    assert len(false) == 1 and false[0].startswith("exit code 1"), false
    print("commands: self-test passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    mascing, stand_in, work = (Path(word).resolve() for word in sys.argv[1:4])
    only = sys.argv[4:]
    programs = work / "programs"
    programs.mkdir()
    (programs / "mascing").symlink_to(mascing)
    environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", MASCING_CACHE_DIR=str(work / "cache"))
    options = options_of_reference((ROOT / "docs/cli.md").read_text(encoding="utf-8"))
    pages = ["README.md", "CONTRIBUTING.md"] + sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md"))
    errors, used, n_command, n_run = [], set(), 0, 0
    for page in pages:
        commands = commands_of((ROOT / page).read_text(encoding="utf-8"))
        n_command += len(commands)
        for command, _ in commands:
            if not re.search(r"[a-z]\|[a-z]", command):  # several commands at once
                errors += [f"{page}: {command}: {error}" for error in option_errors(command, options)]
        # The reference has the examples of the help: stand-ins for all of their files would be another reference.
        if commands and page != "docs/cli.md" and (not only or page in only):
            for n, error in run_page(page, commands, stand_in, work, environment, used):
                errors += [error] if error else []
            n_run += n
    if not only:
        errors += [f"NOT_RUN: {entry} fits no command" for entry in NOT_RUN
                   if entry not in used and (entry[0] == "*" or entry[0] in pages)]
    for error in errors:
        print(f"commands: {error}", file=sys.stderr)
    print(f"{n_command} commands, {n_run} run, {len(errors)} errors")
    sys.exit(1 if errors or (n_run < 15 and not only) else 0)


if __name__ == "__main__":
    main()
