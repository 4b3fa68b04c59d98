//! Which release is active, and how another one takes its place.

use super::error::{StartError, UpgradeError};
use super::{ASKED, Supervisor, of};
use crate::supervisor::image::Image;
use crate::supervisor::member::Wish;
use crate::supervisor::parts::Backlog;
use crate::supervisor::records::{Content, RecordsError, ReleaseRecord};
use crate::supervisor::status::Phase;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

impl<B: Backlog> Supervisor<B> {
    /// Starts enclaves of another image beside those of the active release. When all are attested,
    /// they get the new jobs, and the others finish what they have and end (unless `keep_older`).
    ///
    /// # Errors
    /// [`UpgradeError`]: then everything is as before.
    pub async fn upgrade(
        &self,
        image: &Path,
        abandon: bool,
        keep_older: bool,
    ) -> Result<i64, UpgradeError> {
        let _one = self.changing.lock().await;
        let image = self.load(image).await?;
        let content = self.shared.records.content();
        let active = content.active.unwrap_or(0);
        if let Some(known) = content.of_image(&image.pcr0()) {
            return Err(if known.sequence == active {
                UpgradeError::Active(active)
            } else {
                UpgradeError::Older {
                    older: known.sequence,
                    active,
                }
            });
        }
        compatible(&content, &image, abandon)?;
        let release = self.add(image).await?;
        // Attested, they get no jobs yet: until all are, the upgrade can be taken back.
        self.fill(release, Wish::Drain).await?;
        if let Err(reason) = self.attested(release).await {
            self.stop(of(release)).await;
            self.shared.records.change(|content| {
                content.releases.retain(|record| record.sequence != release);
            })?;
            return Err(UpgradeError::NotAttested(reason));
        }
        if let Err(error) = self.activate(release) {
            self.stop(of(release)).await;
            return Err(error.into());
        }
        info!(release, "the upgrade's enclaves get the new jobs");
        self.wish(of(release), Wish::Serve);
        if !keep_older {
            self.retire(|slot| slot.release < release);
        }
        Ok(release)
    }

    /// Goes back to the release before the active one, while no task has been with the active one.
    ///
    /// # Errors
    /// [`UpgradeError`]: then everything is as before.
    pub async fn rollback(&self) -> Result<i64, UpgradeError> {
        let _one = self.changing.lock().await;
        let content = self.shared.records.content();
        let active = content.active.unwrap_or(0);
        let mut older = content.releases.iter().rev();
        let older = older.find(|release| release.sequence < active);
        let older = older.ok_or(UpgradeError::NoOlder)?.sequence;
        // No new task while we look: a question for a job that is on its way ends first.
        self.wish(of(active), Wish::Drain);
        sleep(ASKED).await;
        if let Err(error) = self.go_back(active, older).await {
            self.wish(of(active), Wish::Serve);
            self.retire(of(older));
            return Err(error);
        }
        info!(older, "the older release gets the new jobs again");
        self.retire(of(active));
        Ok(older)
    }

    /// Starts the older release again and makes it the active one.
    async fn go_back(&self, active: i64, older: i64) -> Result<(), UpgradeError> {
        if self.shared.queue.is_used(active).await? {
            return Err(UpgradeError::Used(active));
        }
        // Those that still run are kept; those on their way to their end are started anew.
        self.wish(of(older), Wish::Serve);
        self.fill(older, Wish::Serve).await?;
        self.shared.records.change(|content| {
            content.active = Some(older);
            content.releases.retain(|record| record.sequence != active);
        })?;
        Ok(())
    }

    /// Makes the configured image the active release if it is new.
    pub(super) async fn choose(&self, path: &Path, abandon: bool) -> Result<i64, StartError> {
        let image = self.load(path).await?;
        let content = self.shared.records.content();
        let release = match (content.of_image(&image.pcr0()), content.active) {
            (None, _) => {
                compatible(&content, &image, abandon)?;
                self.add(image).await?
            }
            (Some(known), Some(active)) => {
                if known.sequence != active {
                    warn!(
                        configured = known.sequence,
                        active,
                        "the configured image is not the active release, which an upgrade brought; \
                         name the active image in the configuration"
                    );
                }
                return Ok(active);
            }
            (Some(known), None) => known.sequence,
        };
        self.activate(release)?;
        Ok(release)
    }

