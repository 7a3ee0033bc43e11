"""One released file over HTTP: goes on where an earlier attempt broke off, and keeps only what has the right hash."""

from __future__ import annotations

import os
from io import BufferedIOBase
from urllib.parse import urlsplit

import requests

from monitor.classifier.models import Heard, ModelError, digest
from monitor.classifier.released import RemoteFile

_BLOCK = 64 * 1024  # what is lost when a connection breaks
_CONNECT_S, _READ_S = 10, 60  # a whole file may take an hour on a school's line; a silent minute is a fault
_MOST_BYTES = 4 * 1024**3  # several times the largest model: a server without end must not fill the disk
_ELSEWHERE = "or fetch it on another machine and bring it with --from FOLDER"


def into(part: BufferedIOBase, file: RemoteFile, heard: Heard) -> None:
    """Fill an open file (append mode) with a released one. Raises ModelError and OSError.

    What an attempt leaves in `part` when the network breaks off, the next one goes on from.
    """
    with requests.Session() as session:
        # Else the bytes that are counted are not those that are hashed.
        session.headers["Accept-Encoding"] = "identity"
        resumed = _attempt(session, part, file, heard)
        found = digest(part)
        if resumed and not found.startswith(file.sha256):  # the rest belonged to another file
            part.truncate(0)
            _attempt(session, part, file, heard)
            found = digest(part)
    if not found.startswith(file.sha256):
        part.truncate(0)
        raise ModelError(
            f"{file.name} from {_host(file.url)} is not the released file: its SHA-256 begins with {found[:8]}, not "
            f"{file.sha256[:8]}; nothing was kept, look at your network's filter {_ELSEWHERE}"
        )


def _attempt(session: requests.Session, part: BufferedIOBase, file: RemoteFile, heard: Heard) -> bool:
    """Ask once, or once more from the start if the server cannot go on; was something kept from before?"""
    begin = part.seek(0, os.SEEK_END)
    try:
        with _ask(session, file.url, begin) as response:
            if not begin or not _beside_the_rest(response, begin):
                if response.status_code == 200:  # whole, whatever was asked for
                    part.truncate(0)
                    begin = 0
                _read(response, part, file, begin, heard)
                return begin > 0
        part.truncate(0)
        with _ask(session, file.url, 0) as response:
            _read(response, part, file, 0, heard)
            return False
    except requests.RequestException as err:
        size = part.seek(0, os.SEEK_END)
        what = f"broke off after {size} bytes of {file.name}" if size else f"cannot be asked for {file.name}"
        goes_on = ": the same command goes on from there" if size else ""
        raise ModelError(
            f"{_host(file.url)} {what} ({type(err).__name__}){goes_on}; try again later, {_ELSEWHERE}"
        ) from None


def _ask(session: requests.Session, url: str, begin: int) -> requests.Response:
    headers = {"Range": f"bytes={begin}-"} if begin else {}
    response = session.get(url, stream=True, headers=headers, timeout=(_CONNECT_S, _READ_S))
    if urlsplit(url).scheme == "https" and urlsplit(response.url).scheme != "https":
        response.close()
        raise ModelError(f"{_host(url)} leads to an address without TLS, which is not followed")
    return response


def _beside_the_rest(response: requests.Response, begin: int) -> bool:
    """Is the answer of no use beside what is there: nothing after it, or another part?"""
    part = response.headers.get("Content-Range", "")
    return response.status_code == 416 or (
        response.status_code == 206 and not part.startswith(f"bytes {begin}-")
    )


def _read(
    response: requests.Response, part: BufferedIOBase, file: RemoteFile, begin: int, heard: Heard
) -> None:
    if response.status_code not in (200, 206):
        raise ModelError(
            f"{_host(response.url)} answered {response.status_code} for {file.name}; try again later, {_ELSEWHERE}"
        )
    promised = response.headers.get("Content-Length", "")
    total = begin + int(promised) if promised.isdigit() else None
    done = begin
    for block in response.iter_content(_BLOCK):
        done += len(block)
        if done > _MOST_BYTES:
            part.truncate(0)
            raise ModelError(
                f"{_host(response.url)} sent more than any model holds for {file.name}; {_ELSEWHERE[3:]}"
            )
        part.write(block)
        heard(file.name, done, total)
    part.flush()


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the server"
