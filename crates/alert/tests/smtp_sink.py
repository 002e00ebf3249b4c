"""A mail server for tests: smtp_sink.py MODE DIRECTORY [CERTIFICATE KEY]

Prints its port, then writes each message that it accepts to DIRECTORY as <n>.eml.
Modes: accept, hang, refuse550, later451, drop, nostarttls, refuse-second, auth-echo.
A file DIRECTORY/mode, when there is one, overrides the mode, so that a test can mend the server.
"""

import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

MODE, DIRECTORY = sys.argv[1], sys.argv[2]
count = 0
greeted_later = set()


def mode():
    try:
        with open(os.path.join(DIRECTORY, "mode"), encoding="utf-8") as file:
            return file.read().strip() or MODE
    except FileNotFoundError:
        return MODE


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode() == "refuse550" or (mode() == "refuse-second" and address.startswith("second")):
            return "550 5.1.1 no such person"
        if mode() == "later451" and address not in greeted_later:
            greeted_later.add(address)
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global count
        count += 1
        path = os.path.join(DIRECTORY, f"{count}.eml")
        with open(path + ".part", "wb") as file:
            file.write(b"X-Rcpt: " + ", ".join(envelope.rcpt_tos).encode() + b"\r\n")
            file.write(envelope.content)
        os.rename(path + ".part", path)
        if mode() == "drop":
            server.transport.abort()
            await asyncio.sleep(3600)
        return f"250 queued as {count}"


class Server(SMTP):
    def connection_made(self, transport):
        if mode() == "hang" and not transport.get_extra_info("ssl_object"):
            self.transport = transport
            self.hung = True
            return
        super().connection_made(transport)

    def connection_lost(self, error):
        if not getattr(self, "hung", False):
            super().connection_lost(error)

    def data_received(self, data):
        if not getattr(self, "hung", False):
            super().data_received(data)

    def eof_received(self):
        return None if getattr(self, "hung", False) else super().eof_received()


def authenticate(server, session, envelope, mechanism, data):
    password = data.password.decode()
    if mode() == "auth-echo":
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 wrong: {password}")
    return AuthResult(success=True)


async def main():
    tls = None
    if len(sys.argv) > 4 and MODE != "nostarttls":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[3], sys.argv[4])
    loop = asyncio.get_running_loop()

    def server():
        return Server(
            Handler(), hostname="sink.test", tls_context=tls, require_starttls=tls is not None,
            authenticator=authenticate, auth_require_tls=tls is not None,
        )

    listener = await loop.create_server(server, "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


asyncio.run(main())
