//! Names of images.

/// Whether an image's name is the one that is wanted, `wanted` in full and `short` as it was given.
/// A tag alone, `:1`, is asked for as it stands in the archive: `1`.
pub(super) fn is_named(tag: &str, wanted: &str, short: &str) -> bool {
    full_name(tag) == wanted || tag.strip_prefix(':') == Some(short)
}

/// Docker's short names in full: `a` is `docker.io/library/a:latest`. A tag alone (`:1`) stays one.
pub(crate) fn full_name(reference: &str) -> String {
    if reference.starts_with(':') {
        return reference.to_owned();
    }
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let tagged = name
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    let (host, rest) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
            (host, rest.to_owned())
        }
        Some(_) => ("docker.io", name.to_owned()),
        None => ("docker.io", format!("library/{name}")),
    };
    match digest {
        Some(digest) => format!("{host}/{rest}@{digest}"),
        None if tagged => format!("{host}/{rest}"),
        None => format!("{host}/{rest}:latest"),
    }
}

/// `NAME-canoni:TAG` for `NAME:TAG`; none for a name with a digest or an image's ID.
pub fn canonical_name(reference: &str) -> Option<String> {
    if reference.contains('@') || reference.starts_with("sha256:") || reference.starts_with(':') {
        return None;
    }
    let full = full_name(reference);
    let (name, tag) = full.rsplit_once(':')?;
    Some(format!("{name}-canoni:{tag}"))
}

/// Whether Docker takes a text as the name of an image: `[HOST[:PORT]/]NAME[:TAG]`, names in lower
/// case, no digest.
pub fn is_name(text: &str) -> bool {
    let (name, tag) = match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (text, "latest"),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let name_ok = !name.is_empty()
        && name.split('/').enumerate().all(|(at, part)| {
            let host = at == 0 && name.contains('/');
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| (plain(b) && (host || !b.is_ascii_uppercase())) || (host && b == b':'))
        });
    let tag_ok =
        (1..=128).contains(&tag.len()) && tag.bytes().all(plain) && !tag.starts_with(['.', '-']);
    name_ok && tag_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_mean_what_docker_means() {
        for (short, full) in [
            ("a", "docker.io/library/a:latest"),
            ("a:1", "docker.io/library/a:1"),
            ("me/a", "docker.io/me/a:latest"),
            ("localhost/a:1", "localhost/a:1"),
            ("host:5000/a", "host:5000/a:latest"),
            ("docker.io/library/a:latest", "docker.io/library/a:latest"),
        ] {
            assert_eq!(full_name(short), full, "{short}");
        }
    }

    #[test]
    fn the_new_name_keeps_host_and_tag() {
        for (old, new) in [
            ("app", Some("docker.io/library/app-canoni:latest")),
            ("me/app:1", Some("docker.io/me/app-canoni:1")),
            ("host:5000/a/b", Some("host:5000/a/b-canoni:latest")),
            ("app@sha256:00", None),
            ("sha256:00", None),
        ] {
            assert_eq!(canonical_name(old).as_deref(), new, "{old}");
        }
    }
}
