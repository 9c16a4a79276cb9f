//! Human-readable sizes and spans of time.

use std::fmt::Write as _;
use std::time::Duration;

/// Appends a size: `0`, `996K`, `12.3M`, `1.5G`. Powers of 1024, rounded to the nearest; one
/// decimal below 100.
pub fn push_human(text: &mut String, bytes: u64) {
    const UNITS: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];
    if bytes < 1024 {
        push_decimal(text, bytes);
        return;
    }
    let mut unit = 0;
    let bytes = u128::from(bytes);
    loop {
        let size = 1024u128 << (10 * unit);
        let tenths = (bytes * 10 + size / 2) / size;
        let whole = (bytes + size / 2) / size;
        if tenths < 1000 {
            push_decimal(text, (tenths / 10) as u64);
            text.push('.');
            text.push(char::from(b'0' + (tenths % 10) as u8));
        } else if whole < 1024 || unit + 1 == UNITS.len() {
            push_decimal(text, whole as u64);
        } else {
            unit += 1;
            continue;
        }
        text.push(UNITS[unit]);
        return;
    }
}

/// Returns a size as text, like [`push_human`].
pub fn human_size(bytes: u64) -> String {
    let mut text = String::new();
    push_human(&mut text, bytes);
    text
}

/// Returns a power of two as text without decimals: `4K`, `2M`.
pub fn round_size(bytes: u64) -> String {
    human_size(bytes).replace(".0", "")
}

/// Appends a whole number. `write!` takes several times as long, which is noticeable in long
/// listings.
pub fn push_decimal(text: &mut String, number: u64) {
    text.push_str(itoa::Buffer::new().format(number));
}

/// Appends a span of time: `0:01.23` (minutes and seconds) below an hour, otherwise `2:03:04`.
pub fn push_span(text: &mut String, span: Duration) {
    let seconds = span.as_secs();
    push_decimal(
        text,
        if seconds < 3600 {
            seconds / 60
        } else {
            seconds / 3600
        },
    );
    let pair = |text: &mut String, separator: char, number: u64| {
        text.push(separator);
        text.push(char::from(b'0' + (number / 10 % 10) as u8));
        text.push(char::from(b'0' + (number % 10) as u8));
    };
    if seconds < 3600 {
        pair(text, ':', seconds % 60);
        pair(text, '.', u64::from(span.subsec_millis()) / 10);
    } else {
        pair(text, ':', seconds / 60 % 60);
        pair(text, ':', seconds % 60);
    }
}

/// Appends a rate or share with one decimal.
pub fn push_ratio(text: &mut String, ratio: f64) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{ratio:.1}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn human(bytes: u64) -> String {
        let mut text = String::new();
        push_human(&mut text, bytes);
        text
    }

    #[test]
    fn sizes_round_to_powers_of_1024() {
        const M: u64 = 1024 * 1024;
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1536, "1.5K"),
            (4096, "4.0K"),
            (102_348, "99.9K"),
            (102_400, "100K"),
            (1023 * 1024, "1023K"),
            (M - 1, "1.0M"),
            (12 * M + M / 3, "12.3M"),
            (1024 * M, "1.0G"),
            (u64::MAX, "16.0E"),
        ] {
            assert_eq!(human(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn spans_show_hours_from_one_hour() {
        for (millis, text) in [
            (0, "0:00.00"),
            (1_239, "0:01.23"),
            (3_599_990, "59:59.99"),
            (3_600_000, "1:00:00"),
            (360_061_000, "100:01:01"),
        ] {
            let mut span = String::new();
            push_span(&mut span, Duration::from_millis(millis));
            assert_eq!(span, text);
        }
    }
}
