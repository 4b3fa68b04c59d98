#!/usr/bin/env python3
"""Runs the command blocks of docs/reproduce.md in a fresh clone, one after the other.

    tests/reproduce-page.py [--stand-ins] [--only TEXT] [--list]

Every line that starts with "$ " in a ```console block is a command. What cannot run on every machine
is named in NOT_RUN with the reason, and printed; a command that is neither run nor named there does not
exist. --stand-ins runs `nix` as `cargo xtask nix --`, for machines that reach neither GitHub nor a
binary cache. Exit code: 0 when all commands succeed.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reproduce.md"

# Pattern of a command, and why it is not run.
NOT_RUN = [
    (r"^git clone", "the clone is what this script makes"),
    (r"NAME", "names a release"),
    (r"^sudo ", "changes the machine"),
    (r"^nix key |^nix store sign|^nix copy", "wants a cache of one's own"),
    (r"^nix flake init -t github:", "the template is built by the check `example`"),
]
# With --stand-ins.
NOT_WITH_STAND_INS = [
    (r"^docker ", "wants Docker; the step `tests` takes this way"),
    (r"^cargo xtask (image|eif --from)", "belongs to Docker"),
]


def commands(text):
    """The commands of the page, in order, with the number of their line."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            command = re.sub(r"\s{2,}#.*$", "", line[2:])
            yield number, command


def reason(command, stand_ins):
    for pattern, why in NOT_RUN + (NOT_WITH_STAND_INS if stand_ins else []):
        if re.search(pattern, command):
            return why
    return None


def shim(folder):
    """A program `nix` that goes through the stand-ins."""
    real = shutil.which("nix")
    if real is None:
        sys.exit("Nix is not installed (on Debian: apt-get install nix-bin)")
    path = folder / "nix"
    # xtask itself calls nix: it must find the real one.
    path.write_text(
        "#!/bin/sh\n"
        f'PATH=${{PATH#{folder}:}}\nexport PATH\nexec cargo xtask nix -- "$@"\n'
    )
    path.chmod(0o755)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stand-ins", action="store_true")
    parser.add_argument("--only", metavar="TEXT", help="only commands that contain TEXT")
    parser.add_argument("--list", action="store_true", help="say what would run, and run nothing")
    arguments = parser.parse_args()

    found = list(commands(PAGE.read_text()))
    if not found:
        sys.exit(f"{PAGE} has no commands")
    failed = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        clone = folder / "letsesign-enclave"
        environment = dict(os.environ)
        if not arguments.list:
            subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        if arguments.stand_ins:
            tools = folder / "bin"
            tools.mkdir()
            shim(tools)
            environment["PATH"] = f"{tools}:{environment['PATH']}"
            if not arguments.list:
                prefetch = ["cargo", "xtask", "prefetch"]
                subprocess.run(prefetch, cwd=clone, env=environment, check=True)
        for number, command in found:
            if arguments.only and arguments.only not in command:
                continue
            why = reason(command, arguments.stand_ins)
            if why:
                print(f"{PAGE.name}:{number}: not run ({why}): {command}", flush=True)
                continue
            print(f"{PAGE.name}:{number}: {command}", flush=True)
            if arguments.list:
                continue
            result = subprocess.run(["bash", "-ec", command], cwd=clone, env=environment)
            if result.returncode != 0:
                print(f"{PAGE.name}:{number}: FAILED ({result.returncode}): {command}", flush=True)
                failed.append(number)
    if failed:
        sys.exit(f"{len(failed)} of {len(found)} commands failed, in lines {failed}")


main()
