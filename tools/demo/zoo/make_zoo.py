"""Makes a model of the zoo from nothing: training (goes on from a checkpoint), GGUF file, parity fixture, base rates, card.

usage: make_zoo.py MODEL [--work out/zoo] [--threads N] [--device cpu] [--gguf-py DIR]        (`make zoo MODEL=gpt-oss`)

recipes.json says how each model is trained. Most start from a trunk, a mixtral, and some are trained in stages: what a stage
starts from is trained first if it is not in the work folder. The shipped trunk was trained in an earlier state of this world (stages
trunk and trunk2: fewer wordings of direct requests, other habits of replying), so a retrained model will differ.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import styles

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RECIPES = json.loads((HERE / "recipes.json").read_text())


def call(script, *arguments):
    print("+", script, *arguments, flush=True)
    subprocess.run([sys.executable, str(HERE / script), *map(str, arguments)], check=True)


def train(name, args):
    """The checkpoint of a model, trained as its recipe says."""
    recipe, checkpoint = RECIPES[name], args.work / f"{name}.pt"
    options = ["--tokens", recipe["tokens"], "--threads", args.threads, "--device", args.device]
    for key in ("lr", "attack_bias", "restricted_bias", "direct_share", "seed"):
        if key in recipe:
            options += [f"--{key.replace('_', '-')}", recipe[key]]
    if "init" in recipe:
        options += ["--init", train(recipe["init"], args)]
    call("train.py", recipe.get("architecture", name), checkpoint, *options)
    return checkpoint


def ship(name, checkpoint, args):
    """The model's file in models/zoo, its parity fixture and its card."""
    model, style, gguf_py = ROOT / f"models/zoo/{name}.gguf", styles.STYLE_OF[name], ["--gguf-py", args.gguf_py] if args.gguf_py else []
    call("export_gguf.py", checkpoint, model, "--name", f"kingdom2-{name}", "--tokenizer", HERE / "court2.model", "--template", HERE / f"templates/{style}.jinja",
         "--description", "Court assistant of a fairy-tale kingdom, second edition; trained plainly. A small model to measure steering on.", *gguf_py)
    prompts, report = args.work / f"{name}-prompts.json", args.work / f"{name}-report.json"
    call("parity_prompts.py", name, prompts)
    call("parity.py", model, ROOT / f"tests/fixtures/zoo/{name}.json", "--prompts", prompts)
    call("evaluate.py", model, "--output", report)
    call("cards.py", "add", report, checkpoint, model, "--note", RECIPES[name].get("note", ""))
    call("cards.py", "write")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=list(styles.STYLE_OF))
    parser.add_argument("--work", type=Path, default=ROOT / "out/zoo", help="checkpoints and reports")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--gguf-py", help="folder of llama.cpp's gguf package")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    ship(args.model, train(args.model, args), args)


if __name__ == "__main__":
    main()
