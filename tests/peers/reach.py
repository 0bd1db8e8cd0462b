"""Sends what a peer means for Lever to the simulator instead.

The peers have Lever's addresses built in. Everything they send goes through `requests`, so that is where the host is
replaced; nothing else of them is touched.
"""

import requests

API = "https://api.lever.co/"
AUTH = "https://auth.lever.co/"


def redirect(base_url):
    """`base_url` is the simulator's, such as http://127.0.0.1:4100/v1."""
    root = base_url.removesuffix("v1")
    send = requests.Session.send

    def send_to_simulator(session, request, **arguments):
        for lever in (API, AUTH):
            if request.url.startswith(lever):
                request.url = root + request.url.removeprefix(lever)
        if not request.url.startswith(root):
            raise RuntimeError(f"a call that is not for Lever: {request.url}")
        return send(session, request, **arguments)

    requests.Session.send = send_to_simulator
