//! The files of a canonical image: OCI layout, docker-archive.

use super::archive::{Canonical, LayerFile, MANIFEST_TYPE, prefixed, sha256};
use super::config::to_canonical_json;
use super::header::{Header, encode, pad};
use super::output::AtomicFile;
use super::pipe::{Chunks, pipe};
use crate::error::{Error, Result};
use crate::progress::{Event, Progress};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// How an image is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tar file for `docker load`, `podman load` and `skopeo docker-archive:`. It is an OCI
    /// layout as well.
    DockerArchive,
    /// A tar file that holds an OCI layout.
    OciTar,
    /// A folder that holds an OCI layout.
    OciDir,
}

pub(super) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// A file of the archive; names are relative to its root.
enum Item<'a> {
    Dir,
    Bytes(Vec<u8>),
    Link(String),
    Layer(&'a LayerFile),
}

/// `index.json`: the descriptor once for each name, or once without one.
pub(super) fn named_index(tags: &[String], descriptor: &Value) -> Result<Vec<u8>> {
    let with = |annotations: Value| {
        let mut value = descriptor.clone();
        if let Value::Object(map) = &mut value {
            map.insert("annotations".into(), annotations);
        }
        value
    };
    let mut manifests: Vec<Value> = tags
        .iter()
        .map(|tag| {
            // A tag without a name stays one.
            if let Some(short) = tag.strip_prefix(':') {
                return with(json!({"org.opencontainers.image.ref.name": short}));
            }
            let short = tag.rsplit_once(':').map_or("latest", |(_, short)| short);
            with(json!({"io.containerd.image.name": tag, "org.opencontainers.image.ref.name": short}))
        })
        .collect();
    if manifests.is_empty() {
        manifests.push(descriptor.clone());
    }
    to_canonical_json(
        &json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}),
        "index.json",
    )
}

impl Canonical {
    fn index(&self) -> Result<Vec<u8>> {
        named_index(&self.tags, &self.descriptor())
    }

    /// The descriptor of the manifest: type, digest, size, platform.
    pub(super) fn descriptor(&self) -> Value {
        json!({
            "mediaType": MANIFEST_TYPE, "digest": self.digest(), "size": self.manifest.len(), "platform": self.platform,
        })
    }

    fn docker_manifest(&self) -> Result<Vec<u8>> {
        let named = self.tags.iter().filter(|tag| !tag.starts_with(':'));
        let tags: Vec<&str> = named.map(|tag| familiar(tag)).collect();
        let value = json!([{
            "Config": blob(&sha256(&self.config)),
            "RepoTags": if tags.is_empty() { Value::Null } else { tags.into() },
            "Layers": self.layers.iter().map(|layer| blob(&layer.digest)).collect::<Vec<_>>(),
        }]);
        to_canonical_json(&value, "manifest.json")
    }

    /// Config, manifest and layers.
    fn blobs<'a>(&'a self, items: &mut BTreeMap<String, Item<'a>>) {
        items.insert(
            blob(&sha256(&self.config)),
            Item::Bytes(self.config.clone()),
        );
        items.insert(
            blob(&sha256(&self.manifest)),
            Item::Bytes(self.manifest.clone()),
        );
        for layer in &self.layers {
            items.insert(blob(&layer.digest), Item::Layer(layer));
        }
    }

    fn layout(&self, format: Format) -> Result<Layout<'_>> {
        let mut items = layout_items(self.index()?);
        self.blobs(&mut items);
        if format == Format::DockerArchive {
            items.insert("manifest.json".into(), Item::Bytes(self.docker_manifest()?));
            // The names of old `docker save`, for tools that look for them.
            let config = hex::encode(sha256(&self.config));
            items.insert(
                format!("{config}.json"),
                Item::Link(format!("blobs/sha256/{config}")),
            );
            for layer in &self.layers {
                let id = hex::encode(layer.digest);
                items.insert(
                    format!("{id}/layer.tar"),
                    Item::Link(format!("../blobs/sha256/{id}")),
                );
                items.insert(id, Item::Dir);
            }
        }
        Ok(Layout {
            items,
            epoch: self.epoch,
            progress: &self.progress,
        })
    }

    /// Writes the image to `target`. A file appears when it is complete, or not at all; a folder
    /// must not exist, or be empty.
    pub fn write(&self, target: &Path, format: Format) -> Result<()> {
        self.layout(format)?.write(target, format)
    }

    /// Writes the image as a tar archive ([`Format::OciDir`] counts as [`Format::OciTar`] here) to
    /// a stream. `name` is what errors call it.
    pub fn write_tar(
        &self,
        out: &mut (impl Write + Send),
        format: Format,
        name: &str,
    ) -> Result<()> {
        self.layout(format)?.write_tar(out, name)
    }
}

/// Name of a blob.
fn blob(digest: &[u8; 32]) -> String {
    format!("blobs/sha256/{}", hex::encode(digest))
}

