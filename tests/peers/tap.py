"""Runs tap-lever through all its streams against the simulator.

Usage: tap.py BASE_URL KEY
"""

import contextlib
import datetime
import io
import json
import logging
import sys
import types

import singer
from tap_lever import LeverRunner
from tap_lever.client import LeverClient
from tap_lever.streams import AVAILABLE_STREAMS

from account import Account, compare
from reach import redirect

DAYS = 400


def runner(key, start, catalog):
    arguments = types.SimpleNamespace(
        config={"token": key, "start_date": start.isoformat()}, state={}, catalog=catalog
    )
    return LeverRunner(arguments, LeverClient(arguments.config), AVAILABLE_STREAMS)


def output(work):
    """What the work prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        work()
    return printed.getvalue()


def discover(key, start):
    """The catalog of all streams, every one selected."""
    catalog = json.loads(output(runner(key, start, None).do_discover))
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = True
    return singer.Catalog.from_dict(catalog)


def sync(key, start):
    """The records of each stream."""
    printed = output(runner(key, start, discover(key, start)).do_sync)
    records = {}
    for line in printed.splitlines():
        message = json.loads(line)
        if message["type"] == "SCHEMA":
            records.setdefault(message["stream"], [])
        elif message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
    return records


def expected(account, start):
    since = int(start.timestamp() * 1000)
    changed = account.all("/opportunities", updated_at_start=since)
    streams = {
        path: account.all(f"/{path}")
        for path in ("archive_reasons", "postings", "sources", "stages", "users")
    }
    streams["requisitions"] = account.all("/requisitions", created_at_start=since)
    for kind in ("applications", "offers", "referrals", "resumes"):
        children = account.children(changed, kind)
        streams[f"opportunity_{kind}"] = children
        streams[f"candidate_{kind}"] = children
    return streams | {"opportunities": changed, "candidates": changed}


def main(base_url, key):
    logging.disable(logging.INFO)
    redirect(base_url)
    now = datetime.datetime.now(datetime.timezone.utc)
    start = now - datetime.timedelta(days=DAYS)
    complaints = compare(expected(Account(base_url, key), start), sync(key, start))
    sys.exit("\n".join(complaints) or 0)


main(*sys.argv[1:])
