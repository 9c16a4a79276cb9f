//! Saved working sets, which a program can read from untrusted files.

use crate::WorkingSet;

/// Checks the decoder of saved working sets, with a whole file or only its body.
///
/// The checksum rejects nearly all generated files, so only bodies reach the decoder.
pub fn saved_working_set(bytes: &[u8]) {
    let whole = WorkingSet::read_from(bytes);
    let decoded = WorkingSet::from_body(bytes).or_else(|_| {
        let body = bytes.get(WorkingSet::HEADER..bytes.len().saturating_sub(4));
        WorkingSet::from_body(body.unwrap_or_default())
    });
    for set in whole.ok().iter().chain(decoded.ok().iter()) {
        let mut saved = Vec::new();
        set.write_to(&mut saved)
            .expect("writing to a vector does not fail");
        let again = WorkingSet::read_from(&saved[..]).expect("a saved set is readable");
        assert!(again == *set);
        saved.pop();
        assert!(WorkingSet::read_from(&saved[..]).is_err());

        let mut end = 0;
        for run in set.runs() {
            assert!(end <= run.start && run.start < run.end);
            assert!(run.mapping.start <= run.start && run.end <= run.mapping.end);
            end = run.end;
        }
        let mut with_mappings = crate::PageTotals::default();
        for (_, totals) in set.totals_by_mapping() {
            with_mappings.resident += totals.resident;
        }
        assert_eq!(with_mappings.resident, set.totals().resident);

        let difference = again
            .difference(set)
            .expect("both sets are of the same process");
        assert_eq!(difference.pages().count(), 0);
        let totals = difference.totals();
        assert!(totals.is_empty() && totals.before == totals.after);
        assert_eq!(totals.after.resident, set.totals().resident);
    }
}
