//! On both engines.

#[path = "../../../tests/queue/cluster.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "the tests of the queue use the rest, from another crate"
)]
mod cluster;

use super::*;
use crate::queue::{KeyFile, MasterKey};
use std::sync::Arc;
use tempfile::TempDir;

const SECRET: &[u8] = b"a body that nobody reads at rest";

struct Stage {
    folder: TempDir,
    engine: Engine,
    keys: Keys,
}

impl Stage {
    fn new(engine: impl FnOnce(&Path) -> Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key: Arc<dyn MasterKey> =
            Arc::new(KeyFile::create(&folder.path().join("key")).unwrap());
        Self {
            engine: engine(folder.path()),
            keys: Keys::load(&[key]).unwrap(),
            folder,
        }
    }

    async fn open(&self) -> Records {
        Records::open(&self.engine, self.keys.clone())
            .await
            .unwrap()
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("service.sqlite")
    }
}

fn sqlite() -> Stage {
    Stage::new(|folder| Engine::Sqlite {
        path: folder.join("queue.sqlite"),
    })
}

/// One of each engine that is here.
fn stages() -> Vec<Stage> {
    let mut all = vec![sqlite()];
    if let Ok(cluster) = cluster::shared() {
        let url = cluster.database();
        all.push(Stage::new(|_| Engine::Postgres { url }));
    }
    all
}

fn record(id: &str, created: Millis) -> Record {
    Record {
        kind: Kind::Task,
        id: id.into(),
        owner: "example.com".into(),
        state: "running".into(),
        due: Some(created),
        created,
        version: 1,
        body: SECRET.to_vec(),
    }
}

fn event(key: &str, signer: Option<u16>) -> Event {
    Event {
        key: key.into(),
        at: 5,
        word: "asked".into(),
        signer,
        detail: String::new(),
    }
}

fn insert(record: &Record) -> Change<'_> {
    Change {
        insert: Some(record),
        events: vec![(&record.id, event("1", None))],
        ..Change::default()
    }
}

