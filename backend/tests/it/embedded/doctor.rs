//! What the doctor says of the one file.

use std::fs::{self, File};

use backend::doctor::{Verdict, examine};
use tempfile::TempDir;

use crate::{config, new_job, open, run};

#[test]
fn the_doctor_reads_a_database_whole_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let look = |subject: &str| {
        let findings = run(examine(&config(&folder)));
        findings.into_iter().find(|finding| finding.subject == subject).unwrap()
    };
    assert!(look("database").found.ends_with("made at the first start"), "{}", look("database"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "looking made something");

    run(async {
        let backend = open(&folder).await;
        backend.store.create(&new_job(), None).await.unwrap();
        let findings = examine(&config(&folder)).await;
        let lock = findings.iter().find(|finding| finding.subject == "lock").unwrap();
        assert!(lock.found.starts_with("in use"), "{lock}");
    });
    let database = look("database");
    assert_eq!(database.verdict, Verdict::Ok, "{database}");
    assert!(database.found.ends_with("1 jobs"), "{database}");
    assert!(look("lock").found.starts_with("free"), "{}", look("lock"));

    let starting = File::open(folder.path().join("cuelight.lock")).unwrap();
    starting.lock().unwrap();
    assert_eq!(look("lock").verdict, Verdict::Warn);
    drop(starting);

    let path = folder.path().join("cuelight.db");
    let mut bytes = fs::read(&path).unwrap();
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page..page + 4096].fill(0xAA);
    fs::write(&path, &bytes).unwrap();
    let database = look("database");
    assert_eq!(database.verdict, Verdict::Fail, "{database}");
    assert!(database.found.contains("damaged"), "{database}");
    assert!(fs::read(&path).unwrap() == bytes, "looking changed it");
}
