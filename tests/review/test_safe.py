"""Who may talk to the server, and what it never does."""

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.review.project import Server, review_project, served
from tests.tables_builder import Tables
from voiceface.config import load_settings
from voiceface.layout import CONFIG
from voiceface.review.app import review_app
from voiceface.review.desk import Desk
from voiceface.review.ledger import read_ledger
from voiceface.web.listen import hosts
from voiceface.web.safe import MOST_BYTES, Guard, new_tokens

HOST = "127.0.0.1:8000"
COOKIE = {"cookie": "v=secret"}
POST = {**COOKIE, "origin": f"http://{HOST}", "content-type": "application/json"}
MARK = b'{"marks": [{"id": "1", "sample": "x", "decision": "keep"}]}'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return review_project(tmp_path_factory.mktemp("safe"), 3)


@pytest.fixture(scope="module")
def client(project: Tables) -> Iterator[TestClient]:
    desk = Desk(project.root, load_settings(project.root / CONFIG), ["ann"])
    app = Guard(review_app(desk), {"secret": "ann"}, [HOST], "v")
    with TestClient(app, base_url=f"http://{HOST}", follow_redirects=False) as client:
        yield client


def a_content(client: TestClient) -> str:
    return client.get("/api/queue?queue=all", headers=COOKIE).json()["samples"][0]["content"]


@pytest.mark.parametrize(
    "path", ["/", "/api/state", "/api/queue", "/media/00/face.png", "/nothing"]
)
@pytest.mark.parametrize("headers", [{}, {"cookie": "v=wrong"}, {"cookie": 'v="; ;=,'}])
def test_without_the_token_nothing_is_told(
    client: TestClient, path: str, headers: dict[str, str]
) -> None:
    client.cookies.clear()
    assert client.get(path, headers=headers).status_code == 403
    assert client.get("/?token=wrong").status_code == 403


def test_the_token_becomes_a_strict_cookie(client: TestClient) -> None:
    client.cookies.clear()
    answer = client.get("/?token=secret")
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie == "v=secret; Path=/; HttpOnly; SameSite=Strict"
    assert client.get("/api/state", headers=COOKIE).json()["curator"] == "ann"


@pytest.mark.parametrize(
    "host", ["evil.example:8000", "127.0.0.1", "127.0.0.1:9", "localhost.evil:8000"]
)
def test_a_rebound_name_is_refused_even_with_the_token(client: TestClient, host: str) -> None:
    for path in ("/?token=secret", "/api/state", "/static/main.js"):
        assert client.get(path, headers={**COOKIE, "host": host}).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-length": str(MOST_BYTES + 1)}, 413),
        ({"content-length": "many"}, 411),
        ({"cookie": "v=wrong"}, 403),
    ],
)
def test_a_request_of_another_site_or_form_marks_nothing(
    client: TestClient, project: Tables, headers: dict[str, str], status: int
) -> None:
    client.cookies.clear()
    answer = client.post("/api/marks", content=MARK, headers={**POST, **headers})
    assert answer.status_code == status
    assert read_ledger(project.reviews) == []


def test_a_body_is_not_read_beyond_what_it_says(project: Tables) -> None:
    with served(project.root, "ann") as urls:
        host, _, token = urls["ann"].removeprefix("http://").partition("/?token=")
        port = int(host.partition(":")[2])
        cookie = f"voiceface_{port}={token}"
        headers = {"Host": host, "Origin": f"http://{host}", "Cookie": cookie}
        headers |= {"Content-Type": "application/json"}
        for more in ({"Transfer-Encoding": "chunked"}, {"Content-Length": str(10 * MOST_BYTES)}):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.putrequest("POST", "/api/marks", skip_host=True)
            for name, value in {**headers, **more}.items():
                connection.putheader(name, value)
            connection.endheaders()  # the answer comes before any of the body
            assert connection.getresponse().status in (411, 413)
            connection.close()


