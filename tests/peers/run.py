"""Runs Lever clients that we did not write against the simulator: tap-lever and airbyte's declarative source.

Usage: run.py FULCRUM_BINARY FOLDER

FOLDER keeps the two virtual environments between runs; the packages come from PyPI, in pinned versions.
Not part of CI: it needs the network the first time.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("tap", "airbyte")
# Enough that the lists of opportunities have several pages.
OPPORTUNITIES = "500"


def environment(peer, folder):
    """The interpreter that has a peer's packages; made when it is missing or the list has changed."""
    home = folder / peer
    python, requirements = home / "bin" / "python", HERE / f"{peer}.txt"
    installed = home / "installed.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--requirement", requirements]
        subprocess.run(install, check=True)
        installed.write_text(requirements.read_text())
    return python


def start_simulator(binary):
    """A simulator on a free port, its base URL and its key."""
    command = [binary, "sim", "--listen", "127.0.0.1:0", "--no-rate-limit"]
    command += ["--opportunities", OPPORTUNITIES]
    simulator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    told = {}
    for line in simulator.stdout:
        for name in ("base URL", "key"):
            if line.startswith(name):
                told[name] = line.removeprefix(name).strip()
        if len(told) == 2:
            return simulator, told["base URL"], told["key"]
    raise RuntimeError("the simulator did not start")


def main(binary, folder):
    pythons = {peer: environment(peer, pathlib.Path(folder)) for peer in PEERS}
    failed = []
    for peer, python in pythons.items():
        simulator, base_url, key = start_simulator(binary)
        try:
            print(f"{peer}:", flush=True)
            ran = subprocess.run([python, "-B", HERE / f"{peer}.py", base_url, key])
        finally:
            simulator.terminate()
            simulator.wait()
        if ran.returncode != 0:
            failed.append(peer)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


main(*sys.argv[1:])
