"""Fills a small disk under a running service, and shows that nothing acknowledged is lost (P4).

Usage: run.py FULCRUM_BINARY

Needs root, to mount a file system of 200 MB: ext4 in a file where there are loop devices, else a tmpfs.
Fails with a message where neither can be mounted.

Two rounds: one with floors, as in operation, where writes are refused in time; one without, where sled itself meets the
full disk and the service has to end by itself.
"""

import base64
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

import programs  # noqa: E402: found only now

SIZE_MB = 200
OPPORTUNITIES = 40
WRITERS = 4
REFUSED_STARTS = 20
READS = 20
# Less than a write needs, and more than what is on its way when that is noticed.
BELOW_THE_FLOOR_MB = 24
# Long enough for a busy machine; nothing waits for it to pass.
PATIENCE_SECONDS = 180

SETTINGS = {
    "FULCRUM__LEVER__ALLOW_BASE_URL": "true",
    "FULCRUM__LEVER__REQUESTS_PER_SECOND": "1000",
    "FULCRUM__LEVER__BURST": "1000",
    "FULCRUM__STORE__CACHE_SIZE": "32MB",
    "FULCRUM__STORE__OPEN_MIN_FREE": "16MB",
    "FULCRUM__STORE__SNAPSHOT_INTERVAL": "1s",
    "FULCRUM__PUSH__SETTLE": "500ms",
}
WITH_FLOORS = SETTINGS | {
    "FULCRUM__STORE__WRITE_MIN_FREE": "32MB",
    "FULCRUM__STORE__BACKFILL_MIN_FREE": "48MB",
    "FULCRUM__STORE__RESERVE_SIZE": "8MB",
}
WITHOUT_FLOORS = SETTINGS | {
    "FULCRUM__STORE__WRITE_MIN_FREE": "0B",
    "FULCRUM__STORE__BACKFILL_MIN_FREE": "0B",
    "FULCRUM__STORE__RESERVE_SIZE": "0B",
}


class Failed(Exception):
    """What was promised did not hold."""


def expect(holds, otherwise):
    if not holds:
        raise Failed(otherwise)


