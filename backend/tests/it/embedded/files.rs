//! Folders and files that cannot be used, and files that must not grow.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use backend::{BackendConfig, BackendKind, Heard};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::topic_contract::event;
use crate::{new_id, open, run};

#[test]
fn a_file_of_a_newer_schema_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(run(open(&folder)));
    let path = folder.path().join("cuelight.db");
    let connection = Connection::open(&path).unwrap();
    let known: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap();
    connection.pragma_update(None, "user_version", known + 1).unwrap();
    drop(connection);
    assert_refused_untouched(&folder, &format!("of schema {}", known + 1));
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("cuelight.db"), "not a database, but somebody's only copy ".repeat(200))
        .unwrap();
    assert_refused_untouched(&folder, "not a Cuelight database");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let connection = Connection::open(folder.path().join("cuelight.db")).unwrap();
    connection.execute_batch("CREATE TABLE photographs (name TEXT)").unwrap();
    drop(connection);
    assert_refused_untouched(&folder, "not a Cuelight database");
}

#[test]
fn a_damaged_database_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(run(open(&folder)));
    let path = folder.path().join("cuelight.db");
    let mut content = fs::read(&path).unwrap();
    // The third page: the root of some table or index.
    content[2 * 4096..3 * 4096].fill(0x5a);
    fs::write(&path, content).unwrap();
    assert_refused_untouched(&folder, "damaged");
}

#[test]
fn a_large_file_is_read_whole_only_when_it_was_not_closed() {
    let folder = TempDir::new().unwrap();
    drop(run(open(&folder)));
    let path = folder.path().join("cuelight.db");
    fill(&path, 80 << 20);
    let mut content = fs::read(&path).unwrap();
    let middle = content.len() / 2 / 4096 * 4096;
    content[middle..middle + 4096].fill(0x5a);
    fs::write(&path, &content).unwrap();
    drop(run(open(&folder)));

    // What a crash leaves; SQLite itself sees that nothing in it counts.
    fs::write(folder.path().join("cuelight.db-wal"), [0; 32]).unwrap();
    assert!(refusal(folder.path()).contains("damaged"));
}

#[test]
fn a_large_file_that_lost_its_end_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(run(open(&folder)));
    let path = folder.path().join("cuelight.db");
    fill(&path, 80 << 20);
    let length = fs::metadata(&path).unwrap().len();
    fs::File::options().write(true).open(&path).unwrap().set_len(length / 4096 / 2 * 4096).unwrap();
    assert_refused_untouched(&folder, "damaged");
}

/// Events of a kilobyte each, until the file has about so many bytes.
fn fill(path: &Path, bytes: u64) {
    let connection = Connection::open(path).unwrap();
    let sql = "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?1)
               INSERT INTO events (published_us, record) SELECT n, hex(zeroblob(500)) FROM counted";
    connection.execute(sql, [(bytes / 1000) as i64]).unwrap();
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data");
    fs::write(&path, "a file").unwrap();
    assert!(refusal(&path).contains("data folder cannot be used"));
}

#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    assert!(refusal(Path::new("/proc/cuelight")).contains("data folder cannot be used"));
}

#[test]
fn a_reopened_file_holds_what_was_written() {
    let folder = TempDir::new().unwrap();
    run(async {
        open(&folder).await.queue.send("kept", Duration::ZERO).await.unwrap();
        let delivery =
            open(&folder).await.queue.receive(Duration::ZERO, Duration::from_secs(9)).await.unwrap();
        assert_eq!(delivery.unwrap().body, "kept");
    });
}

#[test]
fn a_half_done_migration_is_done_again_from_the_start() {
    let folder = TempDir::new().unwrap();
    let connection = Connection::open(folder.path().join("cuelight.db")).unwrap();
    // What a crash within the first migration leaves: nothing but the mode of the journal.
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(connection);
    run(async { open(&folder).await.queue.send("works", Duration::ZERO).await.unwrap() });
}

#[test]
fn many_openings_at_once_make_one_schema() {
    let folder = TempDir::new().unwrap();
    run(async {
        let backends = futures::future::join_all((0..8).map(|_| open(&folder))).await;
        for backend in &backends {
            backend.queue.send("hello", Duration::ZERO).await.unwrap();
        }
        assert_eq!(backends[0].queue.stats().await.unwrap().visible, 8);
    });
}

#[test]
fn the_log_stays_bounded_while_there_is_always_a_reader() {
    const LIMIT: u64 = 64 << 20;
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("cuelight.db-wal");
    let text = "x".repeat(64 << 10);
    let cue =
        domain::Cue { start: domain::Timestamp(0), end: domain::Timestamp(1), text, doubts: Vec::new() };
    let change = domain::JobChange::Cues { page: 0, cues: vec![cue], progress: Default::default() };
    let event = domain::JobEvent { change, ..event(1) };
    run(async {
        let backend = open(&folder).await;
        // Several at once, so that at hardly any moment the file is free of them.
        let readers = futures::future::join_all((0..4).map(|_| async {
            loop {
                backend.queue.stats().await.unwrap();
            }
        }));
        let writing = async {
            let mut longest = 0;
            for _ in 0..1_500 {
                backend.topic.publish(&event).await.unwrap();
                longest = longest.max(fs::metadata(&log).unwrap().len());
            }
            longest
        };
        let longest = tokio::select! {
            longest = writing => longest,
            _ = readers => unreachable!("readers read for ever"),
        };
        println!("the log's longest: {longest} bytes");
        assert!(longest < LIMIT, "the log grew to {longest} bytes");
    });
}

