#!/usr/bin/env python3
"""Canonical form v1 once more, written from docs/canonical-form-v1.md alone, for images as simple as the golden one.

Usage: check.py IMAGE.tar; prints the digest of the canonical image, layer by layer and flattened.
"""
import hashlib, io, json, sys, tarfile

REG, LNK, SYM, CHR, BLK, DIR, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"


def octal(number, digits):
    return b"%0*o\0" % (digits, number if number < 8 ** digits else 0)


def block(path, kind, mode, uid, gid, size, link=b"", device=(0, 0)):
    head = path[:100].ljust(100, b"\0") + octal(mode, 7) + octal(uid, 7) + octal(gid, 7) + octal(size, 11) + octal(0, 11)
    tail = kind + link[:100].ljust(100, b"\0") + b"ustar\x0000" + bytes(64) + octal(device[0], 7) + octal(device[1], 7)
    whole = head + b" " * 8 + tail
    return head + b"%06o\0 " % sum(whole) + (tail + bytes(512 - len(whole)))


def record(key, value):
    rest = len(key) + len(value) + 3
    length = rest + 1
    while rest + len(str(length)) != length:
        length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def padded(data):
    return data + bytes(-len(data) % 512)


def entry(path, node, first):
    kind, link, data = node["kind"], node["link"], node["data"]
    xattrs = node["xattrs"]
    if first is not None:
        kind, link, data, xattrs = LNK, first, b"", {}
    if kind == DIR:
        path += b"/"
    records = {b"SCHILY.xattr." + name: value for name, value in xattrs.items()}
    for key, value in ((b"uid", node["uid"]), (b"gid", node["gid"])):
        if value > 0o7777777:
            records[key] = b"%d" % value
    for key, value in ((b"path", path), (b"linkpath", link)):
        if len(value) > 100:
            records[key] = value
            try:
                value.decode("utf-8")
            except UnicodeDecodeError:
                records[b"hdrcharset"] = b"BINARY"
    out = b""
    if records:
        text = b"".join(record(key, records[key]) for key in sorted(records))
        out = block(b"././@PaxHeader", b"x", 0o644, 0, 0, len(text)) + padded(text)
    return out + block(path, kind, node["mode"], node["uid"], node["gid"], len(data), link, node["device"]) + padded(data)


def archive(nodes, first_of=None):
    """nodes: path -> node; two paths with one node object are hard links."""
    out, seen = [], {}
    for path in sorted(nodes):
        node = nodes[path]
        if node["kind"] == LNK:  # to a lower layer
            out.append(entry(path, node, None))
            continue
        out.append(entry(path, node, seen.get(id(node))))
        seen.setdefault(id(node), path)
    return b"".join(out) + bytes(1024)


def raw(text):
    return text.encode("utf-8", "surrogateescape")


def read(data):
    """One layer: path -> node in order of the archive, whiteouts and opaque directories."""
    nodes, gone, opaque = {}, set(), set()
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as tar:
        for info in tar:
            path = b"/".join(part for part in raw(info.name).split(b"/") if part not in (b"", b"."))
            parent, _, name = path.rpartition(b"/")
            if name == b".wh..wh..opq":
                opaque.add(parent)
            elif name.startswith(b".wh."):
                gone.add((parent + b"/" if parent else b"") + name[4:])
            elif path:
                if info.type == LNK and raw(info.linkname) in nodes:
                    nodes[path] = nodes[raw(info.linkname)]
                    continue
                xattrs = {raw(key)[13:]: raw(value) for key, value in info.pax_headers.items() if key.startswith("SCHILY.xattr.")}
                nodes[path] = dict(
                    kind=info.type, mode=0o777 if info.type == SYM else info.mode, uid=info.uid, gid=info.gid,
                    link=raw(info.linkname), device=(info.devmajor, info.devminor) if info.type in (CHR, BLK) else (0, 0),
                    data=tar.extractfile(info).read() if info.type == REG else b"", xattrs=xattrs)
    return nodes, gone, opaque


def plain(kind, mode):
    return dict(kind=kind, mode=mode, uid=0, gid=0, link=b"", device=(0, 0), data=b"", xattrs={})


def layered(data):
    nodes, gone, opaque = read(data)
    for path in gone:
        parent, slash, name = path.rpartition(b"/")
        nodes[parent + slash + b".wh." + name] = plain(REG, 0)
    for path in opaque:
        nodes[path + b"/.wh..wh..opq"] = plain(REG, 0)
    return archive(nodes)


def flattened(layers):
    whole = {}
    for data in layers:
        nodes, gone, opaque = read(data)
        for path in list(whole):
            if any(path.startswith(folder + b"/") for folder in opaque) or any(path == g or path.startswith(g + b"/") for g in gone):
                del whole[path]
        for path in sorted(nodes):
            parents = path.split(b"/")[:-1]
            for depth in range(1, len(parents) + 1):
                whole.setdefault(b"/".join(parents[:depth]), plain(DIR, 0o755))
            node = nodes[path]
            whole[path] = whole[node["link"]] if node["kind"] == LNK else node
    return archive(whole)


def jcs(value):
    # Equal to RFC 8785 for the golden image: no floats, keys within the Basic Multilingual Plane.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def empty(value):
    return value in (None, False, "", [], {}) and value != 0 or value is False


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def manifest(config, layers, flat):
    out = {key: value for key, value in config.items() if not empty(value) and key not in
           ("author", "checksum", "container", "container_config", "created", "docker_version", "id", "parent", "Size", "VirtualSize", "throwaway")}
    out["config"] = {key: value for key, value in config["config"].items() if not empty(value) and key not in
                     ("AttachStderr", "AttachStdin", "AttachStdout", "Domainname", "Hostname", "Image", "MacAddress")
                     and (key, value) != ("WorkingDir", "/")}
    out["created"] = "1970-01-01T00:00:00Z"
    out["rootfs"] = {"type": "layers", "diff_ids": [digest(data) for data in layers]}
    out["history"] = [{"created_by": "canoni: flattened"}] if flat else [
        {key: value for key, value in item.items() if key not in ("created", "author") and not empty(value)} for item in config["history"]]
    text = jcs(out)
    return jcs({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(text), "size": len(text)},
                "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(data), "size": len(data)} for data in layers]})


with tarfile.open(sys.argv[1]) as image:
    get = lambda name: image.extractfile(name).read()
    item = json.loads(get("manifest.json"))[0]
    config, layers = json.loads(get(item["Config"])), [get(name) for name in item["Layers"]]
print(digest(manifest(config, [layered(data) for data in layers], False)))
print(digest(manifest(config, [flattened(layers)], True)))