/// The file that every layout has.
fn layout_items<'a>(index: Vec<u8>) -> BTreeMap<String, Item<'a>> {
    BTreeMap::from([
        ("blobs".into(), Item::Dir),
        ("blobs/sha256".into(), Item::Dir),
        ("index.json".into(), Item::Bytes(index)),
        (
            "oci-layout".into(),
            Item::Bytes(br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ),
    ])
}

/// Files that are ready to be written.
pub(super) struct Layout<'a> {
    items: BTreeMap<String, Item<'a>>,
    epoch: u64,
    progress: &'a Progress,
}

impl<'a> Layout<'a> {
    /// Images of several platforms, with the index that lists them and the layout's own.
    pub(super) fn of_platforms(
        images: &'a [Canonical],
        platforms: &[u8],
        index: Vec<u8>,
    ) -> Option<Self> {
        let first = images.first()?;
        let mut items = layout_items(index);
        items.insert(blob(&sha256(platforms)), Item::Bytes(platforms.to_vec()));
        for image in images {
            image.blobs(&mut items);
        }
        Some(Self {
            items,
            epoch: first.epoch,
            progress: &first.progress,
        })
    }

    pub(super) fn write(&self, target: &Path, format: Format) -> Result<()> {
        if format == Format::OciDir {
            return self.write_dir(target);
        }
        let mut file = AtomicFile::create(target)?;
        self.write_tar(&mut file, &target.display().to_string())?;
        file.commit()
    }

    pub(super) fn write_tar(&self, out: &mut (impl Write + Send), name: &str) -> Result<()> {
        self.begin()?;
        pipe(
            self.progress,
            |chunks| {
                let mut scratch = Vec::with_capacity(1024);
                for (path, item) in &self.items {
                    scratch.clear();
                    let mut header = Header::file(path.as_bytes(), 0, self.epoch);
                    match item {
                        Item::Dir => {
                            header = Header {
                                kind: b'5',
                                mode: 0o755,
                                ..header
                            }
                        }
                        Item::Link(target) => {
                            header = Header {
                                kind: b'2',
                                mode: 0o777,
                                link: target.as_bytes(),
                                ..header
                            }
                        }
                        Item::Bytes(bytes) => header.size = bytes.len() as u64,
                        Item::Layer(layer) => header.size = layer.size,
                    }
                    encode(&header, &mut scratch);
                    chunks.put(&scratch)?;
                    match item {
                        Item::Dir | Item::Link(_) => {}
                        Item::Bytes(bytes) => chunks.put(bytes)?,
                        Item::Layer(layer) => write_layer(layer, self.epoch, chunks)?,
                    }
                    scratch.clear();
                    pad(header.size, &mut scratch);
                    chunks.put(&scratch)?;
                }
                chunks.put(&[0; 1024])
            },
            out,
            |out, bytes| {
                out.write_all(bytes)
                    .map_err(|e| Error::io("write", name, e))
            },
        )?;
        Ok(())
    }

    fn begin(&self) -> Result<()> {
        let sizes = self.items.values().map(|item| match item {
            Item::Layer(layer) => layer.size,
            _ => 0,
        });
        self.progress.send(Event::Begin {
            what: "writing",
            bytes: sizes.sum(),
        })
    }

    fn write_dir(&self, target: &Path) -> Result<()> {
        let fail = |error| Error::file("create", target, error);
        if std::fs::read_dir(target).is_ok_and(|mut items| items.next().is_some()) {
            return Err(fail(std::io::ErrorKind::DirectoryNotEmpty.into()));
        }
        let parent = target
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new()
            .prefix(".canoni-")
            .tempdir_in(parent)
            .map_err(fail)?;
        let root = folder.path().join("image");
        std::fs::create_dir(&root).map_err(fail)?;
        self.begin()?;
        for (path, item) in &self.items {
            let path = root.join(path);
            match item {
                Item::Dir => std::fs::create_dir(&path).map_err(fail)?,
                Item::Bytes(bytes) => std::fs::write(&path, bytes).map_err(fail)?,
                Item::Link(_) => {}
                Item::Layer(layer) => {
                    let file = std::fs::File::create(&path).map_err(fail)?;
                    pipe(
                        self.progress,
                        |chunks| write_layer(layer, self.epoch, chunks),
                        file,
                        |file, bytes| file.write_all(bytes).map_err(fail),
                    )?;
                }
            }
        }
        // An empty folder is replaced, anything else is not.
        std::fs::rename(&root, target).map_err(fail)
    }
}

/// Writes a layer again and makes sure that it is what was hashed: contents on disk may have
/// changed meanwhile.
fn write_layer(layer: &LayerFile, epoch: u64, chunks: &mut Chunks) -> Result<()> {
    chunks.hash();
    layer.list.write(epoch, chunks)?;
    if chunks.finish_hash() != layer.digest {
        return Err(Error::image(
            prefixed(&layer.digest),
            "changed while it was being written; try again",
        ));
    }
    Ok(())
}

/// Docker's short form of a full name.
fn familiar(tag: &str) -> &str {
    match tag.strip_prefix("docker.io/") {
        Some(rest) => rest.strip_prefix("library/").unwrap_or(rest),
        None => tag,
    }
}
