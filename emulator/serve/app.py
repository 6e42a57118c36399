"""All servers as one aiohttp application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, DummyCookieJar, web
from yarl import URL

from .. import bacs, operator, rte, supplier
from ..identity.issuer import Issuer
from ..identity.verifier import Keys, LocalKeys, RemoteKeys, Verifier
from ..sessions import Sessions, Store, journal
from . import faults
from .auth import Login, authenticate
from .clock import Clock
from .config import ServeConfig
from .openapi import IDENTITY, merged
from .problem import Handler, problems

_LARGEST_BODY = 1_048_576


@asynccontextmanager
async def serving(config: ServeConfig, clock: Clock | None = None) -> AsyncIterator[str]:
    """Serve while the context lasts; gives the base URL. Raises OSError if the address is taken."""
    clock = clock or Clock(config.start, config.pace)
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        store = await Store.open(config.database)
        try:
            issuer = Issuer(config.audience, config.admin_role) if config.issuer is None else None
            remote = RemoteKeys(session, config.issuer) if config.issuer is not None else None
            application = _application(config, clock, store, session, issuer, remote)
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
            await runner.setup()
            try:
                await web.TCPSite(runner, config.host, config.port).start()
                base = str(URL.build(scheme="http", host=config.host, port=runner.addresses[0][1]))
                if issuer is not None:
                    issuer.base = base
                yield base
            finally:
                await runner.cleanup()
        finally:
            await store.close()


def _application(
    config: ServeConfig,
    clock: Clock,
    store: Store,
    session: ClientSession,
    issuer: Issuer | None,
    remote: RemoteKeys | None,
) -> web.Application:
    keys: Keys
    if issuer is not None:
        keys = LocalKeys(issuer.keys.public)
    else:
        assert remote is not None
        keys = remote
    verifier = Verifier(lambda: issuer.name if issuer else config.issuer or "", config.audience, keys)
    broken = faults.Faults()
    sessions = Sessions(store)
    application = web.Application(
        middlewares=[problems, faults.middleware(broken), authenticate(verifier, sessions.guest), journal(store)],
        client_max_size=_LARGEST_BODY,
    )
    application.add_routes(
        [
            *faults.routes(broken),
            *Login(issuer, remote).routes(),
            *(issuer.routes() if issuer else ()),
            *rte.routes(config, clock),
            *sessions.routes(),
            *supplier.routes(config, sessions, session),
            *bacs.routes(clock, sessions),
            *operator.routes(config, sessions, session),
            web.get("/health", _health),
            web.get("/openapi.json", _document(merged(supplier.OPENAPI, IDENTITY, bacs.OPENAPI, operator.OPENAPI))),
            web.get("/openapi-rte.json", _document(rte.OPENAPI)),
        ]
    )
    return application


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _document(document: dict[str, object]) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(document)

    return answer
