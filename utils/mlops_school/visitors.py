"""A morning's requests to the delay service: stand-ins for three programs that use it."""

import httpx

_FLIGHT = {
    "carrier": "UA",
    "origin": "EWR",
    "dest": "ORD",
    "departure": "2013-07-01T17:30:00-04:00",
}


def send_morning(address: str) -> None:
    """Send the requests of kiosks, of a display and of an app, one after the other.

    Parameters
    ----------
    address : str
        Of the service.
    """
    mistyped = _FLIGHT | {"dest": "ORF0"}  # people at kiosks make mistakes
    no_offset = _FLIGHT | {"departure": "2013-07-01T17:30:00"}
    requests = {
        "kiosk/1.0": [_FLIGHT] * 21 + [mistyped] * 9,
        "app/5.2": [_FLIGHT] * 10,
        "board/2.1": [_FLIGHT] * 2 + [no_offset] * 8,
    }
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        for name, flights in requests.items():
            for flight in flights:
                client.post("/forecast", json=flight, headers={"User-Agent": name})
        client.get("/health")  # when that is answered, the log has all lines above
