//! The viewer of documents: pdf.js, and the frame that it works in. Only a page written with
//! `--with-viewer` has it, because it is thirty times as large as everything else together.

use std::fmt::Write;

pub(super) const STYLE: &str = include_str!("../../web/viewer/frame.css");
const FRAME: &str = include_str!("../../web/viewer/frame.js");
/// The sender's page has the same files; client/web/ui/vendor/pdfjs/README.md names their origin.
const LIBRARY: &str = include_str!("../../../client/web/ui/vendor/pdfjs/pdf.min.mjs");
const WORKER: &str = include_str!("../../../client/web/ui/vendor/pdfjs/pdf.worker.min.mjs");
const LICENSE: &str = include_str!("../../../client/web/ui/vendor/pdfjs/LICENSE");

/// The scripts of the frame, for the policy.
pub(super) const SCRIPTS: [&str; 2] = [LIBRARY, FRAME];

/// The parts as elements that no browser runs: the page puts them into its frame.
pub(super) fn elements() -> String {
    let mut elements = String::new();
    for (id, text) in [
        ("viewer-license", LICENSE),
        ("viewer-style", STYLE),
        ("viewer-library", LIBRARY),
        ("viewer-worker", WORKER),
        ("viewer-frame", FRAME),
    ] {
        // Writing to a `String` never fails.
        let _ = writeln!(
            elements,
            "<script type=\"text/plain\" id=\"{id}\">{text}</script>"
        );
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash in the policy is over the text that a browser sees: HTML turns CR into LF and NUL
    /// into U+FFFD, and `</script` ends an element.
    #[test]
    fn a_browser_sees_the_parts_as_they_are() {
        for text in [LICENSE, STYLE, LIBRARY, WORKER, FRAME] {
            for other in ["\r", "\0", "</script", "</style", "<script", "<!--"] {
                assert!(!text.contains(other), "{other:?}");
            }
        }
    }
}
