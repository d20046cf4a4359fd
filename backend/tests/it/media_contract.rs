//! The media store: one file a job, whole or not at all.

use std::path::PathBuf;
use std::time::Duration;

use backend::{Backend, MediaLocation};
use bytes::Bytes;
use domain::JobId;

use crate::{contract, new_id};

contract![
    a_file_is_read_back_as_it_was_written,
    nothing_is_visible_before_the_end,
    an_aborted_file_never_was,
    a_dropped_file_never_was,
    an_empty_file_is_a_file,
    a_second_file_takes_the_place_of_the_first,
    files_of_different_jobs_do_not_meet,
    an_adopted_file_moves,
    adopting_again_is_success,
    adopting_what_is_not_there_fails_for_good,
    a_linked_file_outlives_the_first_of_its_jobs,
    linking_again_is_success,
    linking_what_is_not_there_says_so,
    a_deleted_file_is_gone,
    deleting_what_is_gone_is_success,
    a_sample_names_jobs_whose_media_is_old_enough,
];

async fn a_file_is_read_back_as_it_was_written(backend: &Backend) {
    let id = new_id();
    let mut writer = backend.media.write(id).await.unwrap();
    let mut expected = Vec::new();
    // Pieces of every size, over the boundaries that an adapter may have inside.
    for size in [1, 0, 700, 65_536, 1 << 20, 3, (1 << 20) - 4, 5 << 20] {
        let piece = Bytes::from(vec![(size % 251) as u8; size]);
        expected.extend_from_slice(&piece);
        writer.write(piece).await.unwrap();
    }
    assert_eq!(writer.finish().await.unwrap(), expected.len() as u64);
    assert!(read(backend, id).await.unwrap() == expected, "the content changed");
}

async fn nothing_is_visible_before_the_end(backend: &Backend) {
    let id = new_id();
    let mut writer = backend.media.write(id).await.unwrap();
    writer.write(Bytes::from(vec![1; 3 << 20])).await.unwrap();
    assert_eq!(backend.media.locate(id).await.unwrap(), None);
    writer.finish().await.unwrap();
    assert!(backend.media.locate(id).await.unwrap().is_some());
}

async fn an_aborted_file_never_was(backend: &Backend) {
    let id = new_id();
    let mut writer = backend.media.write(id).await.unwrap();
    writer.write(Bytes::from(vec![1; 3 << 20])).await.unwrap();
    writer.abort().await.unwrap();
    assert_eq!(backend.media.locate(id).await.unwrap(), None);
}

async fn a_dropped_file_never_was(backend: &Backend) {
    let id = new_id();
    write(backend, id, b"old").await;
    let mut writer = backend.media.write(id).await.unwrap();
    writer.write(Bytes::from(vec![1; 3 << 20])).await.unwrap();
    drop(writer);
    assert_eq!(read(backend, id).await.unwrap(), b"old");
}

async fn an_empty_file_is_a_file(backend: &Backend) {
    let id = new_id();
    assert_eq!(backend.media.write(id).await.unwrap().finish().await.unwrap(), 0);
    assert_eq!(read(backend, id).await.unwrap(), b"");
}

async fn a_second_file_takes_the_place_of_the_first(backend: &Backend) {
    let id = new_id();
    write(backend, id, b"first and longer").await;
    write(backend, id, b"second").await;
    assert_eq!(read(backend, id).await.unwrap(), b"second");
}

async fn files_of_different_jobs_do_not_meet(backend: &Backend) {
    let (one, other) = (new_id(), new_id());
    write(backend, one, b"one").await;
    write(backend, other, b"other").await;
    backend.media.delete(one).await.unwrap();
    assert_eq!(read(backend, one).await, None);
    assert_eq!(read(backend, other).await.unwrap(), b"other");
}

async fn an_adopted_file_moves(backend: &Backend) {
    let id = new_id();
    let (_folder, path) = scratch_file(b"fetched");
    backend.media.adopt(id, &path).await.unwrap();
    assert_eq!(read(backend, id).await.unwrap(), b"fetched");
    assert!(!path.exists());
}

async fn adopting_again_is_success(backend: &Backend) {
    let id = new_id();
    let (_folder, path) = scratch_file(b"fetched");
    backend.media.adopt(id, &path).await.unwrap();
    backend.media.adopt(id, &path).await.unwrap();
    assert_eq!(read(backend, id).await.unwrap(), b"fetched");
}

async fn adopting_what_is_not_there_fails_for_good(backend: &Backend) {
    let (folder, path) = scratch_file(b"");
    let error = backend.media.adopt(new_id(), &path.with_extension("gone")).await.unwrap_err();
    assert!(!error.is_transient());
    let error = backend.media.adopt(new_id(), folder.path()).await.unwrap_err();
    assert!(!error.is_transient());
}

async fn a_linked_file_outlives_the_first_of_its_jobs(backend: &Backend) {
    let (first, second) = (new_id(), new_id());
    write(backend, first, b"media").await;
    assert!(backend.media.link(first, second).await.unwrap());
    assert_eq!(read(backend, second).await.unwrap(), b"media");
    write(backend, first, b"other").await;
    assert_eq!(read(backend, second).await.unwrap(), b"media");
    backend.media.delete(first).await.unwrap();
    assert_eq!(read(backend, second).await.unwrap(), b"media");
}

async fn linking_again_is_success(backend: &Backend) {
    let (first, second) = (new_id(), new_id());
    write(backend, first, b"media").await;
    for _ in 0..2 {
        assert!(backend.media.link(first, second).await.unwrap());
    }
    assert_eq!(read(backend, second).await.unwrap(), b"media");
}

async fn linking_what_is_not_there_says_so(backend: &Backend) {
    let second = new_id();
    assert!(!backend.media.link(new_id(), second).await.unwrap());
    assert_eq!(backend.media.locate(second).await.unwrap(), None);
}

async fn a_deleted_file_is_gone(backend: &Backend) {
    let id = new_id();
    write(backend, id, b"media").await;
    backend.media.delete(id).await.unwrap();
    assert_eq!(backend.media.locate(id).await.unwrap(), None);
}

async fn deleting_what_is_gone_is_success(backend: &Backend) {
    let id = new_id();
    backend.media.delete(id).await.unwrap();
    write(backend, id, b"media").await;
    backend.media.delete(id).await.unwrap();
    backend.media.delete(id).await.unwrap();
}

async fn a_sample_names_jobs_whose_media_is_old_enough(backend: &Backend) {
    let mut ids = [new_id(), new_id(), new_id()];
    for id in ids {
        write(backend, id, b"media").await;
    }
    ids.sort();
    let sample = async |age, limit| {
        let mut sample = backend.media.sample(Duration::from_secs(age), limit).await.unwrap();
        sample.sort();
        sample
    };
    assert_eq!(sample(0, 10).await, ids);
    assert_eq!(sample(0, 2).await.len(), 2);
    assert_eq!(sample(3600, 10).await, []);
}

async fn write(backend: &Backend, id: JobId, content: &'static [u8]) {
    let mut writer = backend.media.write(id).await.unwrap();
    writer.write(Bytes::from_static(content)).await.unwrap();
    assert_eq!(writer.finish().await.unwrap(), content.len() as u64);
}

async fn read(backend: &Backend, id: JobId) -> Option<Vec<u8>> {
    let MediaLocation::File(path) = backend.media.locate(id).await.unwrap()?;
    Some(std::fs::read(path).unwrap())
}

fn scratch_file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("media.mp4");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}
