//! Looks up paths, users and groups in a file tree, as the running enclave would.

use crate::error::{Error, Result};
use canoni::{Entry, Kind, Tree};
use letsesign_escape::bytes as printable;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Read;

/// As many symbolic links as Linux follows (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;
/// Largest `/etc/passwd` or `/etc/group` that is read.
const MAX_DATABASE: u64 = 1 << 20;

/// The user and the groups of the process, by number; a member of `config.json`.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) additional_gids: Vec<u32>,
    pub(crate) gid: u32,
    pub(crate) uid: u32,
}

/// The target of a path.
enum Found<'a> {
    Root,
    Entry(usize, &'a Entry),
}

/// Follows symbolic links within the tree; absolute targets start at the tree's root.
fn find<'a>(tree: &'a Tree, path: &str) -> Option<Found<'a>> {
    // A stack of the names to follow, the next one on top: a link pushes its target's names. `done`
    // cannot shrink below the root, so ".." does not lead out of the image.
    let mut todo: Vec<Vec<u8>> = components(path.as_bytes());
    let mut done: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    let mut last = Found::Root;
    while let Some(name) = todo.pop() {
        match name.as_slice() {
            b"." => continue,
            b".." => {
                done.pop();
                last = match tree.find(&done.join(&b'/')) {
                    Some((index, entry)) => Found::Entry(index, entry),
                    None => Found::Root,
                };
                continue;
            }
            _ => {}
        }
        if let Found::Entry(_, entry) = last
            && entry.kind != Kind::Dir
        {
            return None;
        }
        done.push(name);
        let (mut index, mut entry) = tree.find(&done.join(&b'/'))?;
        if let Kind::HardLink { target } = entry.kind {
            (index, entry) = (target, tree.entries().get(target)?);
        }
        if let Kind::Symlink { target } = &entry.kind {
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            done.pop();
            if target.first() == Some(&b'/') {
                done.clear();
            }
            last = match tree.find(&done.join(&b'/')) {
                Some((index, entry)) => Found::Entry(index, entry),
                None => Found::Root,
            };
            todo.extend(components(target));
        } else {
            last = Found::Entry(index, entry);
        }
    }
    Some(last)
}

/// A path's names, last first.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .rev()
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// Whether a path leads to a directory.
pub(crate) fn is_directory(tree: &Tree, path: &str) -> bool {
    match find(tree, path) {
        Some(Found::Root) => true,
        Some(Found::Entry(_, entry)) => entry.kind == Kind::Dir,
        None => false,
    }
}

/// Checks that `execvp` would find the program: an enclave whose program is missing fails only when
/// it boots.
pub(crate) fn check_program(
    tree: &Tree,
    program: &str,
    cwd: &str,
    env: &[String],
) -> Result<(), String> {
    if program.contains('/') {
        let path = if program.starts_with('/') {
            program.to_owned()
        } else {
            format!("{cwd}/{program}")
        };
        return match find(tree, &path) {
            Some(Found::Entry(_, entry)) if executable(entry) => Ok(()),
            Some(_) => Err(format!(
                "{program} is not an executable file in the image; give it execute permission or name another"
            )),
            None => Err(format!(
                "{program} is not in the image; correct Entrypoint or Cmd, or give --exec"
            )),
        };
    }
    let path = env
        .iter()
        .find_map(|variable| variable.strip_prefix("PATH="));
    let Some(path) = path else {
        return Err(format!(
            "{program} has no path and the image sets no PATH; give its full path or set PATH (--env PATH=...)"
        ));
    };
    let is_there = |folder: &str| matches!(find(tree, &format!("{folder}/{program}")), Some(Found::Entry(_, entry)) if executable(entry));
    if path.split(':').any(is_there) {
        Ok(())
    } else {
        Err(format!(
            "{program} is in none of the folders of PATH={path}; give its full path"
        ))
    }
}

fn executable(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::File { .. }) && entry.mode & 0o111 != 0
}

/// Resolves `USER[:GROUP]` as container engines do: names by `/etc/passwd` and `/etc/group` of the
/// image; a number needs no entry there. Without a group the user's own is taken, and the groups
/// that list the user are added.
pub(crate) fn user(tree: &Tree, text: &str) -> Result<User> {
    let user = resolve(tree, text)?;
    // To setresuid(2) this number means "do not change": the program would stay root.
    if user.uid == u32::MAX || user.gid == u32::MAX {
        return Err(Error::Config(format!(
            "{} is not a user or group number",
            u32::MAX
        )));
    }
    Ok(user)
}

fn resolve(tree: &Tree, text: &str) -> Result<User> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let passwd = lines(tree, "/etc/passwd")?;
    let groups = lines(tree, "/etc/group")?;
    let number = user.parse::<u32>().ok();
    let entry = passwd
        .iter()
        .find(|line| field(line, 0) == Some(user) || (number.is_some() && id(line, 2) == number));
    let Some(uid) = entry.and_then(|line| id(line, 2)).or(number) else {
        return Err(Error::Config(format!(
            "user {user:?} is not in the image's /etc/passwd; add it there or give a number (--user UID:GID)"
        )));
    };
    if let Some(group) = group.filter(|group| !group.is_empty()) {
        let number = group.parse::<u32>().ok();
        let named = groups
            .iter()
            .find(|line| field(line, 0) == Some(group))
            .and_then(|line| id(line, 2));
        let gid = named.or(number).ok_or_else(|| {
            Error::Config(format!(
                "group {group:?} is not in the image's /etc/group; add it there or give a number (--user UID:GID)"
            ))
        })?;
        // As in container engines, a group that is named leaves no additional groups.
        return Ok(User {
            additional_gids: Vec::new(),
            gid,
            uid,
        });
    }
    let gid = entry.and_then(|line| id(line, 3)).unwrap_or(0);
    let name = entry.and_then(|line| field(line, 0));
    let member = |line: &&String| {
        field(line, 3).is_some_and(|list| list.split(',').any(|member| Some(member) == name))
    };
    let additional: BTreeSet<u32> = groups
        .iter()
        .filter(member)
        .filter_map(|line| id(line, 2))
        .filter(|id| *id != gid)
        .collect();
    Ok(User {
        additional_gids: additional.into_iter().collect(),
        gid,
        uid,
    })
}

fn field(line: &str, index: usize) -> Option<&str> {
    line.split(':').nth(index)
}

fn id(line: &str, index: usize) -> Option<u32> {
    field(line, index)?.parse().ok()
}

/// Lines of a database of the image; none when it has no such file.
fn lines(tree: &Tree, path: &str) -> Result<Vec<String>> {
    let Some(Found::Entry(index, entry)) = find(tree, path) else {
        return Ok(Vec::new());
    };
    let Kind::File { size } = entry.kind else {
        return Ok(Vec::new());
    };
    if size > MAX_DATABASE {
        return Err(Error::Config(format!(
            "the image's {path} has {size} bytes; the limit is {MAX_DATABASE}"
        )));
    }
    let mut bytes = Vec::new();
    tree.open(index)?
        .read_to_end(&mut bytes)
        .map_err(Error::read(printable(path.as_bytes())))?;
    Ok(String::from_utf8_lossy(&bytes)
        .lines()
        .map(str::to_owned)
        .collect())
}
