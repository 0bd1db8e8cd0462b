"""Starts what the Python checks need: interpreters with packages, the simulator, and the service."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

# A debug build on a busy machine opens its store within seconds.
STARTS_WITHIN_SECONDS = 60


def environment(requirements, home):
    """The interpreter that has the packages of a list; made when it is missing or the list has changed."""
    python = home / "bin" / "python"
    installed = home / "installed.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--requirement", requirements]
        subprocess.run(install, check=True)
        installed.write_text(requirements.read_text())
    return python


@contextlib.contextmanager
def simulator(binary, opportunities):
    """A simulator on a free port, its base URL and its key."""
    command = [binary, "sim", "--listen", "127.0.0.1:0", "--no-rate-limit"]
    command += ["--opportunities", str(opportunities)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        told = {}
        for line in process.stdout:
            for name in ("base URL", "key"):
                if line.startswith(name):
                    told[name] = line.removeprefix(name).strip()
            if len(told) == 2:
                break
        else:
            raise RuntimeError("the simulator did not start")
        yield told["base URL"], told["key"]
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def service(binary, settings):
    """The service on a free port and an empty data directory, and the address of its gRPC."""
    with tempfile.TemporaryDirectory() as home:
        log = pathlib.Path(home) / "log"
        command = [binary, "serve", "--data", pathlib.Path(home) / "data"]
        command += ["--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]
        with open(log, "w") as written:
            process = subprocess.Popen(
                command,
                env=os.environ | {"FULCRUM__LOG__FORMAT": "json"} | settings,
                stdout=subprocess.DEVNULL,
                stderr=written,
            )
        try:
            yield serving(process, log)
        finally:
            process.terminate()
            process.wait()


def serving(process, log):
    """Where gRPC is served, by what the log says."""
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while process.poll() is None and time.monotonic() < until:
        for line in log.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                said = json.loads(line)
                if said.get("message") == "serving":
                    return said["grpc"]
        time.sleep(0.05)
    raise RuntimeError(f"the service does not serve:\n{log.read_text()}")
