"""Writes all architectures with random weights as checkpoints and GGUF files, to test the way to llama.cpp before any
training.

usage: random_models.py FOLDER [--type q8_0] [NAME ...]
"""
import argparse
import subprocess
import sys
from pathlib import Path

import torch

from architectures import build
from check_kernels import perturb
from configs import CONFIGS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--type", help="default: as shipped")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.names or CONFIGS:
        torch.manual_seed(5)
        checkpoint, output = args.folder / f"{name}.pt", args.folder / f"{name}.gguf"
        torch.save({"architecture": name, "config": {}, "state": perturb(build(name)).state_dict()}, checkpoint)
        subprocess.run([sys.executable, Path(__file__).parent / "export_gguf.py", checkpoint, output, "--name", f"random {name}",
                        "--description", "random weights", *(["--type", args.type] if args.type else [])], check=True)
        print(f"{output}: {output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
