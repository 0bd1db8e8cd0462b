"""What the simulated account holds, read without the help of any peer."""

import base64
import json
import urllib.parse
import urllib.request

CHILDREN = (
    "applications",
    "notes",
    "offers",
    "interviews",
    "panels",
    "feedback",
    "resumes",
    "files",
    "forms",
    "referrals",
)


class Account:
    def __init__(self, base_url, key):
        self.base_url = base_url
        self.authorization = "Basic " + base64.b64encode(f"{key}:".encode()).decode()

    def all(self, path, **query):
        """Every record of a listing."""
        records = []
        while True:
            page = self._get(path, query)
            records.extend(page["data"])
            if not page.get("hasNext"):
                return records
            query["offset"] = page["next"]

    def children(self, parents, kind, root="opportunities"):
        """Every record of one kind under each of these."""
        return [child for parent in parents for child in self.all(f"/{root}/{parent['id']}/{kind}")]

    def _get(self, path, query):
        url = f"{self.base_url}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": self.authorization})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def compare(expected, seen):
    """Compares what the account holds with what a peer brought home, stream by stream; returns the complaints.

    A stream without a single record complains too: nothing would have been tried.
    """
    complaints = []
    for stream, records in sorted(expected.items()):
        wanted = sorted(identity(record) for record in records)
        got = sorted(set(identity(record) for record in seen.get(stream, [])))
        verdict = "ok" if wanted and wanted == got else "WRONG"
        print(f"  {stream:28} {len(wanted):6} in the account {len(got):6} read  {verdict}")
        if not wanted:
            complaints.append(f"{stream}: the account has none")
        elif wanted != got:
            complaints.append(f"{stream}: {len(wanted)} in the account, {len(got)} read")
    for stream in sorted(set(seen) - set(expected)):
        complaints.append(f"{stream}: nobody expected it")
    return complaints


def identity(record):
    return record.get("id") or record["text"]
