//! The properties, tried on seeds, on damaged seeds, and on anything.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// What kernels wrote, and what once broke a parser: also the seeds of the fuzz targets.
fn seeds(property: &str) -> Vec<Vec<u8>> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    // A directory that an ordinary user may not read, or a package without its repository.
    let Ok(files) = std::fs::read_dir(seeds.join(property)) else {
        eprintln!("SKIPPED: no seeds in {}", seeds.display());
        return vec![Vec::new()];
    };
    let files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let seeds: Vec<_> = files.collect();
    assert!(!seeds.is_empty(), "{property} has seeds");
    seeds
}

#[test]
fn they_hold_of_every_seed() {
    for (name, property) in PROPERTIES {
        for seed in seeds(name) {
            property(&seed);
        }
    }
}

/// What goes wrong with a text.
#[derive(Debug, Clone)]
enum Damage {
    CutAt(Index),
    Byte(Index, u8),
    Remove(Index, Index),
    Repeat(Index, Index),
    Insert(Index, Vec<u8>),
}

impl Damage {
    fn apply(&self, text: &mut Vec<u8>) {
        let at = |index: &Index, text: &[u8]| index.index(text.len() + 1);
        let range = |a: &Index, b: &Index, text: &[u8]| {
            let (a, b) = (at(a, text), at(b, text));
            a.min(b)..a.max(b)
        };
        match self {
            Damage::CutAt(end) => text.truncate(at(end, text)),
            Damage::Byte(place, byte) => {
                let place = at(place, text);
                if let Some(old) = text.get_mut(place) {
                    *old = *byte;
                }
            }
            Damage::Remove(a, b) => drop(text.drain(range(a, b, text))),
            Damage::Repeat(a, b) => text.extend_from_within(range(a, b, text)),
            Damage::Insert(place, bytes) => {
                let place = at(place, text);
                text.splice(place..place, bytes.iter().copied());
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    let separators = prop::sample::select(&b" \n\t:()0-\\\0"[..]);
    prop_oneof![
        index().prop_map(Damage::CutAt),
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (index(), separators).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (index(), index()).prop_map(|(a, b)| Damage::Remove(a, b)),
        (index(), index()).prop_map(|(a, b)| Damage::Repeat(a, b)),
        (index(), any::<Vec<u8>>()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
    ]
}

#[test]
fn they_hold_of_damaged_seeds() {
    for (name, property) in PROPERTIES {
        let seed = prop::sample::select(seeds(name));
        let damages = prop::collection::vec(damage(), 1..4);
        proptest!(|(mut text in seed, damages in damages)| {
            for damage in damages {
                damage.apply(&mut text);
            }
            property(&text);
        });
    }
}

#[test]
fn they_hold_of_any_bytes() {
    for (_, property) in PROPERTIES {
        proptest!(|(bytes: Vec<u8>)| property(&bytes));
        proptest!(|(text in r"[-+0-9a-fx:/() \n\t\\]{0,24}")| property(text.as_bytes()));
    }
}
