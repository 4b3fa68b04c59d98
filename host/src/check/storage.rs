//! The state folder, the image, keys and the queue.

use super::{Report, mib};
use crate::config::{Config, Engine};
use crate::images;
use crate::run;
use crate::supervisor::Image;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Free room below which jobs of 50 MiB soon fail.
const ROOM: u64 = 4 << 30;

pub(super) fn image(config: &Config, report: &mut Report) -> Option<Image> {
    match images::of(config).and_then(|images| images.load(&config.enclave.image)) {
        Ok(image) => {
            report.good("image", format!("accepted, PCR0 {}", image.pcr0()));
            Some(image)
        }
        Err(text) => {
            report.problem(
                "image",
                text,
                "build it with `cargo xtask eif`, or get the release's",
            );
            None
        }
    }
}

pub(super) async fn look(config: &Config, report: &mut Report) {
    if !state(&config.state, report) {
        return;
    }
    let running = tokio::net::UnixStream::connect(config.control())
        .await
        .is_ok();
    if running && config.queue.engine == Engine::Sqlite {
        report.good(
            "queue",
            "a host runs and has it open; `status` asks that host",
        );
        return;
    }
    // Opening it would make it, and its key, as whoever runs this: root's key is of no use to the
    // service.
    if config.queue.engine == Engine::Sqlite && !run::database(config).exists() {
        report.good("queue", "there is none yet; the first start makes it");
        return;
    }
    match run::open_queue(config).await {
        Ok(queue) => match queue.queue().check().await {
            Ok(()) => report.good("queue", "database and payload store answer"),
            Err(error) => report.problem(
                "queue",
                error.to_string(),
                "make sure that they run and that this user may write there",
            ),
        },
        Err(error) => report.problem(
            "queue",
            format!("{error:#}"),
            "correct [queue] in the configuration, or start what it names",
        ),
    }
    if config.queue.engine == Engine::Postgres {
        report.warn(
            "queue",
            "a PostgreSQL that fails over without a synchronous replica loses jobs",
            "make sure that `SHOW synchronous_standby_names` is not empty, or do not fail over \
             (docs/deploy.md, \"Many hosts\")",
        );
    }
}

/// Whether the state folder can be used.
fn state(folder: &Path, report: &mut Report) -> bool {
    let metadata = match fs::metadata(folder) {
        Ok(metadata) => metadata,
        Err(error) => {
            report.problem(
                "state folder",
                format!("{}: {error}", folder.display()),
                format!("install -d -m 0700 -o USER {}", folder.display()),
            );
            return false;
        }
    };
    if metadata.mode() & 0o077 != 0 {
        report.warn(
            "state folder",
            format!("others may look into {}", folder.display()),
            format!("chmod 0700 {}", folder.display()),
        );
    }
    if let Err(error) = tempfile::NamedTempFile::new_in(folder) {
        report.problem(
            "state folder",
            format!("{} cannot be written: {error}", folder.display()),
            format!("chown USER {}", folder.display()),
        );
        return false;
    }
    match rustix::fs::statvfs(folder) {
        Ok(room) => {
            let free = room.f_bavail.saturating_mul(room.f_frsize);
            if free < ROOM {
                report.warn(
                    "state folder",
                    format!("{} are free", mib(free)),
                    format!("make room: {} is little for jobs of 50 MiB", mib(ROOM)),
                );
            } else {
                report.good("state folder", format!("{} are free", mib(free)));
            }
        }
        Err(error) => report.warn(
            "state folder",
            format!("its free room cannot be read: {error}"),
            "look with df",
        ),
    }
    true
}
