"""Runs the command and sees that it ends as it should."""

import os
import pathlib
import resource
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("SOFT_LABELS", str(ROOT / "target/release/soft-labels"))
# Whoever takes longer with files of a few bytes hangs.
SECONDS = 60


class Failure(Exception):
    """What was found, with what it takes to see it again."""


def run(arguments, folder, limit=None, codes=(0, 1, 2)):
    """Runs the command under a limit of memory in MB. What it does wrong is an exception."""

    def before():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit << 20, limit << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    said = f"{arguments} in {folder}, limit {limit} MB"
    try:
        done = subprocess.run(
            [COMMAND, *arguments], cwd=folder, capture_output=True, timeout=SECONDS, preexec_fn=before, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"hangs: {said}") from None
    errors = done.stderr.decode(errors="replace")
    if done.returncode not in codes:
        raise Failure(f"ends with {done.returncode}: {said}: {errors[-300:]}")
    if "a bug of soft-labels" in errors or "panicked" in errors:
        raise Failure(f"panics: {said}: {errors[-300:]}")
    if done.returncode == 2 and not errors.splitlines()[-1:][0].startswith("soft-labels: "):
        raise Failure(f"says nothing: {said}: {errors[-300:]}")
    if any(byte < 32 and byte not in b"\n\t" for byte in done.stdout + done.stderr):
        raise Failure(f"steers the terminal: {said}")
    return done
