"""Sign-in by OpenID Connect, against a real provider, and against one that lies."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import jwt
import oidc_provider_mock
import pytest
from console_night import Open
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from overnight import App
from overnight.console import oidc
from overnight.console.access import Access
from overnight.console.oidc import Provider
from overnight.errors import ConfigError
from overnight.operations.actors import Role
from overnight.store.database import Database
from overnight.testing import Clock

# The provider of these tests warns of a library of its own.
pytestmark = [
    pytest.mark.contract,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

CLIENT = "console-1"
MEMBERS: Mapping[Role, list[str]] = {
    "operate": ["Ann@example.com", "operators"],
    "edit": ["@editors.example"],
    "view": ["readers"],
}


@asynccontextmanager
async def console(
    app: App, opened: Open, provider: Provider, passwords: Mapping[Role, str] | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    async with opened(app, Access(passwords or {}, provider)) as client:
        yield client


async def go_there(client: httpx2.AsyncClient, next_path: str = "/") -> str:
    """Begin to sign in; where the provider is asked."""
    answer = await client.get("/oidc/start", params={"next": next_path})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def back(location: str) -> str:
    """The path and the query of an address."""
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


async def sessions(database: Database) -> list[tuple[str, str]]:
    rows = await database.fetch("select who, role from console_sessions order by who")
    return [(row["who"], row["role"]) for row in rows]


# A real provider.


@pytest.fixture(autouse=True)
def directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture
def server() -> Iterator[str]:
    """oidc-provider-mock: it speaks the whole protocol, with PKCE."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


def provider_at(issuer: str, **changes: Any) -> Provider:
    fields: dict[str, Any] = {"client_secret": "a secret of the client", **changes}
    return Provider(issuer, CLIENT, MEMBERS, **fields)


async def sign_in(
    client: httpx2.AsyncClient, issuer: str, subject: str, claims: Mapping[str, Any]
) -> httpx2.Response:
    """Sign in as a person of whom the provider knows these claims."""
    async with httpx2.AsyncClient(trust_env=False) as browser:
        known = await browser.put(f"{issuer}/users/{subject}", json=dict(claims))
        assert known.status_code == 204, known.text
        there = await browser.post(await go_there(client), data={"sub": subject})
    assert there.status_code in (302, 303), there.text
    return await client.get(back(there.headers["location"]))


@pytest.mark.parametrize(
    ("claims", "who", "role"),
    [
        ({"email": "ann@example.com", "email_verified": True}, "ann@example.com", "operate"),
        ({"email": "Bob@Editors.example", "email_verified": True}, "bob@editors.example", "edit"),
        ({"groups": ["others", "readers"]}, "s-1", "view"),
        ({"groups": "operators", "preferred_username": "cy"}, "cy (s-1)", "operate"),
    ],
)
async def test_a_person_has_the_role_of_their_address_or_group(
    app: App,
    opened: Open,
    database: Database,
    server: str,
    claims: dict[str, Any],
    who: str,
    role: str,
) -> None:
    async with console(app, opened, provider_at(server)) as client:
        assert (await client.get("/runs")).headers["location"] == "/login?next=/runs"
        assert f'href="/oidc/start?next={"/runs"}"' in (await client.get("/login?next=/runs")).text
        answer = await sign_in(client, server, "s-1", claims)
        assert answer.status_code == 200, answer.text
        assert 'http-equiv="refresh" content="0; url=/"' in answer.text
        assert "samesite=strict" in answer.headers["set-cookie"].lower()
        page = await client.get("/runs")
        assert (page.status_code, f"Log out {who}" in page.text) == (200, True)
    assert await sessions(database) == [(who, role)]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": "eve@example.com", "email_verified": True},
        {"email": "ann@example.com", "email_verified": False},
        {"email": "ann@example.com"},
        {"email": "eve@sub.editors.example", "email_verified": True},
        {"email": "eve@noteditors.example", "email_verified": True},
        {"groups": ["Operators", "ann@example.com", "@editors.example"]},
        {"groups": {"operators": True}},
    ],
)
async def test_a_person_without_a_role_does_not_get_in(
    app: App, opened: Open, database: Database, server: str, claims: dict[str, Any]
) -> None:
    async with console(app, opened, provider_at(server)) as client:
        answer = await sign_in(client, server, "s-1", claims)
        assert answer.status_code == 403
        assert "has no role here: OVERNIGHT_OIDC_VIEW" in answer.text
        assert (await client.get("/")).status_code == 303
    assert await sessions(database) == []


