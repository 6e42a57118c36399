"""A real OpenID Connect provider that others wrote: its tokens are accepted, forgeries of them are not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
import os
from pathlib import Path
import shutil
import subprocess
import tempfile
import time

from aiohttp import ClientSession, encode_basic_auth
from forged import compact, forgeries, read
import pytest
from served import Served, served

from emulator.identity import verifier
from emulator.identity.verifier import RemoteKeys, TokenError, Verifier

pytestmark = [
    pytest.mark.usefixtures("socket_enabled"),
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node or npm is not here"),
]

HERE = Path(__file__).parent / "oidc"
LOCK = HERE / "package-lock.json"
AUDIENCE = "flex-ready-emulator"


@pytest.fixture(name="home", scope="session")
def installed() -> Path:
    """Return a folder of the cache in which the locked packages are installed, and the program beside them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flex-ready"
    files = [LOCK, HERE / "package.json", HERE / "server.js"]
    name = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    home = cache / f"oidc-{name}"
    if not home.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="oidc-") as making:
            for file in files:
                shutil.copy(file, making)
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(command, cwd=making, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, f"npm ci failed:\n{done.stdout}\n{done.stderr}"
            whole = Path(making) / "whole"
            whole.mkdir()
            for made in [*files, Path("node_modules")]:
                (Path(making) / made.name).rename(whole / made.name)
            try:
                whole.rename(home)
            except OSError:  # another run was quicker
                assert home.is_dir()
    return home


class Issuer:
    """The provider, and a client of it."""

    def __init__(self, url: str, http: ClientSession, process: asyncio.subprocess.Process) -> None:
        self.url = url
        self.http = http
        self.process = process

    async def stop(self) -> None:
        """End it."""
        self.process.kill()
        await self.process.communicate()

    async def token(self, kind: str = "RS256", scope: str = "read") -> str:
        """Return an access token of client credentials."""
        form = {"grant_type": "client_credentials", "resource": f"urn:token:{kind}", "scope": scope}
        basic = {"Authorization": encode_basic_auth("bacs", "bacs-secret")}
        async with self.http.post(f"{self.url}/token", data=form, headers=basic) as answer:
            assert answer.status == 200, await answer.text()
            token: str = (await answer.json())["access_token"]
            return token

    async def key(self, kid: str) -> dict[str, object]:
        """Return a public key."""
        async with self.http.get(f"{self.url}/jwks") as answer:
            keys = (await answer.json())["keys"]
        found: dict[str, object] = next(key for key in keys if key["kid"] == kid)
        return found


async def _started(home: Path, port: int) -> tuple[asyncio.subprocess.Process, str]:
    """Start the program and return what it says first; one that says nothing for long is started again."""
    for left in (2, 1, 0):
        process = await asyncio.create_subprocess_exec(
            *("node", "server.js", str(port)),
            cwd=home,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        try:
            return process, (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        except TimeoutError:
            process.kill()
            await process.communicate()
            if not left:
                raise
    raise AssertionError("there is a last time")


@asynccontextmanager
async def provider(home: Path, port: int = 0) -> AsyncIterator[Issuer]:
    """Run the provider; each run has keys of its own."""
    process, url = await _started(home, port)
    assert process.stderr
    try:
        if not url:
            pytest.fail((await process.stderr.read()).decode())
        async with ClientSession() as http:
            yield Issuer(url, http, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def status(world: Served, token: str) -> int:
    """Return what a token is answered."""
    return (await world.prices(token=token)).status


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_its_tokens_are_accepted(home: Path) -> None:
    """By every algorithm that we take; its scope is a role, its client the owner of sessions."""
    async with provider(home) as issuer, served(issuer=issuer.url) as world:
        login = (await world.get("/auth/login")).json
        assert login == {"login_url": f"{issuer.url}/auth", "issuer": issuer.url}
        for kind in ("RS256", "PS256", "ES256", "EdDSA"):
            token = await issuer.token(kind)
            header, said = read(token)
            assert (header["alg"], header["typ"], said["aud"]) == (kind, "at+jwt", AUDIENCE)
            assert await status(world, token) == 200, kind
        user, admin = await issuer.token(), await issuer.token(scope="admin read")
        session = await world.session(token=user)
        assert (await world.get(session, admin)).json["created_by"] == "bacs"
        (await world.get("/admin/signals", user)).problem(403, "insufficient-scope")
        assert (await world.get("/admin/signals", admin)).status == 200


async def test_forgeries_of_its_tokens_are_refused(home: Path) -> None:
    """Those of its public key, of another audience, algorithm or kind, of another provider, and when they are old."""
    async with provider(home) as issuer, served(issuer=issuer.url) as world, provider(home) as other:
        good = await issuer.token()
        header, said = read(good)
        assert await status(world, good) == 200
        for name, forged in forgeries(good, await issuer.key(header["kid"]), "http://127.0.0.1:9/").items():
            assert await status(world, forged) in (400, 401), name
        for kind in ("other", "RS512", "opaque"):
            (await world.prices(token=await issuer.token(kind))).problem(401, "invalid-token")
        assert await status(world, await other.token()) == 401
        relabelled = compact(header, said | {"iss": other.url}, lambda _: b"x" * 256)
        assert await status(world, relabelled) == 401
        async with ClientSession() as http:
            for seconds, message in ((700, "expired"), (-700, "future")):
                late = Verifier(
                    lambda: issuer.url, AUDIENCE, RemoteKeys(http, issuer.url), now=_at(time.time() + seconds)
                )
                with pytest.raises(TokenError, match=message):
                    await late.verify(good)


def _at(instant: float) -> Callable[[], float]:
    return lambda: instant


async def test_it_comes_back_with_another_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is down its tokens are good; after the cool-down the new key is known, and the old one gone."""
    async with provider(home) as issuer:
        port = int(issuer.url.rpartition(":")[2])
        async with served(issuer=issuer.url) as world:
            old = await issuer.token()
            assert await status(world, old) == 200
            await issuer.stop()
            assert await status(world, old) == 200
            async with provider(home, port) as again:
                new = await again.token()
                assert await status(world, new) == 401
                monkeypatch.setattr(verifier, "_COOL_DOWN_S", 0)
                assert await status(world, new) == 200
                assert await status(world, old) == 401