def test_other_sites_can_neither_read_nor_frame_it_nor_run_script_in_it(client: TestClient) -> None:
    for path in (
        "/",
        "/api/state",
        "/static/main.js",
        f"/media/{a_content(client)}/face.png",
        "/x",
    ):
        headers = client.get(path, headers=COOKIE).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
    cross = {**COOKIE, "sec-fetch-site": "cross-site"}
    assert client.get("/api/state", headers=cross).status_code == 403
    linked = {**cross, "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=linked).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../serve.py",
        "/static/..%2fserve.py",
        "/static/%2e%2e/serve.py",
        "/static/__init__.py",
        "/media/..%2f..%2fetc/face.png",
        "/media/../../config.yaml",
        "/media/{content}/..%2f..%2fsecret",
        "/media/{content}/secret",
        "/media/{zeros}/face.png",
        "/media/{zeros}/before.webp",
        "/media/zz/before.webp",
        "/media/00/before.ogg",
        "/api/sample/..%2f..%2fconfig.yaml",
        "/data/review/secret",
    ],
)
def test_no_path_of_a_request_reaches_the_file_system(client: TestClient, path: str) -> None:
    path = path.format(content=a_content(client), zeros="0" * 64)
    assert client.get(path, headers=COOKIE).status_code == 404


def test_media_never_change_and_come_in_parts(client: TestClient) -> None:
    url = f"/media/{a_content(client)}/sound.flac"
    whole = client.get(url, headers=COOKIE)
    assert whole.content[:4] == b"fLaC"
    assert whole.headers["cache-control"] == "private, max-age=31536000, immutable"
    size = len(whole.content)

    def part(asked: str) -> tuple[int, bytes, str]:
        answer = client.get(url, headers={**COOKIE, "range": asked})
        return answer.status_code, answer.content, answer.headers.get("content-range", "")

    assert part("bytes=0-3") == (206, b"fLaC", f"bytes 0-3/{size}")
    assert part("bytes=4-") == (206, whole.content[4:], f"bytes 4-{size - 1}/{size}")
    assert part("bytes=-5") == (206, whole.content[-5:], f"bytes {size - 5}-{size - 1}/{size}")
    assert part(f"bytes=2-{size + 9}") == (206, whole.content[2:], f"bytes 2-{size - 1}/{size}")
    assert part(f"bytes={size}-")[0] == 416
    for odd in ("bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5"):
        assert part(odd)[:2] == (200, whole.content)


def test_the_server_listens_on_loopback_alone(project: Tables) -> None:
    with served(project.root, "ann") as urls:
        port = int(urls["ann"].split(":")[2].split("/")[0])
        own = {one[4][0] for one in socket.getaddrinfo(socket.gethostname(), None)}
        for address in own - {"127.0.0.1", "127.0.1.1", "::1"}:
            with pytest.raises(OSError, match=r"."):
                socket.create_connection((str(address), port), timeout=1).close()


def test_other_addresses_need_a_token_for_each_curator(project: Tables) -> None:
    command = [sys.executable, "-m", "voiceface", "review", "--bind=0.0.0.0"]
    told = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "--curators" in told.stderr
    with Server(project.root, "--bind=0.0.0.0", "--curators=ann,bo") as server:
        assert list(server.urls) == ["ann", "bo"]
        tokens = {url.partition("token=")[2] for url in server.urls.values()}
        assert len(tokens) == 2
        host, _, rest = server.url.removeprefix("http://").partition(":")
        port = int(rest.partition("/")[0])
        for name, status in [(f"{host}:{port}", 200), (f"evil.example:{port}", 421)]:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", f"/?token={min(tokens)}", headers={"Host": name})
            assert connection.getresponse().status == status
            connection.close()


def test_tokens_can_t_be_guessed() -> None:
    tokens = new_tokens(["ann", "bo"])
    assert sorted(tokens.values()) == ["ann", "bo"]
    assert all(len(token) >= 32 for token in tokens)
    assert not set(tokens) & set(new_tokens(["ann", "bo"]))


def test_a_server_is_called_by_its_own_names_only() -> None:
    assert hosts("127.0.0.1", 80) == {"127.0.0.1:80", "localhost:80", "[::1]:80"}
    assert hosts("192.0.2.7", 80) == {"192.0.2.7:80"}
    assert hosts("::1", 80) == hosts("127.0.0.1", 80)


def test_the_page_loads_nothing_from_elsewhere_and_has_no_inline_script() -> None:
    package = Path(__file__).parents[2] / "src/voiceface"
    for path in package.glob("*/static/*"):
        text = path.read_text(encoding="utf-8")
        for word in ("https://", "innerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in text, path.name
        if path.suffix == ".html":
            assert " style=" not in text
            assert " onclick" not in text
            assert text.count("<script") == 1
