#!/usr/bin/env python3
"""Signs one-ramdisk.eif with keys on P-256 and P-521: another one of the format.

    pip install cbor2 cryptography; enclave/eif/tests/vectors/sign.py

Writes es256.eif and es512.eif with the PCRs beside them, es256-tagged.eif, and inputs/p256.pem,
p521.pem (keys that belong to nobody) and their certificates. Signatures are random: any run gives
valid vectors. Needs Python's `cryptography` and `cbor2`.
"""

import datetime
import hashlib
import json
import os
import struct
import zlib

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def measure(contents):
    return hashlib.sha384(bytes(48) + hashlib.sha384(contents).digest()).digest()


def sections(image):
    count = struct.unpack(">H", image[26:28])[0]
    offsets = struct.unpack(">32Q", image[28:284])[:count]
    sizes = struct.unpack(">32Q", image[284:540])[:count]
    kind = lambda at: struct.unpack(">H", image[at : at + 2])[0]
    return [(kind(at), image[at + 12 : at + 12 + size]) for at, size in zip(offsets, sizes)]


def image(fields, parts):
    offsets, sizes, body = [0] * 32, [0] * 32, b""
    for index, (kind, contents) in enumerate(parts):
        offsets[index], sizes[index] = 548 + len(body), len(contents)
        body += struct.pack(">HHQ", kind, 0, len(contents)) + contents
    head = fields + struct.pack(">H32Q32QI", len(parts), *offsets, *sizes, 0)
    return head + struct.pack(">I", zlib.crc32(head + body)) + body


def key_and_certificate(name, curve, digest):
    key = ec.generate_private_key(curve)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "eif test " + name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2026, 1, 1))
        .not_valid_after(datetime.datetime(2036, 1, 1))
        .sign(key, digest)
        .public_bytes(serialization.Encoding.PEM)
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    open(f"inputs/{name}.pem", "wb").write(pem)
    open(f"inputs/{name}-cert.pem", "wb").write(certificate)
    return key, certificate


def signed(key, certificate, algorithm, digest, size, tag):
    base = open("one-ramdisk.eif", "rb").read()
    parts = sections(base)
    of = lambda wanted: b"".join(contents for kind, contents in parts if kind == wanted)
    pcr0 = measure(of(1) + of(2) + of(3))
    protected = cbor2.dumps({1: algorithm})
    payload = cbor2.dumps({"register_index": 0, "register_value": list(pcr0)})
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
    sign1 = [protected, {}, payload, r.to_bytes(size, "big") + s.to_bytes(size, "big")]
    sign1 = cbor2.dumps(cbor2.CBORTag(18, sign1) if tag else sign1)
    entry = {"signing_certificate": list(certificate), "signature": list(sign1)}
    return image(base[:26], parts + [(4, cbor2.dumps([entry]))])


for name, curve, digest, algorithm, size in [
    ("p256", ec.SECP256R1(), hashes.SHA256(), -7, 32),
    ("p521", ec.SECP521R1(), hashes.SHA512(), -36, 66),
]:
    key, certificate = key_and_certificate(name, curve, digest)
    vector = {"p256": "es256", "p521": "es512"}[name]
    open(vector + ".eif", "wb").write(signed(key, certificate, algorithm, digest, size, False))
    der = x509.load_pem_x509_certificate(certificate).public_bytes(serialization.Encoding.DER)
    pcrs = json.load(open("one-ramdisk.json"))
    pcrs["PCR8"] = measure(der).hex()
    json.dump(pcrs, open(vector + ".json", "w"), indent=2)
    if name == "p256":
        tagged = signed(key, certificate, algorithm, digest, size, True)
        open("es256-tagged.eif", "wb").write(tagged)
