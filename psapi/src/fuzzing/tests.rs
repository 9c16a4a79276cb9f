//! Checks the properties with seeds, damaged seeds and arbitrary bytes.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Returns the seeds of a fuzz target: files written by kernels, and inputs that once broke a
/// parser.
fn seeds(property: &str) -> Vec<Vec<u8>> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    // The directory is missing in a published package and might be unreadable for this user.
    let Ok(files) = std::fs::read_dir(seeds.join(property)) else {
        eprintln!("SKIPPED: cannot read seeds in {}", seeds.display());
        return vec![Vec::new()];
    };
    let files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let seeds: Vec<_> = files.collect();
    assert!(!seeds.is_empty(), "{property} has no seeds");
    seeds
}

#[test]
fn properties_hold_for_seeds() {
    for (name, property) in properties() {
        for seed in seeds(name) {
            property(&seed);
        }
    }
}

/// A change to a seed.
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
            Damage::Byte(index, byte) => {
                let index = at(index, text);
                if let Some(old) = text.get_mut(index) {
                    *old = *byte;
                }
            }
            Damage::Remove(a, b) => drop(text.drain(range(a, b, text))),
            Damage::Repeat(a, b) => text.extend_from_within(range(a, b, text)),
            Damage::Insert(index, bytes) => {
                let index = at(index, text);
                text.splice(index..index, bytes.iter().copied());
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
fn properties_hold_for_damaged_seeds() {
    for (name, property) in properties() {
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
fn properties_hold_for_arbitrary_bytes() {
    for (_, property) in properties() {
        proptest!(|(bytes: Vec<u8>)| property(&bytes));
        proptest!(|(text in r"[-+0-9a-fx:/() \n\t\\]{0,24}")| property(text.as_bytes()));
    }
}
