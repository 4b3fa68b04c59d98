//! The files of the page, which are part of the program.

use super::answer::Refusal;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// Path, type and content of a file.
type File = (&'static str, &'static str, &'static [u8]);

const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";

macro_rules! file {
    ($path:literal, $kind:expr) => {
        (
            concat!("/", $path),
            $kind,
            include_bytes!(concat!("../../web/ui/", $path)),
        )
    };
}

static FILES: [File; 13] = [
    file!("index.html", "text/html; charset=utf-8"),
    file!("ui.css", "text/css; charset=utf-8"),
    file!("app.js", SCRIPT),
    file!("base.js", SCRIPT),
    file!("fields.js", SCRIPT),
    file!("send.js", SCRIPT),
    file!("tasks.js", SCRIPT),
    file!("templates.js", SCRIPT),
    file!("verify.js", SCRIPT),
    file!("locales/en-US.json", JSON),
    file!("locales/zh-TW.json", JSON),
    file!("vendor/pdfjs/pdf.min.mjs", SCRIPT),
    file!("vendor/pdfjs/pdf.worker.min.mjs", SCRIPT),
];

/// A file of the page.
pub(super) async fn file(method: Method, uri: Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        let text = "files are read by GET";
        return Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text).into_response();
    }
    let path = match uri.path() {
        "/" => "/index.html",
        path => path,
    };
    match FILES.iter().find(|(known, ..)| *known == path) {
        Some((_, kind, bytes)) => ([(CONTENT_TYPE, *kind)], *bytes).into_response(),
        None => Refusal::missing(format!("there is no file {path}")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::FILES;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// All files below a folder.
    fn walk(folder: &Path, found: &mut Vec<String>, root: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found, root);
            } else {
                let path = path.strip_prefix(root).unwrap();
                found.push(format!("/{}", path.display()));
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/ui");
        let mut found = Vec::new();
        walk(&root, &mut found, &root);
        let is_page = |path: &String| {
            let end = Path::new(path).extension();
            end.is_some_and(|end| end != "md")
        };
        let wanted: BTreeSet<String> = found.into_iter().filter(is_page).collect();
        let served: BTreeSet<String> = FILES.iter().map(|(path, ..)| (*path).to_owned()).collect();
        assert_eq!(served, wanted);
    }
}
