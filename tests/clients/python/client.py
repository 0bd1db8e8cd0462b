"""A client in Python, written from the protos alone: links an account, changes its stage mapping, looks people up,
and watches somebody apply.

Usage: client.py SERVICE_ADDRESS LEVER_BASE_URL LEVER_KEY

Both must be running, Lever being the simulator. Ends with a traceback at the first answer that is not as expected.
"""

import importlib
import json
import pathlib
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import grpc
import grpc_tools.protoc

PROTOS = pathlib.Path(__file__).resolve().parents[3] / "proto"
# Nothing here takes as long; a hang becomes an error.
PATIENCE_SECONDS = 120
PEOPLE = 100


def generate(folder):
    """Makes the stubs of every proto, and lets them be imported."""
    files = [str(path.relative_to(PROTOS)) for path in sorted(PROTOS.rglob("*.proto"))]
    includes = [str(PROTOS), str(pathlib.Path(grpc_tools.__file__).parent / "_proto")]
    arguments = ["protoc", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    arguments += [f"-I{include}" for include in includes] + files
    assert grpc_tools.protoc.main(arguments) == 0, "the protos do not compile"
    sys.path.insert(0, folder)


def messages(name):
    return importlib.import_module(f"fulcrum.v1.{name}_service_pb2")


class Fulcrum:
    """The services by their names: `fulcrum.sync` is a stub of SyncService."""

    def __init__(self, channel):
        self._channel = channel

    def __getattr__(self, name):
        stubs = importlib.import_module(f"fulcrum.v1.{name}_service_pb2_grpc")
        service = "".join(word.capitalize() for word in name.split("_"))
        return getattr(stubs, f"{service}ServiceStub")(self._channel)


def connect(fulcrum, base_url, key):
    """Links the account; gives our id of the connection."""
    pb = messages("connection")
    connection = pb.Connection(display_name="Acme", base_url=base_url)
    request = pb.CreateConnectionRequest(connection=connection, api_key=key)
    created = fulcrum.connection.CreateConnection(request)
    assert key not in str(created), "the key is never told again"
    return created.connection.id


def wait_until_synced(fulcrum, connection):
    """Waits on the stream of statuses until everything is mirrored; gives the number of records of each stream."""
    pb, states = messages("sync"), messages("connection")
    request = pb.WatchSyncRequest(connection_id=connection)
    for answer in fulcrum.sync.WatchSync(request, timeout=PATIENCE_SECONDS):
        if answer.status.state == states.SYNC_STATE_SYNCED:
            return {stream.name: stream.records for stream in answer.status.streams}
    raise AssertionError("the stream ended before everything was mirrored")


def configure(fulcrum, connection):
    """Saves a changed mapping with its etag; the same etag a second time is refused."""
    pb = messages("stage_mapping")
    read = pb.GetStageMappingRequest(connection_id=connection)
    mapping = fulcrum.stage_mapping.GetStageMapping(read).stage_mapping
    assert mapping.version == 0, mapping.version
    stages = {stage.code: stage for stage in mapping.product_stages}
    stages["NEW_APPLICANT"].sla_days = 2
    stages["REVIEW"].label = "Our review"
    save = pb.UpdateStageMappingRequest(connection_id=connection, stage_mapping=mapping)
    saved = fulcrum.stage_mapping.UpdateStageMapping(save).stage_mapping
    assert saved.version == 1 and saved.etag != mapping.etag, saved.version
    try:
        fulcrum.stage_mapping.UpdateStageMapping(save)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.ABORTED, error
    else:
        raise AssertionError("an old etag was taken")
    again = fulcrum.stage_mapping.GetStageMapping(read).stage_mapping
    assert again == saved, "what is read is not what was saved"
    assert {stage.code: stage.sla_days for stage in again.product_stages}["NEW_APPLICANT"] == 2


def addresses(fulcrum, connection):
    """People with an address of their own, from the mirror: the address and Lever's id of each."""
    pb = messages("lever")
    found = {}
    request = pb.ListOpportunitiesRequest(connection_id=connection)
    while True:
        page = fulcrum.lever.ListOpportunities(request)
        for opportunity in page.opportunities:
            for email in opportunity.emails[:1]:
                found.setdefault(email.lower(), []).append(opportunity.id)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def look_up(fulcrum, connection):
    """Looks a hundred people up by address, in other letters than Lever has, and one nobody knows."""
    pb = messages("candidate")
    known = dict(list(addresses(fulcrum, connection).items())[:PEOPLE])
    assert len(known) == PEOPLE, len(known)
    identities = [pb.Identity(key=email, emails=[email.upper()]) for email in known]
    identities.append(pb.Identity(key="stranger", emails=["nobody@stranger.example"]))
    request = pb.LookupCandidatesRequest(connection_id=connection, identities=identities)
    results = fulcrum.candidate.LookupCandidates(request).results
    assert [result.key for result in results] == [*known, "stranger"], "not in their order"
    for result in results[:-1]:
        matches = result.matches
        assert matches and matches[0].strength == pb.MATCH_STRENGTH_STRONG, result.key
        assert [evidence.kind for evidence in matches[0].evidence] == ["email"], result.key
        candidacies = {candidacy.opportunity_id for match in matches for candidacy in match.candidacies}
        assert candidacies >= set(known[result.key]), result.key
    assert not results[-1].matches, "a stranger was found"


def list_applicants(fulcrum, connection):
    pb = messages("inbound")
    listed = fulcrum.inbound.ListApplicants(pb.ListApplicantsRequest(connection_id=connection))
    assert listed.applicants, "nobody has applied"
    assert all(one.sla.days == 2 for one in listed.applicants if one.product_stage == "NEW_APPLICANT")
    return listed


def apply_in_lever(base_url, name):
    """Has somebody apply in the simulator; gives Lever's id of the candidacy."""
    url = urllib.parse.urljoin(base_url, "/sim/applicants")
    body = json.dumps({"name": name, "email": "ada@applies.example"}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


def watch(fulcrum, connection, base_url):
    """Watches from what is listed until somebody who applies meanwhile arrives."""
    pb = messages("inbound")
    listed = list_applicants(fulcrum, connection)
    request = pb.WatchApplicantsRequest(connection_id=connection, resume_token=listed.watch_token)
    watched = fulcrum.inbound.WatchApplicants(request, timeout=PATIENCE_SECONDS)
    applied = apply_in_lever(base_url, "Ada Lovelace")
    for answer in watched:
        assert answer.resume_token, "there is no way to resume"
        for event in answer.events:
            kinds = event.DESCRIPTOR.fields_by_name["kind"].enum_type.values_by_number
            if event.opportunity_id == applied:
                assert kinds[event.kind].name.endswith("_ARRIVED"), kinds[event.kind].name
                assert event.applicant.name == "Ada Lovelace", event.applicant.name
                watched.cancel()
                return
    raise AssertionError("the stream ended before anybody arrived")


def main(address, base_url, key):
    with tempfile.TemporaryDirectory() as folder, grpc.insecure_channel(address) as channel:
        generate(folder)
        grpc.channel_ready_future(channel).result(timeout=PATIENCE_SECONDS)
        fulcrum = Fulcrum(channel)
        connection = connect(fulcrum, base_url, key)
        records = wait_until_synced(fulcrum, connection)
        print(f"mirrored {records['opportunities']} opportunities")
        configure(fulcrum, connection)
        print("saved a mapping, and was refused an old etag")
        look_up(fulcrum, connection)
        print(f"looked {PEOPLE} people up")
        list_applicants(fulcrum, connection)
        began = time.monotonic()
        watch(fulcrum, connection, base_url)
        print(f"saw somebody arrive after {time.monotonic() - began:.1f} s")


main(*sys.argv[1:])
