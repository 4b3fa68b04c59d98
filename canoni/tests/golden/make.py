#!/usr/bin/env python3
"""Makes image.tar, the golden image: a docker-archive with something of everything that the form has a rule for."""
import hashlib, io, json, sys, tarfile


def layer(*entries, fmt=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=fmt) as tar:
        for name, kind, extra in entries:
            info = tarfile.TarInfo(name)
            info.type, info.mtime, info.uname, info.gname = kind, 1700000000, "user", "group"
            info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
            data = extra.pop("data", b"")
            info.size = len(data)
            for key, value in extra.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


F, D, S, H, C, P = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE
base = layer(
    ("./", D, {}),
    ("usr", D, {}), ("usr/bin", D, {}),
    ("usr/bin/tool", F, dict(data=b"tool\n" * 200, mode=0o4755)),
    ("usr/bin/alias", H, dict(linkname="usr/bin/tool", mode=0o4755)),
    ("bin", S, dict(linkname="usr/bin")),
    ("etc/motd", F, dict(data=b"hello\n", uid=1000, gid=3_000_000)),
    ("etc", D, dict(mode=0o750)),
    ("etc-old", F, dict(data=b"sorts between etc and etc/motd\n")),
    ("usr/" + "long-" * 25 + "name", F, dict(data=b"long")),
    ("usr/link-to-long", S, dict(linkname="long-" * 25 + "name")),
    ("usr/\u00e9\udcff" + "x" * 100, F, dict(data=b"not UTF-8")),
    ("dev/console", C, dict(devmajor=5, devminor=1, mode=0o600)),
    ("run/pipe", P, {}),
    ("cap", F, dict(data=b"cap", pax_headers={"SCHILY.xattr.security.capability": "\x01\x00\x00\x02", "SCHILY.xattr.user.note": "n"})),
    ("deleted/file", F, dict(data=b"gone")),
    ("opaque/file", F, dict(data=b"hidden")),
)
upper = layer(
    ("usr/bin/tool", F, dict(data=b"new tool\n", mode=0o755)),
    (".wh.deleted", F, {}),
    ("opaque", D, {}), ("opaque/new", F, dict(data=b"new")), ("opaque/.wh..wh..opq", F, {}),
    ("motd", H, dict(linkname="etc/motd", uid=1000, gid=3_000_000)),
    ("etc/" + "d" * 60 + "/" + "f" * 60, F, dict(data=b"deep")),
    fmt=tarfile.GNU_FORMAT,
)
layers = [base, upper]
config = json.dumps({
    "created": "2026-11-23T01:02:03.000000004Z", "architecture": "amd64", "os": "linux", "author": "someone",
    "docker_version": "20.10.24", "container": "c0ffee",
    "config": {"Hostname": "c0ffee", "Env": ["PATH=/usr/bin", "B=1", "A=2"], "Cmd": None, "Entrypoint": ["/usr/bin/tool"],
               "Labels": {"z": "\u00e9\u20ac", "a": "<&>"}, "WorkingDir": "/", "Image": "sha256:0", "ExposedPorts": {"80/tcp": {}}},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest() for data in layers]},
    "history": [{"created": "2026-11-23T01:02:03Z", "created_by": "COPY / /"},
                {"created": "2026-11-23T01:02:04Z", "created_by": "ENV A=2", "empty_layer": True},
                {"created": "2026-11-23T01:02:05Z", "created_by": "COPY tool", "comment": "c"}],
}).encode()
name = hashlib.sha256(config).hexdigest() + ".json"
files = [("1/layer.tar", base), ("2/layer.tar", upper), (name, config), ("manifest.json", json.dumps(
    [{"Config": name, "RepoTags": ["golden:1"], "Layers": ["1/layer.tar", "2/layer.tar"]}]).encode())]
sys.stdout.buffer.write(layer(*[(path, F, dict(data=data)) for path, data in files]))
