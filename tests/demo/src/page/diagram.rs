//! Diagrams as SVG inside the page, whose style defines the colours.

use super::parties;
use crate::model::{Crossing, Guard, Party};
use crate::show;

/// Width of a diagram, and the smallest width of a column.
const WIDTH: usize = 1000;
const COLUMN_MIN: usize = 138;
const HEAD: usize = 42;
const ROW: usize = 46;

/// Escapes text for SVG and HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// A sequence diagram: parties as columns, time downwards, messages as arrows. Empty without
/// messages.
pub(super) fn sequence(crossings: &[Crossing]) -> String {
    if crossings.is_empty() {
        return String::new();
    }
    let columns = parties(crossings);
    let column = (WIDTH / columns.len().max(1)).max(COLUMN_MIN);
    let place = |party: Party| {
        let at = columns.iter().position(|other| *other == party);
        column / 2 + column * at.unwrap_or_default()
    };
    let (width, height) = (column * columns.len(), HEAD + ROW * crossings.len() + 14);
    let mut svg = format!(
        "<svg class=\"sequence\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"Messages of this step\">"
    );
    for party in &columns {
        let (x, class) = (place(*party), format!("{party:?}").to_lowercase());
        if matches!(party, Party::Enclave | Party::Host) {
            svg += &format!(
                "<rect class=\"lane {class}\" x=\"{}\" y=\"2\" width=\"{}\" height=\"{}\" rx=\"10\"/>",
                x - column / 2 + 4,
                column - 8,
                height - 4
            );
        }
        svg += &format!(
            "<line class=\"life\" x1=\"{x}\" x2=\"{x}\" y1=\"{HEAD}\" y2=\"{}\"/><text class=\"party\" x=\"{x}\" y=\"26\">{}</text>",
            height - 8,
            party.name()
        );
    }
    for (row, crossing) in crossings.iter().enumerate() {
        svg += &arrow(crossing, &place, HEAD + ROW * row + 30);
    }
    svg + "</svg>"
}

fn arrow(crossing: &Crossing, place: &dyn Fn(Party) -> usize, y: usize) -> String {
    let (from, to) = (place(crossing.from), place(crossing.to));
    let guard = format!("{:?}", crossing.guard).to_lowercase();
    let (tip, back) = if to > from {
        (to - 3, to - 12)
    } else {
        (to + 3, to + 12)
    };
    let mut svg = format!(
        "<g class=\"arrow {guard}\"><line x1=\"{from}\" x2=\"{back}\" y1=\"{y}\" y2=\"{y}\"/>"
    );
    svg += &format!(
        "<path d=\"M{tip} {y} L{back} {} L{back} {} Z\"/>",
        y - 5,
        y + 5
    );
    // Put the label beyond the host's column, because its marker is on the line.
    let host = place(Party::Host);
    let (left, right) = if crossing.by_host() {
        (host, from.max(to))
    } else {
        (from.min(to), from.max(to))
    };
    svg += &format!(
        "<text x=\"{}\" y=\"{}\">{}<tspan class=\"size\"> {}</tspan></text>",
        usize::midpoint(left, right),
        y - 7,
        escape(&shorten(&crossing.what, (right - left) / 7)),
        show::size(crossing.bytes)
    );
    if crossing.by_host() {
        svg += &format!(
            "<title>{}</title><circle cx=\"{host}\" cy=\"{y}\" r=\"11\"/>{}",
            escape(&crossing.host),
            marker(crossing.guard, host, y)
        );
    }
    svg + "</g>"
}

/// Cuts a label to this many characters; the last ten are for the size.
fn shorten(text: &str, room: usize) -> String {
    show::start(text, room.saturating_sub(9).max(6))
}

/// A closed lock, or an eye for what the host can read.
fn marker(guard: Guard, x: usize, y: usize) -> String {
    match guard {
        Guard::Sealed | Guard::Tls => format!(
            "<g class=\"glyph\"><rect x=\"{}\" y=\"{}\" width=\"10\" height=\"7\" rx=\"1.5\"/><path d=\"M{} {}v-2a3 3 0 0 1 6 0v2\"/></g>",
            x - 5,
            y - 2,
            x - 3,
            y - 2
        ),
        Guard::Clear | Guard::Attested => format!(
            "<g class=\"glyph eye\"><path d=\"M{} {y}q6 -7 12 0q-6 7 -12 0z\"/><circle cx=\"{x}\" cy=\"{y}\" r=\"1.8\"/></g>",
            x - 6
        ),
    }
}