async def test_an_answer_counts_once_and_in_the_browser_that_asked(
    app: App, opened: Open, database: Database, server: str
) -> None:
    async with console(app, opened, provider_at(server)) as client:
        async with httpx2.AsyncClient(trust_env=False) as browser:
            await browser.put(f"{server}/users/s-1", json={"groups": ["readers"]})
            there = await browser.post(await go_there(client), data={"sub": "s-1"})
        path, cookies = back(there.headers["location"]), dict(client.cookies)
        client.cookies.clear()
        assert (await client.get(path)).status_code == 403  # another browser
        client.cookies.update(cookies)
        assert (await client.get(path.replace("state=", "state=x"))).status_code == 403
        assert (await client.get(path)).status_code == 200
        client.cookies.clear()
        client.cookies.update(cookies)
        again = await client.get(path)
        assert (again.status_code, "was used before" in again.text) == (403, True)
    assert await sessions(database) == [("s-1", "view")]


async def test_a_sign_in_that_takes_too_long_is_begun_again(
    app: App, opened: Open, database: Database, server: str, clock: Clock
) -> None:
    async with console(app, opened, provider_at(server)) as client:
        async with httpx2.AsyncClient(trust_env=False) as browser:
            await browser.put(f"{server}/users/s-1", json={"groups": ["readers"]})
            there = await browser.post(await go_there(client), data={"sub": "s-1"})
        await clock.move(oidc.SIGNIN_SECONDS + 1)
        answer = await client.get(back(there.headers["location"]))
        assert (answer.status_code, "took too long" in answer.text) == (403, True)
    assert await sessions(database) == []


async def test_what_the_provider_refuses_is_told_and_is_text(
    app: App, opened: Open, server: str
) -> None:
    async with console(app, opened, provider_at(server)) as client:
        state = dict(parse_qsl(urlsplit(await go_there(client)).query))["state"]
        query = {"error": "access_denied", "error_description": "<b>no</b>", "state": state}
        answer = await client.get("/oidc/callback", params=query)
    assert answer.status_code == 403
    assert "did not let you in: &lt;b&gt;no&lt;/b&gt;" in answer.text


async def test_nothing_that_opens_the_console_is_stored(
    app: App, opened: Open, database: Database, server: str
) -> None:
    async with console(app, opened, provider_at(server)) as client:
        query = dict(parse_qsl(urlsplit(await go_there(client)).query))
        (row,) = await database.fetch("select to_jsonb(s)::text as row from console_signins s")
        secrets = [query["state"], query["nonce"], client.cookies[oidc.COOKIE]]
        assert not any(secret in row["row"] for secret in secrets)
        assert client.cookies[oidc.COOKIE] not in query.values()
    assert (query["code_challenge_method"], len(query["code_challenge"])) == ("S256", 43)
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3


async def test_a_password_and_a_provider_stand_beside_each_other(
    app: App, opened: Open, database: Database, server: str
) -> None:
    passwords: Mapping[Role, str] = {"operate": "a long password"}
    async with console(app, opened, provider_at(server), passwords) as client:
        page = (await client.get("/login")).text
        assert 'type="password"' in page
        assert "/oidc/start" in page
        await client.post("/login", data={"password": "a long password"})
        assert (await client.get("/")).status_code == 200
    async with console(app, opened, provider_at(server)) as client:
        assert 'type="password"' not in (await client.get("/login")).text
        wrong = await client.post("/login", data={"password": ""})
        assert wrong.status_code == 403


async def test_nobody_is_sent_to_another_site_after_a_sign_in(
    app: App, opened: Open, database: Database, server: str
) -> None:
    async with console(app, opened, provider_at(server)) as client:
        for target in ("https://evil.example/", "//evil.example", '/"><script>'):
            await go_there(client, target)
    rows = await database.fetch("select next_path from console_signins")
    assert {row["next_path"] for row in rows} == {"/", '/"><script>'}


# A provider that lies: its metadata, its keys and its tokens are what a test says.


class Liar(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"kid": "k1"}
        self.sign_with: Any = self.key
        self.algorithm = "RS256"
        self.user_info: dict[str, Any] | None = None
        self.forms: list[dict[str, str]] = []
        self.token: str | None = None
        self.nonce = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def documents(self) -> dict[str, Any]:
        key = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        metadata = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **({"userinfo_endpoint": f"{self.url}/me"} if self.user_info is not None else {}),
            **self.metadata,
        }
        return {
            "/.well-known/openid-configuration": metadata,
            "/keys": {"keys": [{**key, "kid": "k1", "use": "sig", "alg": "RS256"}]},
            "/token": {"access_token": "a", "id_token": self.token or self.signed()},
            "/me": self.user_info,
        }

    def signed(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "s-1",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "groups": ["operators"],
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.sign_with, self.algorithm, self.header)


