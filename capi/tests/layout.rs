//! The structures are laid out as the contract has them, for C and for C++. That the library has the
//! same layouts is tested in `src/types.rs`.

mod common;

use common::compiler;
use common::workshop::{Workshop, run};

#[test]
#[cfg(target_pointer_width = "64")]
fn sizes_and_offsets_are_those_of_the_contract() {
    let workshop = Workshop::new();
    let source = workshop.file("layout.c", include_str!("c/layout.c"));
    for compiler in compiler::all() {
        compiler.check(&[], &[&source]);
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn bit_fields_are_where_the_contract_has_them() {
    let workshop = Workshop::new();
    let source = workshop.file("bit_fields.c", include_str!("c/bit_fields.c"));
    for compiler in compiler::all() {
        let program = workshop.build(&compiler, &[], &source);
        let ended = run(&mut workshop.command(program));
        let lines: Vec<&str> = ended.succeeded().lines().collect();
        let mut expected = Vec::new();
        for (structure, fields) in BIT_FIELDS {
            let mut first = 0;
            for (field, bits) in *fields {
                let mask = (u64::MAX >> (64 - bits)) << first;
                expected.push(format!("{structure}.{field} {mask:016x}"));
                first += bits;
            }
            assert_eq!(first, 64, "{structure}");
        }
        assert_eq!(lines, expected, "{compiler:?}");
    }
}

/// What each structure has, from the lowest bit on: a field and how many bits it has.
const BIT_FIELDS: &[(&str, &[(&str, u32)])] = &[
    (
        "PSAPI_WORKING_SET_BLOCK",
        &[
            ("Protection", 5),
            ("ShareCount", 3),
            ("Shared", 1),
            ("Reserved", 3),
            ("VirtualPage", 52),
        ],
    ),
    (
        "PSAPI_WORKING_SET_EX_BLOCK",
        &[
            ("Valid", 1),
            ("ShareCount", 3),
            ("Win32Protection", 11),
            ("Shared", 1),
            ("Node", 6),
            ("Locked", 1),
            ("LargePage", 1),
            ("Reserved", 7),
            ("Bad", 1),
            ("ReservedUlong", 32),
        ],
    ),
    (
        "PSAPI_WORKING_SET_EX_BLOCK",
        &[
            ("Invalid.Valid", 1),
            ("Invalid.Reserved0", 14),
            ("Invalid.Shared", 1),
            ("Invalid.Reserved1", 15),
            ("Invalid.Bad", 1),
            ("Invalid.ReservedUlong", 32),
        ],
    ),
];