/// A map of the parties and the trust boundaries.
pub(super) fn map() -> String {
    let arrow = |class: &str, from: (u16, u16), to: (u16, u16), label: &str, at: (u16, u16)| {
        format!(
            "<line class=\"wire {class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" marker-end=\"url(#tip)\" marker-start=\"url(#tip)\"/><text class=\"label\" x=\"{}\" y=\"{}\">{label}</text>",
            from.0, from.1, to.0, to.1, at.0, at.1
        )
    };
    let node = |class: &str, x: u16, y: u16, width: u16, height: u16, title: &str, text: &str| {
        format!(
            "<rect class=\"node {class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"12\"/>\
             <text class=\"title\" x=\"{0}\" y=\"{1}\">{title}</text><text class=\"small\" x=\"{0}\" y=\"{2}\">{text}</text>",
            x + width / 2,
            y + height / 2 - 4,
            y + height / 2 + 15
        )
    };
    let mut svg = String::from(
        "<svg class=\"map\" viewBox=\"0 0 1000 430\" role=\"img\" aria-label=\"Parties and trust boundaries\">\
         <defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"8\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\">\
         <path d=\"M0 0 L10 5 L0 10 z\" class=\"tip\"/></marker></defs>\
         <rect class=\"zone host\" x=\"252\" y=\"34\" width=\"338\" height=\"330\" rx=\"20\"/>\
         <text class=\"zone-name host\" x=\"421\" y=\"62\">Host: trusted with nothing</text>\
         <text class=\"small\" x=\"421\" y=\"348\">it carries every byte; it sees sizes and times</text>\
         <rect class=\"zone enclave\" x=\"302\" y=\"88\" width=\"238\" height=\"222\" rx=\"16\"/>\
         <text class=\"zone-name enclave\" x=\"421\" y=\"114\">Nitro Enclave: measured</text>",
    );
    svg += &node(
        "enclave",
        324,
        132,
        194,
        84,
        "Signing server",
        "clear text, in memory only",
    );
    svg += &node("enclave", 324, 232, 194, 56, "NSM", "attests hashes");
    svg += &node("", 14, 150, 150, 84, "Sender", "has the document");
    svg += &node("", 716, 24, 150, 70, "AWS KMS", "keys for this image alone");
    svg += &node(
        "",
        716,
        136,
        150,
        70,
        "Mail provider",
        "brings and reads mails",
    );
    svg += &node("", 716, 248, 150, 70, "Twilio", "brings the PIN");
    svg += &node("", 908, 150, 84, 84, "Signers", "read, confirm");
    svg += &node(
        "verify",
        300,
        380,
        242,
        46,
        "Relying party",
        "PDF + proof, offline, for ever",
    );
    svg += &arrow("sealed", (166, 176), (320, 176), "sealed", (210, 168));
    svg += &arrow("tls", (522, 150), (712, 60), "TLS", (650, 78));
    svg += &arrow("tls", (522, 174), (712, 171), "TLS", (656, 164));
    svg += &arrow("tls", (522, 200), (712, 280), "TLS", (652, 244));
    svg += "<line class=\"wire\" x1=\"868\" y1=\"171\" x2=\"904\" y2=\"182\" marker-end=\"url(#tip)\"/>\
            <line class=\"wire\" x1=\"868\" y1=\"283\" x2=\"918\" y2=\"238\" marker-end=\"url(#tip)\"/>\
            <path class=\"wire\" d=\"M950 236 V402 H548\" fill=\"none\" marker-end=\"url(#tip)\"/>\
            <path class=\"wire\" d=\"M89 236 V402 H294\" fill=\"none\" marker-end=\"url(#tip)\"/>\
            <text class=\"label\" x=\"744\" y=\"394\">signed PDF and proof</text>\
            <text class=\"label\" x=\"190\" y=\"394\">signed PDF and proof</text>";
    svg + "</svg>"
}
