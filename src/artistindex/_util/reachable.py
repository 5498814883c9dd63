"""Whether a web service answers: one request for its robots.txt, never repeated."""

import threading
import time
from collections.abc import Mapping
from urllib.parse import urljoin

_CONNECT, _READ = 3.05, 5.0  # seconds


def answers(services: Mapping[str, str], *, seconds: float = 10.0) -> dict[str, str | None]:
    """Ask the address of each service once, all at the same time, for `seconds` at the most.

    Returns for each None where it answered, else what is in the way. Any answer counts but those
    that refuse (403, 429) or fail (5xx).
    """
    troubles: dict[str, str | None] = dict.fromkeys(services, f"no answer within {seconds:.0f} s")

    def ask(name: str, address: str) -> None:
        troubles[name] = _trouble(urljoin(address, "/robots.txt"))

    threads = [  # daemons: a resolver that hangs keeps nobody waiting
        threading.Thread(target=ask, args=item, daemon=True) for item in services.items()
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(troubles)


def _trouble(url: str) -> str | None:
    import requests

    from artistindex._util.http import user_agent

    try:
        with requests.get(
            url,
            headers={"User-Agent": user_agent()},
            timeout=(_CONNECT, _READ),
            stream=True,  # the status is enough
            allow_redirects=False,
        ) as response:
            status = response.status_code
    except requests.ConnectionError:
        return "cannot be reached"
    except requests.Timeout:
        return "takes too long to answer"
    except requests.RequestException as error:
        return f"cannot be asked ({type(error).__name__})"
    if status in (403, 429):
        return f"refuses (HTTP {status})"
    return f"is out of order (HTTP {status})" if status >= 500 else None