class _Answers(BaseHTTPRequestHandler):
    server: Liar

    def do_GET(self) -> None:
        document = self.server.documents().get(urlsplit(self.path).path)
        body = json.dumps(document).encode()
        self.send_response(200 if document is not None else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.forms.append(dict(parse_qsl(body.decode())))
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


async def tell(client: httpx2.AsyncClient, liar: Liar, **answer: str) -> httpx2.Response:
    """Come back with a code from a provider that says what it likes."""
    query = dict(parse_qsl(urlsplit(await go_there(client)).query))
    liar.nonce = liar.nonce or query["nonce"]
    return await client.get(
        "/oidc/callback", params={"code": "c", "state": query["state"], **answer}
    )


async def test_the_truth_of_the_same_server_is_believed(
    app: App, opened: Open, database: Database, liar: Liar
) -> None:
    async with console(app, opened, provider_at(liar.url, client_secret=None)) as client:
        answer = await tell(client, liar, iss=liar.url)
    assert answer.status_code == 200, answer.text
    assert await sessions(database) == [("s-1", "operate")]
    (form,) = liar.forms
    assert (form["client_id"], len(form["code_verifier"]), "client_secret" in form) == (
        CLIENT,
        64,
        False,
    )


def unsigned(liar: Liar) -> None:
    liar.sign_with, liar.algorithm = None, "none"


def signed_by_another(liar: Liar) -> None:
    liar.sign_with = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def signed_with_the_public_key_as_a_secret(liar: Liar) -> None:
    """By hand, for the library refuses to make one."""
    pem = liar.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    import hashlib
    import hmac

    def part(value: Mapping[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = jwt.decode(liar.signed(), options={"verify_signature": False})
    text = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(claims)}"
    mac = hmac.digest(pem, text.encode(), hashlib.sha256)
    liar.token = f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def changed_after_it_was_signed(liar: Liar) -> None:
    header, _, signature = liar.signed().split(".")
    claims = jwt.decode(liar.signed(), options={"verify_signature": False})
    claims["sub"] = "somebody else"
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    liar.token = f"{header}.{body}.{signature}"


FORGERIES = [
    unsigned,
    signed_by_another,
    signed_with_the_public_key_as_a_secret,
    changed_after_it_was_signed,
]


@pytest.mark.parametrize("forge", FORGERIES)
async def test_a_forged_token_lets_nobody_in(
    app: App, opened: Open, database: Database, liar: Liar, forge: Any
) -> None:
    async with console(app, opened, provider_at(liar.url)) as client:
        query = dict(parse_qsl(urlsplit(await go_there(client)).query))
        liar.nonce = query["nonce"]
        forge(liar)
        answer = await client.get("/oidc/callback", params={"code": "c", "state": query["state"]})
    assert (answer.status_code, "is not valid" in answer.text) == (403, True), answer.text
    assert await sessions(database) == []


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"aud": "another-client"}, "is not valid"),
        ({"aud": ["another-client"]}, "is not valid"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "another client"),
        ({"aud": [CLIENT, "another"]}, "another client"),
        ({"azp": "another"}, "another client"),
        ({"iss": "http://127.0.0.1:1"}, "is not valid"),
        ({"exp": 1_700_000_000}, "is not valid"),
        ({"exp": None}, "is not valid"),
        ({"iat": None}, "is not valid"),
        ({"iat": 32_000_000_000}, "is not valid"),
        ({"nbf": 32_000_000_000}, "is not valid"),
        ({"sub": None}, "is not valid"),
        ({"nonce": "of another sign-in"}, "another sign-in"),
        ({"nonce": None}, "another sign-in"),
    ],
)
async def test_a_token_for_others_or_of_another_time_lets_nobody_in(
    app: App, opened: Open, database: Database, liar: Liar, claims: dict[str, Any], says: str
) -> None:
    liar.claims = claims
    async with console(app, opened, provider_at(liar.url)) as client:
        answer = await tell(client, liar)
    assert (answer.status_code, says in answer.text) == (403, True), answer.text
    assert await sessions(database) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://another.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"jwks_uri": ["x"]},
        {"token_endpoint": "http://token.example/"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
async def test_metadata_that_lead_astray_let_nobody_in(
    app: App, opened: Open, database: Database, liar: Liar, metadata: dict[str, Any]
) -> None:
    async with console(app, opened, provider_at(liar.url)) as client:
        location = await go_there(client)
        query = dict(parse_qsl(urlsplit(location).query))
        liar.nonce, liar.metadata = query["nonce"], metadata
        answer = await client.get("/oidc/callback", params={"code": "c", "state": query["state"]})
    assert answer.status_code == 502, answer.text
    assert await sessions(database) == []


async def test_the_answer_of_another_provider_lets_nobody_in(
    app: App, opened: Open, database: Database, liar: Liar
) -> None:
    async with console(app, opened, provider_at(liar.url)) as client:
        answer = await tell(client, liar, iss="https://another.example")
    assert (answer.status_code, await sessions(database)) == (403, [])


@pytest.mark.parametrize(
    ("info", "status"),
    [
        ({"sub": "s-1", "groups": ["operators"]}, 200),
        ({"sub": "s-2", "groups": ["operators"]}, 403),
        ({"groups": ["operators"]}, 403),
        ({"sub": "s-1", "email": "ann@example.com", "email_verified": True}, 200),
    ],
)
async def test_claims_beside_the_token_count_for_the_same_person(
    app: App, opened: Open, liar: Liar, info: dict[str, Any], status: int
) -> None:
    liar.user_info, liar.claims = info, {"groups": None}
    async with console(app, opened, provider_at(liar.url)) as client:
        assert (await tell(client, liar)).status_code == status


async def test_an_address_of_the_token_is_not_verified_by_another(
    app: App, opened: Open, liar: Liar
) -> None:
    liar.claims = {"groups": None, "email": "ann@example.com"}
    liar.user_info = {"sub": "s-1", "email": "eve@example.com", "email_verified": True}
    async with console(app, opened, provider_at(liar.url)) as client:
        assert (await tell(client, liar)).status_code == 403


async def test_a_provider_that_does_not_answer_is_told(app: App, opened: Open) -> None:
    async with console(app, opened, provider_at("http://127.0.0.1:9")) as client:
        answer = await client.get("/oidc/start")
    assert (answer.status_code, "127.0.0.1 cannot be reached" in answer.text) == (502, True)


def test_a_role_within_another_claim_is_found() -> None:
    provider = provider_at("https://id.example", claim="realm_access.roles")
    assert provider.role_of({"sub": "s", "realm_access": {"roles": ["operators"]}}) == "operate"
    assert provider.role_of({"sub": "s", "realm_access.roles": ["readers"]}) == "view"
    assert provider.role_of({"sub": "s", "realm_access": ["operators"]}) is None


def test_a_person_has_the_highest_of_their_roles() -> None:
    provider = provider_at("https://id.example")
    assert provider.role_of({"sub": "s", "groups": ["readers", "operators"]}) == "operate"


# The environment.


@contextmanager
def environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> Iterator[None]:
    with monkeypatch.context() as changed:
        for name, value in values.items():
            changed.setenv(f"OVERNIGHT_OIDC_{name}", value)
        yield


def test_the_environment_says_where_and_who(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Access.from_environment().oidc is None
    names = {"ISSUER": "https://id.example/", "CLIENT_ID": CLIENT, "CLIENT_SECRET": "very secret"}
    with environment(monkeypatch, **names, OPERATE="ann@example.com, ops", CLAIM="roles"):
        made = Access.from_environment()
    assert not made.is_open
    assert made.oidc == Provider(
        "https://id.example/",
        CLIENT,
        {"view": [], "edit": [], "operate": ["ann@example.com", "ops"]},
        "very secret",
        "roles",
    )
    assert "very secret" not in repr(made)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"ISSUER": "https://id.example", "VIEW": "a"}, "needs OVERNIGHT_OIDC_CLIENT_ID"),
        ({"ISSUER": "https://id.example", "CLIENT_ID": "c"}, "nobody has a role"),
        ({"ISSUER": "http://id.example", "CLIENT_ID": "c", "VIEW": "a"}, "begin with https://"),
        ({"ISSUER": "id.example", "CLIENT_ID": "c", "VIEW": "a"}, "begin with https://"),
    ],
)
def test_a_wrong_environment_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], says: str
) -> None:
    with environment(monkeypatch, **values), pytest.raises(ConfigError, match=says):
        Access.from_environment()


def test_without_the_extra_it_says_how_to_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    with (
        environment(monkeypatch, ISSUER="https://id.example", CLIENT_ID="c", VIEW="a"),
        pytest.raises(ConfigError, match=r"pip install 'overnight\[oidc\]'"),
    ):
        Access.from_environment()
