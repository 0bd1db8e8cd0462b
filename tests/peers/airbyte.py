"""Runs airbyte's declarative source over the manifest beside this file, with a key and through OAuth.

Usage: airbyte.py BASE_URL KEY
"""

import datetime
import json
import logging
import pathlib
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource

from account import CHILDREN, Account, compare
from reach import redirect

MANIFEST = str(pathlib.Path(__file__).with_name("lever.yaml"))
DAYS = 400
# The application that every simulator knows.
CLIENT = {
    "client_id": "fulcrum-simulator-client",
    "client_secret": "fulcrum-simulator-client-secret",
}


def messages(command, config, catalog=None):
    """What the source says to a command of the protocol."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [command]
        for name, document in (("config", config), ("catalog", catalog)):
            if document is not None:
                path = pathlib.Path(folder, f"{name}.json")
                path.write_text(json.dumps(document))
                arguments += [f"--{name}", str(path)]
        parsed = AirbyteEntrypoint.parse_args(arguments)
        configured = catalog and ConfiguredAirbyteCatalogSerializer.load(catalog)
        source = YamlDeclarativeSource(path_to_yaml=MANIFEST, catalog=configured, config=config)
        return [json.loads(line) for line in AirbyteEntrypoint(source).run(parsed)]


def discover(config):
    """The catalog of all streams, every one selected."""
    found = [it["catalog"] for it in messages("discover", config) if it["type"] == "CATALOG"]
    configured = [
        {
            "stream": stream,
            "sync_mode": stream["supported_sync_modes"][-1],
            "destination_sync_mode": "append",
        }
        for stream in found[0]["streams"]
    ]
    return {"streams": configured}


def read(config):
    """The records of each stream, and what went wrong."""
    catalog = discover(config)
    records = {stream["stream"]["name"]: [] for stream in catalog["streams"]}
    errors = []
    for message in messages("read", config, catalog):
        if message["type"] == "RECORD":
            records[message["record"]["stream"]].append(message["record"]["data"])
        elif message["type"] == "TRACE" and message["trace"]["type"] == "ERROR":
            errors.append(message["trace"]["error"]["message"])
    return records, errors


def expected(account, start):
    since = int(start.timestamp() * 1000)
    changed = account.all("/opportunities", updated_at_start=since)
    lists = (
        "archive_reasons",
        "feedback_templates",
        "form_templates",
        "postings",
        "requisitions",
        "sources",
        "stages",
        "tags",
        "users",
    )
    streams = {path: account.all(f"/{path}") for path in lists}
    streams |= {kind: account.children(changed, kind) for kind in CHILDREN}
    return streams | {"opportunities": changed}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def refresh_token(base_url):
    """What a customer's consent leads to."""
    root = base_url.removesuffix("/v1")
    query = {
        "client_id": CLIENT["client_id"],
        "redirect_uri": "https://example.com/callback",
        "response_type": "code",
        "audience": "https://api.lever.co/v1/",
        "scope": "users:read:admin stages:read:admin offline_access",
    }
    browser = urllib.request.build_opener(NoRedirect)
    try:
        browser.open(f"{root}/authorize?{urllib.parse.urlencode(query)}")
        raise RuntimeError("nothing was consented to")
    except urllib.error.HTTPError as redirect_answer:
        location = urllib.parse.urlparse(redirect_answer.headers["location"])
    form = CLIENT | {
        "grant_type": "authorization_code",
        "code": urllib.parse.parse_qs(location.query)["code"][0],
        "redirect_uri": query["redirect_uri"],
    }
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{root}/oauth/token", body) as answer:
        return json.load(answer)["refresh_token"]


def check(config):
    """Whether the source says that the connection works."""
    said = [it["connectionStatus"] for it in messages("check", config) if it["type"] == "CONNECTION_STATUS"]
    return [] if said and said[0]["status"] == "SUCCEEDED" else [f"check: {said}"]


def main(base_url, key):
    logging.disable(logging.INFO)
    redirect(base_url)
    now = datetime.datetime.now(datetime.timezone.utc)
    start = (now - datetime.timedelta(days=DAYS)).replace(microsecond=0)
    common = {"start_date": start.strftime("%Y-%m-%dT%H:%M:%SZ")}
    with_key = common | {"credentials": {"auth_type": "Api Key", "api_key": key}}
    with_oauth = common | {
        "credentials": CLIENT | {"auth_type": "Client", "refresh_token": refresh_token(base_url)}
    }
    complaints = check(with_oauth)
    records, errors = read(with_key)
    complaints += errors + compare(expected(Account(base_url, key), start), records)
    sys.exit("\n".join(complaints) or 0)


main(*sys.argv[1:])
