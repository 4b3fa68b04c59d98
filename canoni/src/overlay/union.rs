//! The sum of a stack of layers.

use super::changes::Changes;
use super::{join, link_agrees, located, split};
use crate::error::{Error, Result, printable};
use crate::source::Layer;
use crate::tar::GLOBAL;
use crate::tree::nodes::{Inode, Node, Nodes};
use crate::tree::{Metadata, Tree};
use std::collections::HashMap;

/// A stack of layers, put together from below.
#[derive(Debug, Default)]
pub(crate) struct Union {
    root: Metadata,
    nodes: Nodes,
}

impl Union {
    /// Puts a layer on top. `layer` is the one that the changes are of, for errors.
    pub(crate) fn apply(&mut self, changes: &Changes, layer: &Layer) -> Result<()> {
        self.put(changes).map_err(|error| located(error, layer))
    }

    fn put(&mut self, changes: &Changes) -> Result<()> {
        let Changes {
            name,
            root,
            nodes,
            whiteouts,
            opaque,
            global,
        } = changes;
        if *global && (self.nodes.id(GLOBAL).is_some() || nodes.id(GLOBAL).is_some()) {
            let reason = "has the name of a global extended header, which podman takes for a path";
            return Err(Error::path(name, GLOBAL, reason));
        }
        for path in opaque {
            self.nodes.remove_below(path);
        }
        for path in whiteouts {
            self.nodes.remove(path);
        }
        if let Some(root) = root {
            self.root = root.clone();
        }
        let mut moved: HashMap<usize, usize> = HashMap::new();
        nodes.each(|path, theirs| {
            self.nodes.supply_parents(name, path)?;
            let id = match moved.get(&theirs) {
                Some(&id) => id,
                None => self.adopt(name, path, nodes.inode(theirs))?,
            };
            moved.insert(theirs, id);
            self.nodes.put(path, id);
            Ok(())
        })?;
        for path in opaque.iter().filter(|path| !path.is_empty()) {
            self.marked(name, path, &join(path, b".wh..wh..opq"))?;
        }
        for path in whiteouts {
            let (folder, hidden) = split(path);
            let marker = join(folder, &[b".wh.", hidden].concat());
            self.marked(name, folder, &marker)?;
        }
        Ok(())
    }

    /// A marker's folder: podman makes it where nothing else does, umoci does not.
    fn marked(&self, name: &str, folder: &[u8], marker: &[u8]) -> Result<()> {
        self.nodes.check_parents(name, marker)?;
        if folder.is_empty() || self.nodes.id(folder).is_some() {
            return Ok(());
        }
        let reason = format!(
            "is a whiteout in {}, which neither this layer nor one below it has; readers differ \
             on whether it is there afterwards",
            printable(folder)
        );
        Err(Error::path(name, marker, reason))
    }

    fn adopt(&mut self, name: &str, path: &[u8], inode: Option<&Inode>) -> Result<usize> {
        let Some(inode) = inode else {
            return Err(Error::path(name, path, "has no inode"));
        };
        let Node::Lower(target) = &inode.node else {
            return Ok(self.nodes.add(inode.clone()));
        };
        let Some(id) = self.nodes.id(target) else {
            return Err(Error::path(
                name,
                path,
                format!(
                    "is a hard link to {}, which is not there",
                    printable(target)
                ),
            ));
        };
        if let Some(lower) = self.nodes.inode(id) {
            if lower.is_dir() {
                return Err(Error::path(
                    name,
                    path,
                    format!("is a hard link to the directory {}", printable(target)),
                ));
            }
            link_agrees(lower, &inode.metadata, name, path)?;
        }
        Ok(id)
    }

    pub(crate) fn into_tree(self) -> Tree {
        self.nodes.into_tree(self.root)
    }
}
