#!/usr/bin/env python3
"""Runs the command blocks of docs/reproduce.md, one after the other.

    tests/reproduce-page.py [--here] [--doubles] [--only TEXT] [--list] [--page FILE]

Every line that starts with "$ " in a ```console block is a command. The lists below name the
commands that do not run, with the reason, and the script prints both. All other commands run. A
pattern that matches no command of the page is an error: the lists stay true.

Without --here the commands run in a fresh clone of HEAD. --here runs them in this tree, with what
is built already, and leaves out what another step of `cargo xtask test` runs; so does CI.
--doubles runs `nix` as `cargo xtask nix --`, for machines that reach neither GitHub nor a binary
cache. Exit code: 0 when all commands succeed and at least one ran.
"""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Pattern of a command, and why it does not run.
NOT_RUN = [
    (r"^git clone", "this script makes the clone"),
    (r"NAME\.json", "names a release"),
    (r"^sudo ", "changes the machine"),
    (r"^nix key |^nix store sign|^nix copy", "wants a cache of one's own"),
    (r"^nix flake init -t github:", "the check `example` builds the template"),
]
# With --doubles.
NOT_WITH_DOUBLES = [
    (r"^docker ", "wants Docker; the step `tests` builds with it"),
    (r"^cargo xtask eif --from", "reads the image that Docker saved"),
]
# With --here.
NOT_HERE = [
    (r"mktemp -d", "builds everything twice; the step `rebuild` builds in other surroundings"),
    (r"flake check", "the steps of `cargo xtask test` run its checks"),
    (r"--rebuild$", "builds everything twice; the step `nix` compares with the sum of the cargo build"),
    (r"^nix build \.#reproducers", "compiles the kernel; the step `reproduce` runs the same recipe"),
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


def exceptions(here, doubles):
    return NOT_RUN + (NOT_WITH_DOUBLES if doubles else []) + (NOT_HERE if here else [])


def stale(found, patterns):
    """The patterns that match no command."""
    return [
        pattern
        for pattern, _ in patterns
        if not any(re.search(pattern, command) for _, command in found)
    ]


def reason(command, patterns):
    for pattern, why in patterns:
        if re.search(pattern, command):
            return why
    return None


def in_target_directory(command, environment):
    """The command with the place of build results that CARGO_TARGET_DIR names."""
    target = environment.get("CARGO_TARGET_DIR")
    if not target:
        return command
    return re.sub(r"\btarget/", lambda _: shlex.quote(target.rstrip("/")) + "/", command)


def shim(folder):
    """A program `nix` that goes through the test doubles."""
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


def run(found, patterns, arguments, clone, environment):
    """Runs the commands; the lines of those that failed, and how many ran."""
    failed = []
    ran = 0
    for number, command in found:
        place = f"{arguments.page.name}:{number}"
        if arguments.only and arguments.only not in command:
            continue
        why = reason(command, patterns)
        if why:
            print(f"{place}: not run ({why}): {command}", flush=True)
            continue
        print(f"{place}: {command}", flush=True)
        ran += 1
        if arguments.list:
            continue
        script = in_target_directory(command, environment)
        # A pipe fails when any of its programs does.
        result = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script], cwd=clone, env=environment
        )
        if result.returncode != 0:
            print(f"{place}: FAILED ({result.returncode}): {command}", flush=True)
            failed.append(number)
    return failed, ran


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--here", action="store_true", help="in this tree, not in a fresh clone")
    parser.add_argument("--doubles", action="store_true", help="with test doubles of the inputs")
    parser.add_argument("--only", metavar="TEXT", help="only commands that contain TEXT")
    parser.add_argument("--list", action="store_true", help="say what would run, and run nothing")
    parser.add_argument(
        "--page", metavar="FILE", type=pathlib.Path, help="another page than docs/reproduce.md"
    )
    arguments = parser.parse_args()
    own = arguments.page is None
    arguments.page = arguments.page or ROOT / "docs/reproduce.md"

    found = list(commands(arguments.page.read_text()))
    if not found:
        sys.exit(f"{arguments.page} has no commands")
    patterns = exceptions(arguments.here, arguments.doubles)
    for pattern in stale(found, patterns) if own else []:
        sys.exit(f"{arguments.page} has no command that matches {pattern!r}; take it off the list")

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        environment = dict(os.environ)
        place = ROOT
        if not arguments.here and not arguments.list:
            place = folder / "letsesign-enclave"
            subprocess.run(["git", "clone", "--quiet", ROOT, place], check=True)
            # The clone builds for itself.
            environment.pop("CARGO_TARGET_DIR", None)
        if arguments.doubles and not arguments.list:
            tools = folder / "bin"
            tools.mkdir()
            shim(tools)
            environment["PATH"] = f"{tools}:{environment['PATH']}"
            # nix builds before the page says so.
            prefetch = ["cargo", "xtask", "prefetch", "crates"]
            subprocess.run(prefetch, cwd=place, env=environment, check=True)
        failed, ran = run(found, patterns, arguments, place, environment)
    if failed:
        sys.exit(f"{len(failed)} of {ran} commands failed, in lines {failed}")
    if ran == 0:
        sys.exit(f"no command of {arguments.page} ran")
    print(f"{ran} of {len(found)} commands {'would run' if arguments.list else 'succeeded'}")


main()
