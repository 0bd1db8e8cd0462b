"""Runs Lever clients that we did not write against the simulator: tap-lever and airbyte's declarative source.

Usage: run.py FULCRUM_BINARY FOLDER

FOLDER keeps the two virtual environments between runs; the packages come from PyPI, in pinned versions.
Not part of CI: it needs the network the first time.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

import programs  # noqa: E402: found only now

PEERS = ("tap", "airbyte")
# Enough that the lists of opportunities have several pages.
OPPORTUNITIES = 500


def main(binary, folder):
    folder = pathlib.Path(folder)
    pythons = {peer: programs.environment(HERE / f"{peer}.txt", folder / peer) for peer in PEERS}
    failed = []
    for peer, python in pythons.items():
        with programs.simulator(binary, OPPORTUNITIES) as (base_url, key):
            print(f"{peer}:", flush=True)
            ran = subprocess.run([python, "-B", HERE / f"{peer}.py", base_url, key])
        if ran.returncode != 0:
            failed.append(peer)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


main(*sys.argv[1:])
