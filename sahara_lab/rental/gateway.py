"""A provider's service as its renters call it. What comes back is a stranger's, and bounded."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import orjson

from sahara_lab.errors import AccessDenied, InputError, IntegrityError, JobError, NetworkError, NotFound, SaharaError
from sahara_lab.rental.offers import checked_url
from sahara_lab.rental.sealed import MOST_MESSAGE, Line, ask_to_open, opening

_CONNECT, _READ = 3.0, 30.0
_ERRORS: dict[str, type[SaharaError]] = {
    kind.code: kind for kind in (AccessDenied, InputError, IntegrityError, JobError, NetworkError, NotFound)
}


class Gateway:
    """One job's way to its provider. Not for several threads at a time.

    Raises from every method: NetworkError when there is no answer, else what the provider refused with.
    """

    def __init__(self, url: str, job_id: int, key: bytes) -> None:
        import urllib3

        self._url = checked_url(url)
        self._job_id = job_id
        self._path = f"/v1/jobs/{job_id:064x}"
        self._key = key
        self._line: Line | None = None
        self._pool = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(connect=_CONNECT, read=_READ), maxsize=1
        )

    def info(self) -> dict[str, Any]:
        """What the machine says of itself now."""
        return _object(self._send("GET", "/v1/info", None))

    def take(self, package: bytes) -> str:
        """Hand over the package; returns the job's phase there."""
        return str(_object(self._send("PUT", self._path, package)).get("phase", ""))

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """One message under the job's key, and its answer; opens a line when there is none."""
        for fresh in (self._line is None, True):
            if fresh:
                self._open()
            assert self._line is not None
            try:
                sealed = self._line.seal(message)
                number = self._line.sent
                _, answer = self._line.open(self._send("POST", f"{self._path}/messages", sealed), answer_to=number)
            except IntegrityError:
                if fresh:
                    raise
                continue  # the provider started anew, and knows nothing of the line
            if isinstance(answer.get("error"), dict):
                raise _error(answer["error"], answer["error"].get("message", ""))
            return answer
        raise NetworkError("the provider does not answer")

    def file(self, name: str, size: int, target: Path) -> str:
        """Write a whole result of ``size`` bytes to ``target``; returns its SHA-256."""
        hasher, done = hashlib.sha256(), 0
        with target.open("wb") as file:
            while done < size:
                answer = self.ask({"op": "file", "name": name, "offset": done})
                try:
                    part = base64.b64decode(str(answer.get("data", "")), validate=True)
                except ValueError:
                    part = b""
                done += len(part)
                if not part or done > size:
                    raise IntegrityError(f"the provider's {name} is not of the size that it signed")
                hasher.update(part)
                file.write(part)
        return hasher.hexdigest()

    def _open(self) -> None:
        asked = ask_to_open(self._key, self._job_id)
        theirs = self._send("POST", f"{self._path}/line", asked)
        self._line = Line(self._key, self._job_id, opening(self._key, self._job_id, asked) + theirs, renter=True)

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        import urllib3

        try:
            response = self._pool.request(
                method,
                self._url + path,
                body=body,
                headers={"content-type": "application/octet-stream"},
                preload_content=False,
                redirect=False,
            )
            data: bytes = response.read(MOST_MESSAGE + 1)
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise NetworkError("the provider does not answer") from error
        if len(data) > MOST_MESSAGE:
            raise NetworkError("the provider's answer is too long")
        if response.status == 200:
            return data
        problem = _object(data).get("error")
        problem = problem if isinstance(problem, dict) else {}
        if response.status in (429, 503):
            raise NetworkError(f"the provider is busy: {str(problem.get('detail'))[:200]}")
        raise _error(problem, problem.get("detail", ""))


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(data)
    except ValueError:
        raise NetworkError("the provider's answer makes no sense") from None
    if not isinstance(found, dict):
        raise NetworkError("the provider's answer makes no sense")
    return found


def _error(problem: dict[str, Any], message: object) -> SaharaError:
    kind = _ERRORS.get(str(problem.get("code")), JobError)
    return kind(f"the provider says: {str(message)[:300]}", hint=str(problem.get("hint", ""))[:200])
