//! Every committed seed, and cut and changed forms of it, through the fuzz targets on the stable compiler.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use conformance::fuzz::TARGETS;

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut paths: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn every_seed_keeps_the_invariants() {
    for (target, body) in TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for (path, seed) in seeds {
            println!("{}", path.display());
            body(&seed);
        }
    }
}

/// Each prefix of a seed, and one octet at a time replaced by values at the edges.
#[test]
fn every_seed_cut_and_changed_keeps_the_invariants() {
    for (target, body) in TARGETS {
        for (path, mut seed) in seeds(target) {
            println!("{}", path.display());
            // At most some hundred of each: the long seeds are lists of the same.
            let step = seed.len().div_ceil(150);
            for at in (0..seed.len()).step_by(step) {
                body(seed.get(..at).unwrap());
                for value in [0, 1, 0x7f, 0xff, 1 ^ seed.get(at).unwrap()] {
                    let kept = std::mem::replace(seed.get_mut(at).unwrap(), value);
                    body(&seed);
                    *seed.get_mut(at).unwrap() = kept;
                }
            }
        }
    }
}

#[test]
fn every_folder_and_wrapper_is_of_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let names = |folder: &str| {
        let mut names: Vec<String> = root
            .join(folder)
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let mut targets: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    targets.sort();
    assert_eq!(names("seeds"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
