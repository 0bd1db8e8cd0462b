"""Power failures (P2): what was acknowledged is there after the disk was cut off at a random moment.

Where it may (root, loop devices), the store lives on an ext4 image; the writer is killed at a random moment, the image
is copied as it is then, mounted, and read. Elsewhere a library keeps, beside each file, what was made durable of it,
and that is read. Both are then done without the repair of sled's flush, which has to lose something: a test that
cannot fail proves nothing. Last, strace looks: no sync_file_range reaches the kernel, and the file of an upload and its
folder are made durable before anybody hears of it.

    python3 tests/power/run.py [--rounds N] [--model]
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Long enough for some hundred pages, in seconds.
SHORTEST, LONGEST = 0.3, 1.6
# Without the repair nearly every cut loses something, so a few are enough.
UNREPAIRED = 8


def build():
    """The store's test program, whose ignored tests write and verify."""
    # The whole workspace, as all tests are built: for one package cargo would choose other features.
    command = ["cargo", "test", "--workspace", "--no-run", "--message-format", "json"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    for line in output.splitlines():
        message = json.loads(line)
        of_store = "crates/store" in message.get("manifest_path", "")
        if message.get("executable") and of_store and message["target"]["name"] == "it":
            return message["executable"]
    sys.exit("cargo has built no test program of the store")


def compile_library(name, folder):
    library = folder / f"{name}.so"
    source = HERE / f"{name}.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    return library


def test(program, name, variables, **options):
    name = name if "::" in name else f"crash::{name}"
    command = [program, "--ignored", "--exact", name, "--nocapture"]
    environment = {**os.environ, **{key: str(value) for key, value in variables.items()}}
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, text=True, **options)


def write_until_cut(program, folder, variables, seconds, cut):
    """Writes pages into a store; after some seconds the process is killed and `cut` is called. Pages acknowledged."""
    writer = test(program, "writes_pages_until_it_is_killed",
                  {"FULCRUM_STORE_CRASH_FOLDER": folder, **variables}, stdout=subprocess.PIPE)
    acknowledged = [0]

    def listen():
        for line in writer.stdout:
            if "acknowledged " in line:
                acknowledged[0] = int(line.rsplit("acknowledged ", 1)[1])

    listener = threading.Thread(target=listen)
    listener.start()
    while acknowledged[0] == 0 and writer.poll() is None:
        time.sleep(0.005)
    time.sleep(seconds)
    writer.kill()
    cut()
    writer.wait()
    listener.join()
    return acknowledged[0]


def intact(program, folder, acknowledged):
    """Whether a store opens and holds what was acknowledged, each value right."""
    reader = test(program, "verifies_what_was_acknowledged",
                  {"FULCRUM_STORE_CRASH_FOLDER": folder, "FULCRUM_STORE_ACKNOWLEDGED": acknowledged},
                  stdout=subprocess.DEVNULL)
    return reader.wait() == 0


class Mounted:
    """An ext4 image, mounted."""

    def __init__(self, image, place):
        self.image, self.place = image, place

    def __enter__(self):
        self.place.mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", "loop", self.image, self.place], check=True)
        return self.place

    def __exit__(self, *_):
        subprocess.run(["umount", self.place], check=True)