#[tokio::test]
async fn records_are_stored_once_and_changed_by_version() {
    for stage in stages() {
        let records = stage.open().await;
        let mut task = record("a", 1);
        assert_eq!(records.get(Kind::Task, "a").await.unwrap(), None);
        assert!(records.write(insert(&task)).await.unwrap());
        assert!(!records.write(insert(&task)).await.unwrap());
        assert_eq!(
            records.get(Kind::Task, "a").await.unwrap().as_ref(),
            Some(&task)
        );
        assert_eq!(records.get(Kind::Account, "a").await.unwrap(), None);
        task.body = vec![0, 1, 255];
        task.due = None;
        let delivery = |body: &[u8]| Record {
            kind: Kind::Delivery,
            body: body.to_vec(),
            ..record("d", 2)
        };
        let change = |record, key, body: &[u8]| Change {
            update: Some(record),
            add: vec![delivery(body)],
            events: vec![("a", event("1", None)), ("a", event(key, Some(7)))],
            ..Change::default()
        };
        assert!(records.write(change(&task, "2", b"first")).await.unwrap());
        // The version that was read counts no more: neither events nor further records come.
        assert!(!records.write(change(&task, "3", b"second")).await.unwrap());
        task.version = 2;
        assert_eq!(
            records.get(Kind::Task, "a").await.unwrap().as_ref(),
            Some(&task)
        );
        let kept = records.get(Kind::Delivery, "d").await.unwrap().unwrap();
        assert_eq!(kept.body, b"first");
        // Opened anew all of it is there, and the same event twice is one.
        let records = stage.open().await;
        let events = records.events("a").await.unwrap();
        assert_eq!(events, [event("1", None), event("2", Some(7))]);
        let gone = Change {
            update: Some(&task),
            remove: vec![(Kind::Delivery, "d")],
            ..Change::default()
        };
        assert!(records.write(gone).await.unwrap());
        assert_eq!(records.get(Kind::Delivery, "d").await.unwrap(), None);
        assert!(records.remove(Kind::Task, "a").await.unwrap());
        assert!(!records.remove(Kind::Task, "a").await.unwrap());
        assert!(records.events("a").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn lists_go_from_the_newest_on_and_what_is_due_comes_first() {
    for stage in stages() {
        let records = stage.open().await;
        for (id, created) in [("a", 1), ("b", 2), ("c", 2), ("d", 3)] {
            let mut one = record(id, created);
            one.state = if id == "b" { "void" } else { "running" }.into();
            assert!(records.write(insert(&one)).await.unwrap());
        }
        let filter = |state: Option<&str>, after, limit| Filter {
            kind: Kind::Task,
            owner: "example.com".into(),
            state: state.map(Into::into),
            after,
            limit,
        };
        let ids = async |filter: Filter| {
            let found = records.list(filter).await.unwrap();
            found.into_iter().map(|one| one.id).collect::<String>()
        };
        assert_eq!(ids(filter(None, None, 10)).await, "dcba");
        assert_eq!(ids(filter(None, None, 2)).await, "dc");
        assert_eq!(ids(filter(None, Some((2, "c".into())), 10)).await, "ba");
        assert_eq!(
            ids(filter(Some("running"), Some((3, "d".into())), 10)).await,
            "ca"
        );
        let other = Filter {
            owner: "other.example".into(),
            ..filter(None, None, 10)
        };
        assert_eq!(ids(other).await, "");
        let due = records.due(Kind::Task, 2, 10).await.unwrap();
        assert_eq!(due.len(), 3);
        assert_eq!(due[0].id, "a");
        assert_eq!(records.due(Kind::Task, 2, 1).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_lost_when_hosts_race() {
    for stage in stages() {
        let hosts = [stage.open().await, stage.open().await];
        let mut first = record("a", 1);
        first.body = b"0".to_vec();
        assert!(hosts[0].write(insert(&first)).await.unwrap());
        let add = async |records: &Records| {
            for _ in 0..20 {
                loop {
                    let mut one = records.get(Kind::Task, "a").await.unwrap().unwrap();
                    let count: u32 = String::from_utf8(one.body).unwrap().parse().unwrap();
                    one.body = (count + 1).to_string().into_bytes();
                    let change = Change {
                        update: Some(&one),
                        ..Change::default()
                    };
                    if records.write(change).await.unwrap() {
                        break;
                    }
                }
            }
        };
        tokio::join!(
            add(&hosts[0]),
            add(&hosts[1]),
            add(&hosts[0]),
            add(&hosts[1])
        );
        let last = hosts[1].get(Kind::Task, "a").await.unwrap().unwrap();
        assert_eq!(last.body, b"80");
    }
}

#[tokio::test]
async fn bodies_are_sealed_and_open_in_their_own_place_alone() {
    let stage = sqlite();
    let records = stage.open().await;
    for id in ["a", "b"] {
        assert!(records.write(insert(&record(id, 1))).await.unwrap());
    }
    let find = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        memchr::memmem::find(&bytes, SECRET).is_some()
    };
    let wal = stage.folder.path().join("service.sqlite-wal");
    assert!(std::fs::metadata(&wal).unwrap().len() > 0);
    assert!(!find(&stage.file()) && !find(&wal));
    // One who writes to the database cannot put a body to another record.
    let database = rusqlite::Connection::open(stage.file()).unwrap();
    let swap = "UPDATE service_records SET body = \
                (SELECT body FROM service_records WHERE id = 'a') WHERE id = 'b'";
    assert_eq!(database.execute(swap, []).unwrap(), 1);
    assert!(records.get(Kind::Task, "a").await.is_ok());
    let error = records.get(Kind::Task, "b").await.unwrap_err();
    assert!(error.to_string().contains("does not decrypt"), "{error}");
    // A newer version's database is refused.
    database.pragma_update(None, "user_version", 99).unwrap();
    let newer = Records::open(&stage.engine, stage.keys.clone()).await;
    assert!(matches!(
        newer.err(),
        Some(Error::NewerSchema { found: 99, .. })
    ));
}
