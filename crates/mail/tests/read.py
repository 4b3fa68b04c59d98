"""Reads mails with Python's own parsers, which share no code with this project: DIR/*.eml to a list of JSON objects."""
import base64, email, email.header, email.policy, email.utils, html.parser, json, pathlib, sys


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.links, self.words, self.skip = [], [], [], 0

    def handle_starttag(self, tag, attributes):
        self.tags.append([tag] + sorted(name for name, _ in attributes))
        self.links += [value for name, value in attributes if name in ("href", "src", "action", "background")]
        self.skip += tag == "style"
        if tag == "br":
            self.words.append("\n")

    def handle_endtag(self, tag):
        self.skip -= tag == "style"

    def handle_data(self, data):
        if not self.skip:
            self.words.append(data)


def mailboxes(field):
    # Not by the modern parser: some versions of it put a blank between two encoded words of a
    # name (RFC 2047, section 6.2).
    name, address = email.utils.parseaddr(field.replace("\r\n", "").replace("\n", ""))
    return [[str(email.header.make_header(email.header.decode_header(name))), address]]


def read(path):
    raw = path.read_bytes()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    old = email.message_from_bytes(raw)
    defects = [str(defect) for part in mail.walk() for defect in part.defects]
    defects += [f"{name}: {defect}" for part in mail.walk() for name, value in part.items() for defect in value.defects]
    page = Page()
    html = mail.get_body(("html",)).get_content()
    page.feed(html)
    page.close()
    return {
        "defects": defects,
        "fields": mail.keys(),
        "subject": mail["subject"],
        "from": mailboxes(old["from"]),
        "to": mailboxes(old["to"]) if len(mail["to"].addresses) == 1 else [],
        "date": mail["date"].datetime.timestamp(),
        "id": mail["message-id"],
        "types": [part.get_content_type() for part in mail.walk()],
        "type_fields": [len(part.get_all("content-type")) for part in mail.walk()],
        "text": mail.get_body(("plain",)).get_content(),
        "html": html,
        "tags": page.tags,
        "links": page.links,
        "words": "".join(page.words),
        "files": [
            [part.get_filename(), base64.b64encode(part.get_content()).decode()] for part in mail.iter_attachments()
        ],
        "longest": max(len(line) for line in raw.split(b"\r\n")),
        "bare": raw.replace(b"\r\n", b"").count(b"\n") + raw.replace(b"\r\n", b"").count(b"\r"),
    }


print(json.dumps([read(path) for path in sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))]))
