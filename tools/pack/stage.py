#!/usr/bin/env python3
"""Completes the folder that CPack is about to pack (cmake/pack_stage.cmake):
libraries without symbols, the tarball's further libraries, licences, compressed man pages, Debian's changelog, SPDX list.

    stage.py tgz|deb FOLDER SOURCE BUILD
"""
import datetime
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys

import sbom

# Compiled in from headers; their licences travel with the program.
HEADERS = ["libcli11-dev", "libeigen3-dev", "libtomlplusplus-dev", "nlohmann-json3-dev"]


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def package_of(path):
    """The Debian package that a library of this system belongs to."""
    tried = {path, os.path.realpath(path)}
    tried |= {"/usr" + one for one in tried if one.startswith("/lib")}
    tried |= {one[4:] for one in tried if one.startswith("/usr/lib")}
    for one in sorted(tried):
        found = subprocess.run(["dpkg-query", "-S", one], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    sys.exit(f"stage: error: no Debian package owns {path}; packages are made on Debian or Ubuntu")


def needed_libraries(root):
    """Paths of what program and modules load from this system, those of glibc left out, by package."""
    libraries = {}
    for binary in [root / "bin/mascing", *sorted((root / "lib/mascing").iterdir())]:
        for line in run("ldd", str(binary)).splitlines():
            match = re.match(r"\s*(\S+) => (/\S+)", line)
            if not match and "not found" in line:
                sys.exit(f"stage: error: {binary.name}: {line.strip()}")
            if match and not match[2].startswith(str(root)):
                libraries[match[1]] = match[2]
    by_name = {name: (path, package_of(path)) for name, path in sorted(libraries.items())}
    return {name: found for name, found in by_name.items() if found[1] != "libc6"}


def bundle(root):
    """Copies them beside libllama, where the program's RPATH finds them; returns {file: package}."""
    bundled = {}
    for name, (path, package) in needed_libraries(root).items():
        target = root / "lib/mascing" / name
        shutil.copyfile(os.path.realpath(path), target)
        target.chmod(0o644)
        bundled[f"lib/mascing/{name}"] = package
    return bundled


def write_licences(doc, source, llama, packages, web):
    folder = doc / "licenses"
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        shutil.copyfile(f"/usr/share/doc/{package}/copyright", folder / f"{package}.txt")
    shutil.copyfile(llama / "LICENSE", folder / "llama.cpp.txt")
    for path in [*llama.glob("licenses/LICENSE-*"), *llama.glob("vendor/cpp-httplib/LICENSE*")]:
        shutil.copyfile(path, folder / f"llama.cpp-{path.parent.name}-{path.name}.txt")
    if web:
        for name in sbom.web_packages(web):
            text, = (pathlib.Path(web) / "node_modules" / name).glob("LICENSE*")
            shutil.copyfile(text, folder / (name.replace("@", "").replace("/", "-") + ".txt"))
    mit = (source / "LICENSE").read_text(encoding="utf-8").splitlines()
    body = "\n".join(" " + (line or ".") for line in mit[4:])
    text = f"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: mascing
Comment: What is compiled or linked in has licences of its own, in the folder
 licenses beside this file; mascing.spdx.json names each part with its version.

Files: *
Copyright: 2026 The mascing authors
License: Expat

License: Expat
{body}
"""
    (doc / "copyright").write_text(text, encoding="utf-8")


def compress(path):
    """As `gzip -9n`: without name and time, so that the same content gives the same bytes."""
    with open(str(path) + ".gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
        out.write(path.read_bytes())
    path.unlink()


def write_changelogs(doc, source, facts):
    date = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    (doc / "changelog").write_bytes((source / "CHANGELOG.md").read_bytes())
    (doc / "changelog.Debian").write_text(
        f"mascing ({facts['version']}-1) unstable; urgency=medium\n\n  * See changelog.gz.\n\n"
        f" -- {facts['maintainer']}  {date.strftime('%a, %d %b %Y %H:%M:%S +0000')}\n", encoding="utf-8")
    compress(doc / "changelog")
    compress(doc / "changelog.Debian")


def main():
    form, folder, source, build = sys.argv[1], *map(pathlib.Path, sys.argv[2:5])
    root = folder / "usr" if form == "deb" else folder
    facts = sbom.read_facts(build)
    llama = pathlib.Path(facts["llama"]["folder"])
    doc = root / "share/doc/mascing"
    for path in sorted((root / "lib/mascing").iterdir()):
        run("strip", "--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", str(path))
        path.chmod(0o644)
    bundled = bundle(root) if form == "tgz" else {}
    used = sorted({found[1] for found in needed_libraries(root).values()})
    write_licences(doc, source, llama, [*HEADERS, *sorted(set(bundled.values()))], facts["web"])
    if form == "deb":
        for page in sorted((root / "share/man").rglob("*.1")):
            compress(page)
        write_changelogs(doc, source, facts)
    for path in root.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
        elif path.parent.name != "bin":
            path.chmod(0o644)
    sbom.write(root, doc / "mascing.spdx.json", form, facts, HEADERS, bundled, used, source)
    (doc / "mascing.spdx.json").chmod(0o644)


if __name__ == "__main__":
    main()