#[test]
fn what_is_old_is_pruned_and_told_as_a_gap() {
    let folder = TempDir::new().unwrap();
    run(async {
        let backend = open(&folder).await;
        backend.topic.publish(&event(1)).await.unwrap();
        let mut subscription = backend.topic.subscribe().await.unwrap();
        // Two events that were pruned before this listener came to read them.
        let connection = Connection::open(folder.path().join("cuelight.db")).unwrap();
        connection
            .execute_batch(
                "BEGIN IMMEDIATE;
                 INSERT INTO events (published_us, record) VALUES (0, '{}'), (0, '{}');
                 DELETE FROM events WHERE published_us = 0;
                 COMMIT",
            )
            .unwrap();
        assert_eq!(subscription.next().await, Some(Heard::Gap));
        backend.topic.publish(&event(2)).await.unwrap();
        assert!(matches!(subscription.next().await, Some(Heard::Event(event)) if event.version == 2));

        // Old events go when others are published, the newest stays.
        connection.execute("UPDATE events SET published_us = 0", ()).unwrap();
        for version in 0..300 {
            backend.topic.publish(&event(version)).await.unwrap();
        }
        let old: i64 = connection
            .query_row("SELECT count(*) FROM events WHERE published_us = 0", (), |row| row.get(0))
            .unwrap();
        assert_eq!(old, 0);
    });
}

#[test]
fn parts_of_crashed_uploads_are_swept_after_a_day() {
    let folder = TempDir::new().unwrap();
    drop(run(open(&folder)));
    let media = folder.path().join("media");
    let (stale, fresh) = (media.join(format!("{}#1", new_id())), media.join(format!("{}#1", new_id())));
    for part in [&stale, &fresh] {
        fs::write(part, "half an upload").unwrap();
    }
    let two_days_ago = SystemTime::now() - Duration::from_secs(48 * 3600);
    fs::File::options().write(true).open(&stale).unwrap().set_modified(two_days_ago).unwrap();
    drop(run(open(&folder)));
    assert!(!stale.exists());
    assert!(fresh.exists());
}

/// Left by a server that died between the end of an upload and the making of its job.
#[test]
fn media_without_a_job_are_swept_after_a_day() {
    let folder = TempDir::new().unwrap();
    let job = crate::new_job();
    run(async { open(&folder).await.store.create(&job, None).await.unwrap() });
    let media = folder.path().join("media");
    let [of_job, stale, fresh] = [job.id, new_id(), new_id()].map(|id| media.join(id.to_string()));
    let strange = media.join("not ours");
    let two_days_ago = SystemTime::now() - Duration::from_secs(48 * 3600);
    for path in [&of_job, &stale, &fresh, &strange] {
        fs::write(path, "media").unwrap();
        if path != &fresh {
            fs::File::options().write(true).open(path).unwrap().set_modified(two_days_ago).unwrap();
        }
    }
    drop(run(open(&folder)));
    assert!(of_job.exists() && fresh.exists() && strange.exists());
    assert!(!stale.exists());
}

#[test]
fn an_unfinished_upload_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    // The runtime's end waits for the removal, which is done off the async threads.
    run(async {
        let backend = open(&folder).await;
        for _ in 0..3 {
            let mut writer = backend.media.write(new_id()).await.unwrap();
            writer.write(vec![1; 3 << 20].into()).await.unwrap();
            drop(writer);
        }
        backend.media.write(new_id()).await.unwrap().abort().await.unwrap();
    });
    assert_eq!(fs::read_dir(folder.path().join("media")).unwrap().count(), 0);
}

/// Starting fails for good, names the file, says why, and changes nothing in it.
fn assert_refused_untouched(folder: &TempDir, reason: &str) {
    let path = folder.path().join("cuelight.db");
    let before = fs::read(&path).unwrap();
    let text = refusal(folder.path());
    assert!(text.contains(reason), "{text}");
    assert!(text.contains("cuelight.db"), "{text}");
    assert!(fs::read(&path).unwrap() == before, "the file was touched");
}

fn refusal(data: &Path) -> String {
    let config = BackendConfig {
        backend: BackendKind::Embedded,
        data: data.to_path_buf(),
        max_receive_count: 3,
        aws: Default::default(),
    };
    let error = run(backend::connect(&config)).err().expect("it does not start");
    assert!(!error.is_transient());
    error.source().expect("the cause is chained").to_string()
}
