"""One TCP connection of a client to a simulated host."""

from __future__ import annotations

import asyncio
import base64
import functools
import logging

from apps.lab.world.faults import WireFault
from apps.lab.wsman import http, sealing, soap, troubles
from apps.lab.wsman.service import Caller, ConnectionCut, Service
from apps.lab.wsman.signin import SignIn

log = logging.getLogger(__name__)


class Connection:
    """One TCP connection: requests in turn, the sign-in that holds for all of them."""

    def __init__(
        self,
        service: Service,
        signin: SignIn,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: str,
    ) -> None:
        self._service = service
        self._signin = signin
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._booted_at = service.host.booted_at
        self._trouble: WireFault | None = None  # what the answer under way meets
        self._is_tls = writer.get_extra_info("ssl_object") is not None

    async def serve(self) -> None:
        """Answers until the client closes; raises ConnectionCut when the host breaks off."""
        while True:
            try:
                request = await http.read_request(self._reader, self._service.most_bytes)
            except http.BadRequest as problem:
                await self._write(http.Response(problem.status, headers=[("Connection", "close")]))
                return
            if request is None:
                return
            host = self._service.host
            if not host.powered_on or host.booted_at != self._booted_at:
                raise ConnectionCut
            self._service.host.count_request()
            self._trouble = host.wire_fault("")
            response = http.Response(200)
            if self._trouble is None or self._trouble.done:
                response = await self._answer(request)
            await self._write(troubles.instead(self._trouble, response, self._signin.offers))

    async def _write(self, response: http.Response) -> None:
        await troubles.write(self._trouble, response, self._reader, self._writer)

    async def _perform(self, envelope: bytes, caller: Caller) -> tuple[int, bytes]:
        host = self._service.host
        if self._trouble is None:
            self._trouble = host.wire_fault(soap.action_of(envelope))
        answer = functools.partial(self._service.answer, envelope, caller)
        return await troubles.envelope(self._trouble, envelope, host.fqdn, answer)

    async def _answer(self, request: http.Request) -> http.Response:
        if request.method != "POST":
            return http.Response(405, headers=[("Allow", "POST")])
        if request.path.partition("?")[0].rstrip("/").lower() != "/wsman":
            return http.Response(404)
        if request.header("wsmanidentify") and soap.is_identify(request.body):
            return http.Response(200, soap.identity(), sealing.SOAP_TYPE)
        token: list[tuple[str, str]] = []
        self._signin.next_request()
        if request.header("authorization"):
            refusal, token = self._sign_in(request.header("authorization"))
            if refusal is not None:
                return refusal
        if not self._signin.principal:
            return http.Response(401, headers=self._signin.offers)
        if not request.body:
            return http.Response(200, headers=token)
        return await self._operation(request, token)

    def _sign_in(self, header: str) -> tuple[http.Response | None, list[tuple[str, str]]]:
        """The 401 that carries the sign-in on, or None and the headers of its last token."""
        step = self._signin.take(header)
        if step.refused:
            return http.Response(401, headers=self._signin.offers), []
        token = []
        if step.token is not None:
            value = _token_header(self._signin.scheme, step.token)
            token = [("WWW-Authenticate", value)]
        if not self._signin.principal:
            return http.Response(401, headers=token), []
        return None, token

    async def _operation(
        self, request: http.Request, headers: list[tuple[str, str]]
    ) -> http.Response:
        caller = Caller(self._signin.principal, self._peer)
        protocol = sealing.protocol_of(request.header("content-type"))
        if not protocol:
            if not self._is_tls:  # AllowUnencrypted is off, as on every host out of the box
                return http.Response(500)
            status, body = await self._perform(request.body, caller)
            return http.Response(status, body, sealing.SOAP_TYPE, headers)
        keys = self._signin.keys
        try:
            if keys is None:
                raise sealing.NotSealed("nobody has signed in with keys on this connection")
            envelope = sealing.unseal(keys, protocol, request.body)
        except sealing.NotSealed as problem:
            log.debug("refused a sealed envelope: %s", problem)
            return http.Response(500)
        status, body = await self._perform(envelope, caller)
        sealed, content_type = sealing.seal(keys, protocol, body)
        return http.Response(status, sealed, content_type, headers)


def _token_header(scheme: str, token: bytes) -> str:
    """A sign-in token as a WWW-Authenticate value."""
    return f"{scheme} {base64.b64encode(token).decode()}"