def until(what, found):
    """Waits until something is found, and gives it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(0.05)
    raise Failed(f"waited in vain: {what}")


@contextlib.contextmanager
def volume(home):
    """A mounted file system of its own."""
    place = home / "volume"
    place.mkdir()
    kind = mount_ext4(home, place) or mount_tmpfs(place)
    if kind is None:
        sys.exit("neither a loop device nor a tmpfs can be mounted here: run this as root on a machine that lets you")
    try:
        yield place, kind
    finally:
        subprocess.run(["umount", "--lazy", place], check=False)


def mount_ext4(home, place):
    image = home / "disk.img"
    with open(image, "wb") as file:
        file.truncate(SIZE_MB << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], capture_output=True)
    if made.returncode != 0:
        return None
    mounted = subprocess.run(["mount", "-o", "loop", image, place], capture_output=True)
    return "ext4 on a loop device" if mounted.returncode == 0 else None


def mount_tmpfs(place):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", place], capture_output=True)
    return "tmpfs" if mounted.returncode == 0 else None


def free_mb(place):
    stat = os.statvfs(place)
    return stat.f_bavail * stat.f_frsize >> 20


class Service:
    """The service on the small disk, and the commands that ask it."""

    def __init__(self, binary, settings, place, home):
        self.binary, self.settings, self.place = binary, settings, place
        self.log = home / "log"
        self.process = None
        self.address = None

    def command(self):
        return [self.binary, "serve", "--data", self.place / "data", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]

    def environment(self):
        return os.environ | {"FULCRUM__LOG__FORMAT": "json"} | self.settings

    def start(self):
        with open(self.log, "w") as written:
            self.process = subprocess.Popen(
                self.command(), env=self.environment(), stdout=subprocess.DEVNULL, stderr=written
            )
        self.address = programs.serving(self.process, self.log)

    def refused_start(self):
        """Starts it where it must not start; gives what it says."""
        ended = subprocess.run(self.command(), env=self.environment(), capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        expect(ended.returncode == 1, f"a start on a full disk ended with {ended.returncode}: {ended.stderr}")
        return ended.stderr

    def ask(self, *arguments, key=None):
        """Runs a client command; gives its exit code, its answer, and what it says of an error."""
        command = [self.binary, *arguments, "--json", "--server", f"http://{self.address}"]
        environment = os.environ | ({"FULCRUM_LEVER_KEY": key} if key else {})
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        answer = json.loads(ended.stdout) if ended.returncode == 0 and ended.stdout else None
        return ended.returncode, answer, ended.stderr

    def answer(self, *arguments, key=None):
        code, answer, said = self.ask(*arguments, key=key)
        expect(code == 0, f"{' '.join(map(str, arguments))} failed: {said}")
        return answer

    def lives(self):
        return self.process.poll() is None

    def end(self, how):
        if self.lives():
            self.process.send_signal(how)
        return self.process.wait(timeout=PATIENCE_SECONDS)


class Load:
    """People who write notes, and keep what was acknowledged."""

    def __init__(self, service, opportunities):
        self.service, self.opportunities = service, opportunities
        self.acknowledged, self.refused = [], 0
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.write, args=(number,)) for number in range(WRITERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def write(self, writer):
        number = 0
        while not self.stop.is_set():
            number += 1
            name = f"note-{writer}-{number}"
            opportunity = self.opportunities[(writer + number) % len(self.opportunities)]
            text = f"{name} " + "x" * 2000
            code, answer, _said = self.service.ask(
                "write", "note", opportunity, text, "--request-id", name, "--wait", "0s"
            )
            with self.lock:
                if code == 0:
                    self.acknowledged.append((answer["id"], name, opportunity))
                else:
                    self.refused += 1


def fill(place, leave_mb):
    """Takes the room that is left, but for so much."""
    with open(place / "ballast", "ab") as file:
        for piece in (1 << 20, 64 << 10, 4096):
            with contextlib.suppress(OSError):
                while free_mb(place) > leave_mb or leave_mb == 0:
                    file.write(os.urandom(4096) * (piece // 4096))
                    file.flush()


def notes_in_lever(base_url, key, opportunity):
    credentials = base64.b64encode(f"{key}:".encode()).decode()
    texts, offset = [], None
    while True:
        url = f"{base_url}/opportunities/{opportunity}/notes?limit=100" + (f"&offset={offset}" if offset else "")
        request = urllib.request.Request(url, headers={"Authorization": f"Basic {credentials}"})
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        texts += [field["value"].split(" ")[0] for note in page["data"] for field in note["fields"]]
        if not page.get("hasNext"):
            return texts
        offset = page["next"]


def check_reads_go_on(service, load):
    before = load.refused
    until("writes are refused", lambda: load.refused >= before + 5 * WRITERS)
    for _ in range(READS):
        service.answer("op", "show", load.acknowledged[0][0])
        service.answer("inbound", "--limit", "1")
    expect(service.lives(), "the service ended though it had only to refuse writes")


def check_nothing_is_lost(service, load, base_url, key):
    def settled(operation):
        state = service.answer("op", "show", operation)["state"]
        return state.endswith("SUCCEEDED") or (not state.endswith(("RECORDED", "SENDING")) and Failed(state))

    for operation, name, _opportunity in load.acknowledged:
        came = until(f"the write {name} settles", lambda: settled(operation))
        expect(came is True, f"the write {name} ended as {came}")
    written = {one: notes_in_lever(base_url, key, one) for one in load.opportunities}
    for _operation, name, opportunity in load.acknowledged:
        count = written[opportunity].count(name)
        expect(count == 1, f"the note {name} is in Lever {count} times")


def round_of(binary, settings, ends_by_itself):
    with tempfile.TemporaryDirectory() as home, programs.simulator(binary, OPPORTUNITIES) as (base_url, key):
        home = pathlib.Path(home)
        with volume(home) as (place, kind):
            service = Service(binary, settings, place, home)
            try:
                return run(service, place, kind, base_url, key, ends_by_itself)
            except Failed:
                print(service.log.read_text()[-4000:], file=sys.stderr)
                raise
            finally:
                if service.process:
                    service.end(signal.SIGKILL)


def run(service, place, kind, base_url, key, ends_by_itself):
    service.start()
    service.answer("connect", "--name", "Acme", "--base-url", base_url, key=key)
    until("the mirror is synced", lambda: service.answer("status")["state"].endswith("SYNCED"))
    people = service.answer("inbound", "--limit", "10")["applicants"]
    people = [person["opportunityId"] for person in people]
    with Load(service, people) as load:
        until("some writes are acknowledged", lambda: len(load.acknowledged) >= 100)
        if ends_by_itself:
            fill(place, 0)
            until("the service ends by itself", lambda: not service.lives())
        else:
            for leave_mb in (BELOW_THE_FLOOR_MB, 0):
                fill(place, leave_mb)
                check_reads_go_on(service, load)
    code = service.end(signal.SIGKILL)
    if ends_by_itself:
        expect(code == 1, f"the service ended with {code} on a full disk")
    free = free_mb(place)
    for _ in range(REFUSED_STARTS):
        said = service.refused_start()
        expect("MB are free at" in said or "disk is full" in said, f"a start was refused for another reason: {said}")
    (place / "ballast").unlink()
    service.start()
    check_nothing_is_lost(service, load, base_url, key)
    service.answer("write", "note", people[0], "afterwards")
    expect(service.end(signal.SIGTERM) == 0, "the service did not stop well")
    checked = subprocess.run(
        [service.binary, "store", "check", "--data", place / "data"],
        env=service.environment(), capture_output=True, text=True,
    )
    expect(checked.returncode == 0, f"the store is not sound: {checked.stdout}{checked.stderr}")
    return kind, free, len(load.acknowledged), load.refused


def main(binary):
    if os.geteuid() != 0:
        sys.exit("this needs root, to mount a small file system")
    binary = pathlib.Path(binary).resolve()
    rounds = [("with floors", WITH_FLOORS, False), ("without floors", WITHOUT_FLOORS, True)]
    try:
        all_acknowledged = 0
        for name, settings, ends_by_itself in rounds:
            kind, free, acknowledged, refused = round_of(binary, settings, ends_by_itself)
            all_acknowledged += acknowledged
            print(
                f"{name}: {kind}, {free} MB left when full, {acknowledged} writes acknowledged, {refused} not, "
                f"{REFUSED_STARTS} starts refused, 0 lost"
            )
    except Failed as failure:
        sys.exit(f"P4 does not hold: {failure}")
    print(f"proved P4: {len(rounds)} runs; a disk of {SIZE_MB} MB filled, {all_acknowledged} writes acknowledged")


main(*sys.argv[1:])
