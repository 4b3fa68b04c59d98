//! Random trees, and archives of them in every spelling.

use super::*;
use canoni::{Content, Device, Metadata, Tree, TreeBuilder};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The type of a path of the model.
#[derive(Debug, Clone)]
pub enum Node {
    File(Vec<u8>),
    Dir,
    Symlink(String),
    Link(String),
    Char(u32, u32),
    Fifo,
}

#[derive(Debug, Clone)]
pub struct Item {
    node: Node,
    mode: u32,
    uid: u32,
    gid: u32,
    xattr: Option<Vec<u8>>,
}

pub type Model = BTreeMap<String, Item>;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-c.0-]{1,2}", 1 => "é{1,60}", 1 => "n{90,140}"]
        .prop_filter("no name", |name| !matches!(name.as_str(), "." | ".."))
}

pub fn model() -> impl Strategy<Value = Model> {
    let node = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..1500).prop_map(Node::File),
        2 => Just(Node::Dir),
        1 => "[a-z/]{1,130}".prop_map(Node::Symlink),
        1 => any::<prop::sample::Index>().prop_map(|_| Node::Link(String::new())),
        1 => (0..4096_u32, 1..1_048_576_u32).prop_map(|(major, minor)| Node::Char(major, minor)),
        1 => Just(Node::Fifo),
    ];
    let ids = prop_oneof![Just(0), Just(65532), Just(2_097_152), any::<u32>()];
    let item = (
        node,
        0..0o10000_u32,
        ids.clone(),
        ids,
        proptest::option::of(proptest::collection::vec(any::<u8>(), 1..9)),
    )
        .prop_map(|(node, mode, uid, gid, xattr)| Item {
            node,
            mode,
            uid,
            gid,
            xattr,
        });
    proptest::collection::vec(
        (
            proptest::collection::vec(name(), 1..4),
            item,
            any::<prop::sample::Index>(),
        ),
        0..24,
    )
    .prop_map(|list| {
        let mut model = Model::new();
        for (path, mut item, pick) in list {
            // Parents come from the model itself, so that every path is possible.
            let parents: Vec<String> = (1..path.len())
                .map(|depth| path[..depth].join("/"))
                .collect();
            let blocked = parents.iter().any(|parent| {
                model
                    .get(parent)
                    .is_some_and(|item| !matches!(item.node, Node::Dir))
            });
            for parent in parents.into_iter().filter(|_| !blocked) {
                let dir = Item {
                    node: Node::Dir,
                    mode: 0o755,
                    uid: 0,
                    gid: 0,
                    xattr: None,
                };
                model.entry(parent).or_insert(dir);
            }
            let path = path.join("/");
            if blocked || model.contains_key(&path) {
                continue;
            }
            if let Node::Link(target) = &mut item.node {
                let files: Vec<_> = model
                    .iter()
                    .filter(|(_, item)| matches!(item.node, Node::File(_) | Node::Fifo))
                    .collect();
                if files.is_empty() {
                    continue;
                }
                let (to, file) = files[pick.index(files.len())];
                target.clone_from(to);
                (item.mode, item.uid, item.gid) = (file.mode, file.uid, file.gid);
                item.xattr.clone_from(&file.xattr);
            }
            if matches!(item.node, Node::Symlink(_)) {
                item.mode = 0o777;
                item.xattr = None;
            }
            model.insert(path, item);
        }
        model
    })
}

pub fn tree(model: &Model) -> Tree {
    let mut builder = TreeBuilder::new();
    let links = model
        .iter()
        .filter(|(_, item)| matches!(item.node, Node::Link(_)));
    for (path, item) in model
        .iter()
        .filter(|(_, item)| !matches!(item.node, Node::Link(_)))
        .chain(links)
    {
        let xattrs = item
            .xattr
            .iter()
            .map(|value| (b"user.x".to_vec(), value.clone()))
            .collect();
        let metadata = Metadata {
            mode: item.mode,
            uid: item.uid,
            gid: item.gid,
            mtime: 7,
            xattrs,
        };
        match &item.node {
            Node::File(bytes) => builder.file(path, metadata, Content::from(bytes.clone())),
            Node::Dir => builder.dir(path, metadata),
            Node::Symlink(target) => builder.symlink(path, target),
            Node::Link(target) => builder.hard_link(path, target),
            Node::Char(major, minor) => builder.char_device(
                path,
                metadata,
                Device {
                    major: *major,
                    minor: *minor,
                },
            ),
            Node::Fifo => builder.fifo(path, metadata),
        }
        .unwrap();
    }
    builder.build().unwrap()
}

