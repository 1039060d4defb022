"""Connections that mean an agent no good. Each coroutine is one of them; one that is closed comes again."""
import asyncio
import socket
import ssl

STATUS = b"GET /v1/status HTTP/1.1\r\nhost: s1\r\n\r\n"
DENIED = b"GET /v1/commands/x HTTP/1.1\r\nhost: s1\r\n\r\n"
HEAD = b"POST /v1/commands HTTP/1.1\r\nhost: s1\r\ncontent-length: 1048575\r\n\r\n"
PAUSE = 0.5


class Peers:
    def __init__(self, port, contexts):
        self.port, self.contexts = port, contexts
        self.made = {}

    async def _plain(self, number):
        # Some from the coordinator's own address, some from others.
        source = ("127.0.0.%d" % (1 + number % 4), 0)
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=source)

    async def _tls(self, number):
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.contexts[number % len(self.contexts)], server_hostname="s1"
        )

    @staticmethod
    async def _until_closed(reader):
        while await reader.read(65536):
            pass

    @staticmethod
    async def _drip(writer, text):
        for byte in text:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.5)
        while True:
            writer.write(text[-1:])
            await writer.drain()
            await asyncio.sleep(0.5)

    async def silent(self, number):
        reader, writer = await self._plain(number)
        yield writer
        await self._until_closed(reader)

    async def dripping_handshake(self, number):
        _, writer = await self._plain(number)
        yield writer
        await self._drip(writer, b"\x16\x03\x01\x02\x00\x01")

    async def unfinished_handshake(self, number):
        reader, writer = await self._plain(number)
        yield writer
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = self.contexts[0].wrap_bio(incoming, outgoing, server_hostname="s1")
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        writer.write(outgoing.read())
        await self._until_closed(reader)

    async def garbage(self, number):
        reader, writer = await self._plain(number)
        yield writer
        writer.write(b"garbage" * 100)
        await self._until_closed(reader)

    async def dripping_head(self, number):
        _, writer = await self._tls(number)
        yield writer
        await self._drip(writer, b"GET /v1/status HTTP/1.1\r\nx-a: ")

    async def half_body(self, number):
        reader, writer = await self._tls(number)
        yield writer
        writer.write(HEAD + b"x" * (1 << 19))
        await self._until_closed(reader)

    async def denied_flood(self, number):
        reader, writer = await self._tls(number)
        yield writer
        while True:
            writer.write(DENIED)
            if not await reader.read(65536):
                return

    async def status_flood(self, number):
        reader, writer = await self._tls(number)
        yield writer
        while True:
            writer.write(STATUS)
            if not await reader.read(65536):
                return

    async def never_reading(self, number):
        _, writer = await self._tls(number)
        yield writer
        writer.transport.pause_reading()
        writer.write(STATUS * 500)
        while not writer.is_closing():
            await asyncio.sleep(1)

    KINDS = (
        "silent", "dripping_handshake", "unfinished_handshake", "garbage", "dripping_head", "half_body",
        "denied_flood", "status_flood", "never_reading",
    )

    async def one(self, kind, number):
        while True:
            writer = None
            try:
                async for opened in getattr(self, kind)(number):
                    writer = opened
                    self.made[kind] = self.made.get(kind, 0) + 1
            except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
                pass
            finally:
                if writer:
                    writer.transport.abort()
            await asyncio.sleep(PAUSE)


def attack(port, contexts, count, kinds, ready):
    """Never ends by itself; `ready` is set once as many connections as asked for have come about."""
    async def main():
        peers = Peers(port, contexts)
        tasks = [
            asyncio.ensure_future(peers.one(kinds[n % len(kinds)], n // len(kinds)))
            for n in range(count)
        ]
        while sum(peers.made.values()) < count or len(peers.made) < len(kinds):
            await asyncio.sleep(0.05)
        ready.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())


def context(folder, name):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.set_ecdh_curve("prime256v1")
    made.load_verify_locations(folder / "ca.pem")
    made.load_cert_chain(folder / (name + ".pem"), folder / (name + ".key"))
    made.check_hostname = False
    return made


class Coordinator:
    """One that has just come: a connection of its own for every command."""
    def __init__(self, port, made):
        self.port, self.made = port, made

    def _ask(self, path, body, until):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain:
            with self.made.wrap_socket(plain, server_hostname="s1") as stream:
                head = "POST %s HTTP/1.1\r\nhost: s1\r\ncontent-length: %d\r\n\r\n" % (path, len(body))
                stream.sendall(head.encode() + body)
                answer = b""
                while until not in answer:
                    part = stream.recv(65536)
                    if not part:
                        raise OSError("hung up after %r" % answer[-300:])
                    answer += part
                return answer

    def lease(self):
        body = b'{"lease":{"runID":"bench","epoch":1},"secondsToLive":300,"takeOver":true}'
        return self._ask("/v1/lease", body, b'"holder"')

    def command(self, number):
        body = (
            '{"id":"bench-%d","lease":{"runID":"bench","epoch":1},"command":{"removeWall":{}}}' % number
        ).encode()
        return self._ask("/v1/commands", body, b'"accepted"')
