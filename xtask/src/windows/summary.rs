//! The numbers of a test run, as nextest prints them.

/// Returns the numbers of the last line with a summary, such as `12 tests run: 12 passed`.
pub fn numbers(output: &str) -> Option<&str> {
    let line = output.lines().rev().find(|line| {
        let line = line.trim_start();
        line.starts_with("Summary [") || line.starts_with("Cancelled [")
    })?;
    Some(line.split_once(']')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_time_of_summary() {
        let output = "        PASS [   0.1s] psapi a\n────────────\n     Summary [   2.051s] 12 tests \
                      run: 10 passed, 2 failed, 3 skipped\n        FAIL [   0.1s] psapi b\n";
        let expected = "12 tests run: 10 passed, 2 failed, 3 skipped";
        assert_eq!(numbers(output), Some(expected));
        assert_eq!(numbers("error: could not compile `psapi`"), None);
    }
}