/// How an archive is spelled.
#[derive(Debug, Clone, Copy)]
pub struct Spelling {
    pub gnu: bool,
    pub dot: bool,
    pub noise: u32,
}

fn entry(path: &str, item: &Item, spelling: Spelling) -> Vec<Raw> {
    let mut path = if spelling.dot {
        format!("./{path}")
    } else {
        path.to_owned()
    };
    let (kind, link, content) = match &item.node {
        Node::File(bytes) => (b'0', String::new(), bytes.clone()),
        Node::Dir => (b'5', String::new(), Vec::new()),
        Node::Symlink(target) => (b'2', target.clone(), Vec::new()),
        Node::Link(target) => (
            b'1',
            if spelling.dot {
                format!("./{target}")
            } else {
                target.clone()
            },
            Vec::new(),
        ),
        Node::Char(..) => (b'3', String::new(), Vec::new()),
        Node::Fifo => (b'6', String::new(), Vec::new()),
    };
    if kind == b'5' && (spelling.gnu || spelling.noise & 1 == 0) {
        path.push('/');
    }
    let mut header = Raw {
        kind,
        link: link.clone().into_bytes(),
        mode: item.mode,
        ..file(&path, content)
    };
    if let Node::Char(major, minor) = item.node {
        header.device = (major, minor);
    }
    // Owners of symbolic links are root's, as the builder has them.
    let (uid, gid) = if matches!(item.node, Node::Symlink(_)) {
        (0, 0)
    } else {
        (item.uid, item.gid)
    };
    header.mtime = octal(u64::from(spelling.noise) + 1, 12);
    header.owner = if spelling.noise & 2 == 0 {
        ("root", "wheel")
    } else {
        ("", "")
    };
    let mut records: Vec<(&[u8], Vec<u8>)> = Vec::new();
    let mut before = Vec::new();
    let long = |kind, text: &str| Raw {
        kind,
        magic: GNU,
        ..file("././@LongLink", format!("{text}\0"))
    };
    if spelling.gnu {
        header.magic = GNU;
        header.uid = binary(uid.into(), 8);
        header.gid = binary(gid.into(), 8);
        if path.len() > 100 {
            before.push(long(b'L', &path));
        }
        if link.len() > 100 {
            before.push(long(b'K', &link));
        }
    } else {
        for (key, id, field) in [
            (&b"uid"[..], uid, &mut header.uid),
            (b"gid", gid, &mut header.gid),
        ] {
            if id > 0o777_7777 {
                records.push((key, id.to_string().into_bytes()));
            } else {
                *field = octal(id.into(), 8);
            }
        }
        if path.len() > 100 {
            records.push((b"path", path.clone().into_bytes()));
        }
        if link.len() > 100 {
            records.push((b"linkpath", link.into_bytes()));
        }
        records.push((b"mtime", b"1700000000.123456789".to_vec()));
        records.push((b"atime", b"1".to_vec()));
        records.push((b"uname", b"me".to_vec()));
    }
    if let (Some(value), false) = (&item.xattr, kind == b'1') {
        records.push((b"SCHILY.xattr.user.x", value.clone()));
    }
    if !records.is_empty() {
        let records: Vec<(&[u8], &[u8])> = records
            .iter()
            .map(|(key, value)| (*key, value.as_slice()))
            .collect();
        before.insert(0, pax(&records));
    }
    before.push(header);
    before
}

/// An archive of the model in an order that `shuffle` picks, hard links after their files.
pub fn archive(model: &Model, shuffle: &[prop::sample::Index], spelling: Spelling) -> Vec<u8> {
    let mut left: Vec<(&String, &Item)> = model.iter().collect();
    let mut raws = Vec::new();
    let mut links = Vec::new();
    let mut at = 0;
    while !left.is_empty() {
        let (path, item) = left.remove(shuffle[at % shuffle.len()].index(left.len()));
        at += 1;
        let list = if matches!(item.node, Node::Link(_)) {
            &mut links
        } else {
            &mut raws
        };
        list.extend(entry(path, item, spelling));
    }
    raws.extend(links);
    tar(&raws)
}
