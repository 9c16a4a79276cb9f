//! The structures have the documented layout in C and in C++. `src/types.rs` checks the library's
//! definitions.

#![cfg(target_os = "linux")]

use testing::c_library::compiler;
use testing::c_library::workshop::{Workshop, run};

#[test]
#[cfg(target_pointer_width = "64")]
fn structures_match_documented_layout() {
    let workshop = Workshop::new();
    let source = workshop.file("layout.c", include_str!("c/layout.c"));
    for compiler in compiler::all() {
        compiler.check(&[], &[&source]);
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn bit_fields_match_documented_layout() {
    let workshop = Workshop::new();
    let source = workshop.file("bit_fields.c", include_str!("c/bit_fields.c"));
    for compiler in compiler::all() {
        let program = workshop.build(&compiler, &[], &source);
        let ended = run(&mut workshop.command(program));
        let lines: Vec<&str> = ended.succeeded().lines().collect();
        let mut expected = Vec::new();
        for (structure, fields) in BIT_FIELDS {
            let mut shift = 0;
            for (field, bits) in *fields {
                let mask = (u64::MAX >> (64 - bits)) << shift;
                expected.push(format!("{structure}.{field} {mask:016x}"));
                shift += bits;
            }
            assert_eq!(shift, 64, "{structure}");
        }
        assert_eq!(lines, expected, "{compiler:?}");
    }
}

/// The fields of each structure from the lowest bit up, with their widths in bits.
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
