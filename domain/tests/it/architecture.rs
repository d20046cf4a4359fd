//! Who may import whom, read from the manifests.

use std::collections::BTreeSet;
use std::path::Path;

/// The workspace's crates that `name` depends on, in any section of its manifest.
fn imports(name: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates lie in the workspace's folder");
    let manifest =
        std::fs::read_to_string(root.join(name).join("Cargo.toml")).expect("every crate has a manifest");
    let crates = ["domain", "app", "backend", "server", "worker"];
    manifest
        .lines()
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        // A crate may name itself, to be tested with its features on.
        .filter(|dependency| crates.contains(dependency) && *dependency != name)
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_import_only_whom_they_may() {
    for (name, may) in [
        ("domain", &[][..]),
        ("app", &["domain"]),
        ("backend", &["domain"]),
        ("worker", &["backend", "domain"]),
        ("server", &["app", "backend", "domain"]),
    ] {
        let may: BTreeSet<String> = may.iter().map(|name| name.to_string()).collect();
        assert_eq!(imports(name), may, "{name}");
    }
}

#[test]
fn the_domain_does_no_input_output_and_has_no_clock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for foreign in ["tokio", "rand", "reqwest", "rusqlite"] {
        assert!(!manifest.contains(foreign), "{foreign}");
    }
    // Without `js` jiff has no clock in the browser; nothing here may ask for the time anyway.
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = std::fs::read_to_string(&path).unwrap();
            for foreign in ["std::fs", "std::net", "SystemTime::now", "WallTime::now", "Instant::now"] {
                assert!(!code.contains(foreign), "{foreign} in {path:?}");
            }
        }
    }
}
