"""A server on loopback that enforces what Ghost documents of its Admin API, as far as we use it.

Run as a program it prints its port. It is no Ghost: what Ghost does beyond its documentation is not
tried with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "6748592f4b9b7700010f6564:" + "0123456789abcdef" * 4
ALLOWED = {
    "title",
    "slug",
    "html",
    "status",
    "custom_excerpt",
    "tags",
    "feature_image",
    "feature_image_alt",
    "feature_image_caption",
}
ALLOWED |= {"published_at", "updated_at"}


class Refused(Exception):
    """An answer that is an error, as Ghost shapes it."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


class Store:
    """The posts. Two updates never have the same time, so that `updated_at` tells
    versions apart.
    """

    def __init__(self) -> None:
        self.posts: dict[str, dict[str, Any]] = {}
        self.pictures: dict[str, bytes] = {}
        self.base = ""
        self._lock = threading.Lock()
        self._last = datetime.now(UTC)

    def now(self) -> str:
        self._last = max(datetime.now(UTC), self._last + timedelta(milliseconds=1))
        return self._last.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add(self, given: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if not given.get("title"):
                raise Refused(422, "ValidationError", "Value in [posts.title] cannot be blank.")
            number = f"{len(self.posts) + 1:024x}"
            slug, taken = (
                given.get("slug") or "untitled",
                {post["slug"] for post in self.posts.values()},
            )
            suffixes = (f"{slug}-{n}" for n in range(2, 100))
            post = {
                "id": number,
                "status": "draft",
                "html": None,
                "tags": [],
                "published_at": None,
                **given,
            }
            post["slug"] = (
                slug if slug not in taken else next(one for one in suffixes if one not in taken)
            )
            self.posts[number] = post
            return self._touched(post)

    def change(self, number: str, given: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            post = self.found(number)
            if "updated_at" not in given:
                raise Refused(422, "ValidationError", "updated_at is required.")
            if given["updated_at"] != post["updated_at"]:
                raise Refused(
                    409, "UpdateCollisionError", "Saving failed! Someone else is editing this post."
                )
            others = {other["slug"] for other in self.posts.values() if other is not post}
            if given.get("slug") in others:
                given = {**given, "slug": f"{given['slug']}-2"}
            post.update(given)
            return self._touched(post)

    def _touched(self, post: dict[str, Any]) -> dict[str, Any]:
        post["updated_at"] = self.now()
        post["url"] = (
            f"{self.base}/{post['slug']}/"
            if post["status"] == "published"
            else f"{self.base}/p/{post['id']}/"
        )
        if post["status"] == "published" and not post["published_at"]:
            post["published_at"] = post["updated_at"]
        return post

    def found(self, number: str) -> dict[str, Any]:
        if number not in self.posts:
            raise Refused(404, "NotFoundError", "Post not found.")
        return self.posts[number]


class GhostServer:
    """Serves a `Store`."""

    def __init__(self) -> None:
        self.store = Store()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.store))
        self.port = self._server.server_port
        self.url = self.store.base = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> GhostServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(store: Store) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                check_token(self.headers.get("Authorization", ""))
                answer = self.answered(body)
                status = 204 if answer is None else 201 if self.command == "POST" else 200
            except Refused as refused:
                status = refused.status
                answer = {
                    "errors": [{"message": str(refused), "type": refused.kind, "context": None}]
                }
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"" if answer is None else json.dumps(answer).encode())

        def answered(self, body: bytes) -> dict[str, Any] | None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if not (
                match := re.fullmatch(
                    r"/ghost/api/admin/(posts|images/upload)/(?:(slug)/)?(?:([\w-]+)/)?", parts.path
                )
            ):
                raise Refused(404, "NotFoundError", "Resource not found")
            kind, by_slug, name = match.groups()
            if kind == "images/upload":
                return self.uploaded(body)
            if self.command == "GET":
                return (
                    self.listed(query)
                    if name is None
                    else {"posts": [shown(self.one(by_slug, name), query)]}
                )
            if self.command == "DELETE":
                store.posts.pop(store.found(name)["id"])
                return None
            if "newsletter" in query or "email_segment" in query:
                raise Refused(422, "ValidationError", "this would mail people")
            (given,) = json.loads(body)["posts"]
            if unknown := set(given) - ALLOWED:
                raise Refused(422, "ValidationError", f"unknown: {unknown}")
            if "html" in given and query.get("source") != "html":
                given.pop("html")  # without source=html Ghost ignores it
            if len(given.get("custom_excerpt") or "") > 300:
                raise Refused(
                    422,
                    "ValidationError",
                    "Value in [posts.custom_excerpt] exceeds 300 characters.",
                )
            post = store.add(given) if self.command == "POST" else store.change(name, given)
            return {"posts": [shown(post, query)]}

        def one(self, by_slug: str | None, name: str) -> dict[str, Any]:
            if by_slug is None:
                return store.found(name)
            for post in store.posts.values():
                if post["slug"] == name:
                    return post
            raise Refused(404, "NotFoundError", "Post not found.")

        def listed(self, query: dict[str, str]) -> dict[str, Any]:
            wanted = re.fullmatch(r"status:(\w+)", query.get("filter", ""))
            posts = [
                post for post in store.posts.values() if not wanted or post["status"] == wanted[1]
            ]
            limit, page = int(query.get("limit", 15)), int(query.get("page", 1))
            shown_posts = [shown(post, query) for post in posts[(page - 1) * limit : page * limit]]
            following = page + 1 if page * limit < len(posts) else None
            return {
                "posts": shown_posts,
                "meta": {"pagination": {"page": page, "limit": limit, "next": following}},
            }

        def uploaded(self, body: bytes) -> dict[str, Any]:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = {}
            for part in BytesParser().parsebytes(head + body).walk():
                if name := part.get_param("name", header="content-disposition"):
                    parts[name] = (
                        part.get_filename(),
                        part.get_payload(decode=True),
                        part.get_content_type(),
                    )
            name, data, kind = parts["file"]
            if not str(kind).startswith("image/"):
                raise Refused(415, "UnsupportedMediaTypeError", "Please select a valid image.")
            store.pictures[name] = data
            url = f"{store.base}/content/images/{name}"
            return {"images": [{"url": url, "ref": parts["ref"][1].decode()}]}

        do_GET = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    return Handler


def shown(post: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    """A post as the API gives it: with its HTML only where that is asked for."""
    return {
        name: value
        for name, value in post.items()
        if name != "html" or query.get("formats") == "html"
    }


def check_token(header: str) -> None:
    """The token's form, key, signature, age and audience."""
    name, secret = KEY.split(":")
    try:
        scheme, token = header.split(" ")
        head, claims, signature = token.split(".")
        told, said = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, claims))
        mine = hmac.new(bytes.fromhex(secret), f"{head}.{claims}".encode(), hashlib.sha256).digest()
        well = (
            scheme == "Ghost"
            and told == {"alg": "HS256", "typ": "JWT", "kid": name}
            and said["aud"] == "/admin/"
        )
        well = (
            well
            and 0 < said["exp"] - said["iat"] <= 300
            and said["iat"] <= time.time() + 1 < said["exp"]
        )
        well = well and hmac.compare_digest(base64.urlsafe_b64decode(signature + "=="), mine)
    except (ValueError, KeyError):
        well = False
    if not well:
        raise Refused(401, "UnauthorizedError", "Invalid token")
