"""The SPDX 2.3 list of a package: every file with its hashes, and every part that was compiled in, linked or brought along,
with version, licence and where that is known from. Nothing is typed in here that the build or the system knows."""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess

# Debian's short names of licences whose SPDX name differs.
SPDX_NAMES = {"Expat": "MIT", "MPL2": "MPL-2.0", "BSD-3-clause": "BSD-3-Clause"}


def read_facts(build):
    with open(pathlib.Path(build) / "sbom.json", encoding="utf-8") as file:
        return json.load(file)


def debian_version(package):
    return subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def debian_licence(package):
    """The licence of `Files: *` in a machine-readable copyright file, if its name is SPDX's; else NOASSERTION."""
    text = pathlib.Path(f"/usr/share/doc/{package}/copyright").read_text(encoding="utf-8", errors="replace")
    match = re.search(r"^Files: *\*\s*$.*?^License: *(\S+)\s*$", text, re.MULTILINE | re.DOTALL)
    name = SPDX_NAMES.get(match[1], match[1]) if match else ""
    known = {"MIT", "MPL-2.0", "BSD-3-Clause", "Apache-2.0", "Zlib", "curl"}
    return name if name in known else "NOASSERTION"


def part(name, version, licence, origin, **more):
    return {"SPDXID": "SPDXRef-part-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
            "licenseDeclared": licence, "copyrightText": "NOASSERTION", "sourceInfo": origin, **more}


def debian_part(package, how):
    version = debian_version(package)
    return part(package, version, debian_licence(package), how,
                externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                               "referenceLocator": f"pkg:deb/debian/{package}@{version}"}])


def llama_part(llama):
    if llama["is_unpinned"]:
        return part("llama.cpp", "NOASSERTION", "MIT", "another version than the pinned one, given by hand")
    return part("llama.cpp", llama["version"], "MIT",
                f"commit {llama['commit']}; SHA-256 over the list of its files (cmake/llama_source.cmake): "
                f"{llama['tree_sha256']}; also shipped by npm's {llama['npm']}, SHA-512 {llama['npm_sha512']}")


def web_packages(web):
    """Names of the npm packages whose code is in the bundled scripts (web/build.mjs)."""
    with open(pathlib.Path(web) / "packages.json", encoding="utf-8") as file:
        return json.load(file)


def web_parts(source, web):
    with open(source / "web/package-lock.json", encoding="utf-8") as file:
        locked = json.load(file)["packages"]
    parts = []
    for name in web_packages(web):
        one = locked[f"node_modules/{name}"]
        parts.append(part(name, one["version"], one["license"], f"npm, integrity {one['integrity']}; in the scripts of report.html",
                          externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                         "referenceLocator": f"pkg:npm/{name.replace('@', '%40')}@{one['version']}"}]))
    return parts


def file_entry(root, path):
    data = path.read_bytes()
    name = "./" + path.relative_to(root).as_posix()
    return {"SPDXID": "SPDXRef-file-" + hashlib.sha1(name.encode()).hexdigest(), "fileName": name,
            "checksums": [{"algorithm": kind, "checksumValue": hashlib.new(kind, data).hexdigest()}
                          for kind in ("SHA1", "SHA256")],
            "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"}


def write(root, target, form, facts, headers, bundled, used, source):
    files = [file_entry(root, path) for path in sorted(root.rglob("*"))
             if path.is_file() and not path.is_symlink() and path != target]
    digest = hashlib.sha1("".join(sorted(one["checksums"][0]["checksumValue"] for one in files)).encode()).hexdigest()
    own = part("mascing", facts["version"], "MIT", f"compiled by {facts['compiler']}", filesAnalyzed=True,
               packageVerificationCode={"packageVerificationCodeValue": digest,
                                        "packageVerificationCodeExcludedFiles": ["./" + target.relative_to(root).as_posix()]},
               licenseInfoFromFiles=["NOASSERTION"])
    inside = [llama_part(facts["llama"]), *[debian_part(name, "compiled in from its headers") for name in headers]]
    if facts["web"]:
        inside += web_parts(source, facts["web"])
    brought = sorted(set(bundled.values()))
    inside += [debian_part(name, "its libraries are brought along: " +
                           ", ".join(file for file, package in bundled.items() if package == name)) for name in brought]
    needed = [debian_part(name, "linked, not shipped; version at build time") for name in used if name not in brought]
    relate = lambda kind, other: {"spdxElementId": own["SPDXID"], "relationshipType": kind, "relatedSpdxElement": other}
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": own["SPDXID"]}]
    relations += [relate("CONTAINS", one["SPDXID"]) for one in inside + files]
    relations += [relate("DEPENDS_ON", one["SPDXID"]) for one in needed]
    created = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"mascing-{facts['version']}-{form}",
        "documentNamespace": f"urn:mascing:spdx:{form}:{facts['version']}:{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: mascing-tools-pack-sbom"]},
        "packages": [own, *inside, *needed], "files": files, "relationships": relations}
    target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