def on_ext4(program, folder, variables, seconds):
    image, copy = folder / "disk.img", folder / "cut.img"
    for file in (image, copy):
        file.unlink(missing_ok=True)
    with open(image, "wb") as file:
        file.truncate(1 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    # What the block device has received by now is what the next start finds.
    cut = lambda: subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    with Mounted(image, folder / "before") as place:
        acknowledged = write_until_cut(program, place / "data", variables, seconds, cut)
    with Mounted(copy, folder / "after") as place:
        return intact(program, place / "data", acknowledged), acknowledged


def on_model(program, folder, variables, seconds, library):
    place, durable = folder / "data", folder / "durable"
    for old in (place, durable):
        shutil.rmtree(old, ignore_errors=True)
    durable.mkdir()
    repaired = "LD_PRELOAD" not in variables
    variables = {"LD_PRELOAD": library, "DURABLE_OF": place, "DURABLE_IN": durable,
                 "DURABLE_REPAIRED": "1" if repaired else ""}
    acknowledged = write_until_cut(program, place, variables, seconds, lambda: None)
    return intact(program, durable, acknowledged), acknowledged


def can_mount(folder):
    """Whether an image can be mounted here."""
    if os.geteuid() != 0:
        return False
    image = folder / "try.img"
    try:
        with open(image, "wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        with Mounted(image, folder / "try"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        image.unlink(missing_ok=True)


def rounds_of(how, program, folder, variables, count, chance, until_lost=False):
    lost, pages = 0, 0
    for number in range(count):
        sound, acknowledged = how(program, folder, variables, chance.uniform(SHORTEST, LONGEST))
        pages += acknowledged
        lost += not sound
        print(f"  cut {number + 1} of {count}: {acknowledged} pages acknowledged, "
              f"{'all there' if sound else 'LOST'}", flush=True)
        if lost and until_lost:
            break
    return lost, pages


def traced(program, folder, calls):
    """The program with these calls of the kernel written down, and where."""
    if not shutil.which("strace"):
        sys.exit("strace is needed to see what reaches the kernel: install it")
    log = folder / "strace"
    script = folder / "traced.sh"
    script.write_text(f'#!/bin/sh\nexec strace -f -y -o {log} -e trace={calls} {program} "$@"\n')
    script.chmod(0o700)
    return str(script), log


def kernel_calls(program, folder):
    """How often the kernel was asked for each, while pages were written."""
    script, log = traced(program, folder, "sync_file_range,fdatasync")
    writer = test(script, "writes_pages_until_it_is_killed",
                  {"FULCRUM_STORE_CRASH_FOLDER": folder / "traced"}, stdout=subprocess.PIPE, start_new_session=True)
    for line in writer.stdout:
        if "acknowledged 5" in line:
            break
    os.killpg(writer.pid, 9)
    writer.wait()
    said = log.read_text()
    return said.count("sync_file_range("), said.count("fdatasync(")


def upload_is_durable(program, folder):
    """Whether a file was synced, moved to its place and its folder synced, in this order, before it was acknowledged."""
    script, log = traced(program, folder, "fsync,rename,renameat,renameat2,write")
    place = folder / "upload"
    place.mkdir()
    test(script, "uploads::keeps_a_file_and_says_so", {"FULCRUM_STORE_CRASH_FOLDER": place}, stdout=subprocess.PIPE).communicate()
    order = [r"write\(\d+<[^>]*/uploads/[^>]*>, \"first", r"fsync\(\d+<[^>]*/uploads/[^>]+>", r"rename\w*\(.*/uploads/",
             r"fsync\(\d+<[^>]*/uploads>", r"write\(1<.*acknowledged 1"]
    return re.search(".*?".join(order), log.read_text(), re.DOTALL) is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25 if os.environ.get("FULCRUM_PROVE") == "long" else 5)
    parser.add_argument("--model", action="store_true", help="the model, even where an image can be mounted")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    program = build()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fulcrum-power-", dir=memory) as folder:
        folder = Path(folder)
        without = compile_library("without_repair", folder)
        chance = random.Random(arguments.seed)
        if not arguments.model and can_mount(folder):
            how, where = on_ext4, "copies of an ext4 image"
        else:
            library = compile_library("durable_only", folder)
            how = lambda *given: on_model(*given, library)
            where = "a model of what is durable"
        print(f"{where}; seed {arguments.seed}", flush=True)
        lost, pages = rounds_of(how, program, folder, {}, arguments.rounds, chance)
        print("without the repair of sled's flush, to see it fail:", flush=True)
        unrepaired, _ = rounds_of(how, program, folder, {"LD_PRELOAD": without}, UNREPAIRED, chance, until_lost=True)
        ranges, syncs = kernel_calls(program, folder)
        upload = upload_is_durable(program, folder)
    print(f"kernel calls while pages were written: {ranges} sync_file_range, {syncs} fdatasync")
    if lost or not pages:
        sys.exit(f"{lost} of {arguments.rounds} cuts lost what was acknowledged")
    if not unrepaired:
        sys.exit("nothing was lost without the repair either: the test sees nothing")
    if ranges or not syncs:
        sys.exit("sled's flush does not reach fdatasync")
    if not upload:
        sys.exit("an upload was acknowledged before its file was durable")
    print(f"proved P2: {arguments.rounds} runs; {where} cut at random moments, {pages} pages acknowledged")


if __name__ == "__main__":
    main()
