"""Runs tap-lever over some of its streams, and says on standard error how many CPU seconds the reading took.

Usage: tap.py BASE_URL KEY STREAM...

Only the host is replaced, in `requests`; the log, which costs it time, is off. It begins 30 days ago, since it asks
for each day by itself: a year of empty days would only make it slower.
"""

import contextlib
import datetime
import io
import json
import logging
import resource
import sys
import types

import requests
import singer
from tap_lever import LeverRunner
from tap_lever.client import LeverClient
from tap_lever.streams import AVAILABLE_STREAMS

LEVER = "https://api.lever.co/v1"
DAYS = 30


def redirect(base_url):
    send = requests.Session.send

    def send_to_simulator(session, request, **arguments):
        if not request.url.startswith(LEVER):
            raise RuntimeError(f"a call that is not for Lever: {request.url}")
        request.url = base_url + request.url.removeprefix(LEVER)
        return send(session, request, **arguments)

    requests.Session.send = send_to_simulator


def runner(key, catalog):
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=DAYS)
    config = {"token": key, "start_date": start.isoformat()}
    arguments = types.SimpleNamespace(config=config, state={}, catalog=catalog)
    return LeverRunner(arguments, LeverClient(config), AVAILABLE_STREAMS)


def discover(key, streams):
    """The catalog with these streams selected."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runner(key, None).do_discover()
    catalog = json.loads(printed.getvalue())
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["stream"] in streams
    return singer.Catalog.from_dict(catalog)


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(base_url, key, *streams):
    logging.disable(logging.INFO)
    redirect(base_url)
    catalog = discover(key, streams)
    before = used()
    runner(key, catalog).do_sync()
    print(used() - before, file=sys.stderr)


main(*sys.argv[1:])
