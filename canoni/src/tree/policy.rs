//! Which extended attributes a tree may carry.

use crate::error::{Error, Result, printable};

/// The treatment of an extended attribute (or an unknown tar keyword) that the canonical form does
/// not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum XattrPolicy {
    /// Refuse, naming the path and the attribute.
    #[default]
    Refuse,
    /// Leave it out.
    Drop,
}

/// Choices for making a tree out of layers or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TreeOptions {
    /// For attributes other than `security.capability` and `user.*`.
    pub xattrs: XattrPolicy,
    /// Accept relative symbolic links that climb above the root (`../..` too often). They are kept
    /// byte for byte; their meaning depends on where the image is unpacked, so by default they are
    /// refused.
    pub escaping_symlinks: bool,
    /// For [`Tree::from_directory`](crate::Tree::from_directory): owner and group of every entry
    /// instead of those on disk.
    pub owner: Option<(u32, u32)>,
}

impl TreeOptions {
    /// Applies the allow-list of canonical form v1.
    pub(crate) fn xattrs(
        &self,
        xattrs: Vec<(Vec<u8>, Vec<u8>)>,
        unknown: &[Vec<u8>],
        origin: &str,
        path: &[u8],
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        if self.xattrs == XattrPolicy::Refuse {
            let strange = xattrs
                .iter()
                .find(|(name, value)| !allowed(name) || value.is_empty())
                .map(|(name, _)| name);
            if let Some(name) = strange.or(unknown.first()) {
                let what = if strange.is_some() {
                    "extended attribute"
                } else {
                    "tar keyword"
                };
                let reason = format!(
                    "has the {what} {}, which the canonical form does not keep; --drop-xattrs leaves it out",
                    printable(name)
                );
                return Err(Error::path(origin, path, reason));
            }
        }
        let mut kept: Vec<_> = xattrs
            .into_iter()
            // PAX takes a record without a value away, which some engines do and others do not.
            .filter(|(name, value)| allowed(name) && !value.is_empty())
            .collect();
        kept.sort();
        Ok(kept)
    }

    pub(crate) fn symlink(&self, target: &[u8], origin: &str, path: &[u8]) -> Result<()> {
        if !self.escaping_symlinks && climbs_out(path, target) {
            let reason = format!(
                "is a symbolic link to {}, above the root; --allow-escaping-symlinks keeps it",
                printable(target)
            );
            return Err(Error::path(origin, path, reason));
        }
        Ok(())
    }
}

/// Whether the canonical form keeps an extended attribute. A tar archive cannot carry a name with
/// `=` (it ends a PAX keyword, so `user.a=b` with the value `c` would read as `user.a` with `b=c`)
/// or NUL.
pub(crate) fn allowed(name: &[u8]) -> bool {
    if name.contains(&b'=') || name.contains(&0) {
        return false;
    }
    name == b"security.capability"
        || name
            .strip_prefix(b"user.")
            .is_some_and(|rest| !rest.is_empty())
}

/// Whether a relative target, taken lexically, passes above the root on its way.
fn climbs_out(path: &[u8], target: &[u8]) -> bool {
    if target.first() == Some(&b'/') {
        return false;
    }
    let mut depth = path.split(|&byte| byte == b'/').count() - 1;
    for name in target.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbing_is_judged_from_the_links_folder() {
        for (path, target, out) in [
            ("a", "b", false),
            ("a", "..", true),
            ("a/b", "..", false),
            ("a/b", "../..", true),
            ("a/b", "../c/../..", true),
            ("a/b", "/../..", false),
            ("usr/bin/X11", ".", false),
            ("a/b/c", "./../../x/..", false),
        ] {
            assert_eq!(
                climbs_out(path.as_bytes(), target.as_bytes()),
                out,
                "{path} -> {target}"
            );
        }
    }

    #[test]
    fn only_listed_attributes_pass() {
        for (name, pass) in [
            ("security.capability", true),
            ("user.a", true),
            ("user.", false),
            ("security.selinux", false),
            ("user.a=b", false),
            ("user.a\0b", false),
        ] {
            let xattrs = vec![(name.as_bytes().to_vec(), vec![1])];
            let refuse = TreeOptions::default().xattrs(xattrs.clone(), &[], "layer", b"p");
            assert_eq!(refuse.is_ok(), pass, "{name}");
            let drop = TreeOptions {
                xattrs: XattrPolicy::Drop,
                ..TreeOptions::default()
            };
            assert_eq!(
                drop.xattrs(xattrs, &[b"K".to_vec()], "layer", b"p")
                    .unwrap()
                    .len(),
                usize::from(pass),
                "{name}"
            );
        }
        let error = TreeOptions::default()
            .xattrs(Vec::new(), &[b"SCHILY.fflags".to_vec()], "layer", b"p")
            .unwrap_err();
        assert!(error.to_string().contains("SCHILY.fflags"), "{error}");
    }
}