    /// Copies an image to the state folder, so that it stays what it is, and records its release.
    async fn add(&self, image: Image) -> Result<i64, UpgradeError> {
        let pcr0 = image.pcr0();
        let folder = self.shared.settings.state.join("images");
        let path = folder.join(format!("{pcr0}.image"));
        let (source, copied) = (image.path.clone(), path.clone());
        let copy = move || {
            fs::create_dir_all(&folder)?;
            let new = copied.with_extension("new");
            fs::copy(&source, &new)?;
            fs::File::open(&new)?.sync_all()?;
            fs::rename(&new, &copied)
        };
        let copied = spawn_blocking(copy)
            .await
            .unwrap_or_else(|error| Err(error.into()));
        copied.map_err(|error| UpgradeError::Copy {
            path: path.clone(),
            error,
        })?;
        // The file may have changed since it was read: what was copied decides.
        if self.load(&path).await?.measurements != image.measurements {
            return Err(UpgradeError::Image(format!(
                "{} changed while it was copied",
                image.path.display()
            )));
        }
        let mut release = 0;
        self.shared.records.change(|content| {
            let last = content.releases.last().map_or(0, |last| last.sequence);
            // Also greater than an active one whose record is gone.
            release = last.max(content.active.unwrap_or(0)) + 1;
            content.releases.push(ReleaseRecord {
                sequence: release,
                pcr0,
                image: path,
            });
        })?;
        Ok(release)
    }

    /// The image of a release. It is read once, as long as an enclave of it is supervised.
    pub(super) async fn image(&self, release: i64) -> Result<Arc<Image>, UpgradeError> {
        let held = self
            .slots()
            .iter()
            .find(|slot| slot.release == release)
            .map(|slot| Arc::clone(&slot.image));
        if let Some(image) = held {
            return Ok(image);
        }
        let content = self.shared.records.content();
        let record = content.release(release).ok_or_else(|| {
            UpgradeError::Image(format!("release {release} is not recorded any more"))
        })?;
        Ok(Arc::new(self.load(&record.image).await?))
    }

    /// Reads an image, which takes up to a second, away from the threads of the runtime.
    async fn load(&self, path: &Path) -> Result<Image, UpgradeError> {
        let (images, path) = (Arc::clone(&self.shared.images), path.to_owned());
        let loaded = spawn_blocking(move || images.load(&path)).await;
        loaded
            .unwrap_or_else(|error| Err(error.to_string()))
            .map_err(UpgradeError::Image)
    }

    fn activate(&self, release: i64) -> Result<(), RecordsError> {
        self.shared
            .records
            .change(|content| content.active = Some(release))
    }

    /// Waits until all enclaves of a release are attested.
    async fn attested(&self, release: i64) -> Result<(), String> {
        let limit = self.shared.settings.timing.boot + Duration::from_secs(30);
        let watched: Vec<_> = {
            let slots = self.slots();
            let own = slots.iter().filter(|slot| slot.release == release);
            own.map(|slot| slot.seen.clone()).collect()
        };
        for mut seen in watched {
            let ready = seen.wait_for(|seen| {
                seen.attested.is_some() || matches!(seen.phase, Phase::Waiting | Phase::Failed)
            });
            let result = match timeout(limit, ready).await {
                Ok(Ok(seen)) => match seen.attested {
                    Some(_) => Ok(()),
                    None => Err(seen.last_error.clone().unwrap_or_default()),
                },
                Ok(Err(_)) => Err("it is not supervised any more".to_owned()),
                Err(_) => Err(format!("no self-test within {} s", limit.as_secs())),
            };
            result?;
        }
        Ok(())
    }
}

/// Whether tasks of the active release can be finished by this image.
fn compatible(content: &Content, image: &Image, abandon: bool) -> Result<(), UpgradeError> {
    let active = content.active.and_then(|active| content.release(active));
    let Some(active) = active else {
        return Ok(());
    };
    let mut listed = image.compatible.iter().map(|one| one.pcr0().to_string());
    if abandon || listed.any(|pcr0| pcr0 == active.pcr0) {
        return Ok(());
    }
    Err(UpgradeError::Incompatible {
        active: active.sequence,
        pcr0: active.pcr0.clone(),
    })
}
