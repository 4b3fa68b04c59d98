"""An SMTP server that shares no code with this project (aiosmtpd), on loopback: server.py CERTIFICATE KEY DIRECTORY.

Prints its port; takes the user "user" with the password "pässword"; writes each message it accepts to DIRECTORY."""
import asyncio, json, pathlib, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

certificate, key, directory = sys.argv[1:4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
count = 0


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such user"
        if address.startswith("later"):
            return "451 come back later"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        global count
        path = pathlib.Path(directory, f"{count:03}")
        count += 1
        path.with_suffix(".eml").write_bytes(envelope.original_content)
        path.with_suffix(".json").write_text(
            json.dumps([envelope.mail_from, envelope.rcpt_tos, session.ssl is not None, session.authenticated])
        )
        return "250 queued"


def authenticate(server, session, envelope, mechanism, data):
    fits = (data.login, data.password) == (b"user", "pässword".encode())
    return AuthResult(success=fits, handled=fits)


def session():
    return SMTP(
        Handler(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        auth_require_tls=True,
        authenticator=authenticate,
        enable_SMTPUTF8=True,
    )


async def main():
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
