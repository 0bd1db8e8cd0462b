"""Runs the Python client against the service and the simulator.

Usage: run.py FULCRUM_BINARY FOLDER

FOLDER keeps the virtual environment between runs; grpcio and grpcio-tools come from PyPI, in pinned versions.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "python"))

import programs  # noqa: E402: found only now

# Enough that a hundred of them have an address of their own.
OPPORTUNITIES = 300
SETTINGS = {
    # The simulator is not one of Lever's regions.
    "FULCRUM__LEVER__ALLOW_BASE_URL": "true",
    "FULCRUM__LEVER__REQUESTS_PER_SECOND": "1000",
    "FULCRUM__LEVER__BURST": "1000",
    # Whoever applies is seen soon.
    "FULCRUM__PULL__OPPORTUNITIES_INTERVAL": "1s",
}


def main(binary, folder):
    python = programs.environment(HERE / "requirements.txt", pathlib.Path(folder) / "client")
    with programs.simulator(binary, OPPORTUNITIES) as (base_url, key):
        with programs.service(binary, SETTINGS) as address:
            client = [python, "-B", HERE / "client.py", address, base_url, key]
            sys.exit(subprocess.run(client).returncode)


main(*sys.argv[1:])
