//! Positions and labels of the ticks of an axis.

/// Returns round positions from 0 to `length`: 1, 2 or 5 times a power of ten apart, and at most
/// `limit` of them.
pub fn ticks(length: u64, limit: u64) -> Vec<u64> {
    let fits = |step: &u64| length / step < limit.max(2);
    let powers = (0..19).map(|power| 10u64.pow(power));
    let mut steps = powers.flat_map(|power| [power, power * 2, power * 5]);
    let step = steps.find(fits).unwrap_or(u64::MAX);
    (0..=length / step).map(|number| number * step).collect()
}

/// Formats a time in nanoseconds, in the unit that suits the longest time on the same axis.
pub fn format_time(nanoseconds: u64, longest: u64) -> String {
    let (unit, name) = match longest {
        0..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    format!("{} {name}", nanoseconds as f64 / f64::from(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(10, 6), [0, 2, 4, 6, 8, 10]);
        assert_eq!(ticks(99, 6), [0, 20, 40, 60, 80]);
        assert_eq!(
            ticks(3_400_000_000, 5),
            [0, 1_000_000_000, 2_000_000_000, 3_000_000_000]
        );
        assert_eq!(ticks(0, 5), [0]);
        assert!(ticks(u64::MAX, 5).len() <= 5);
    }

    #[test]
    fn times_share_a_unit() {
        assert_eq!(format_time(0, 5_000_000_000), "0 s");
        assert_eq!(format_time(500_000_000, 5_000_000_000), "0.5 s");
        assert_eq!(format_time(20_000_000_000, 60_000_000_000), "20 s");
        assert_eq!(format_time(2_500, 20_000), "2.5 µs");
    }
}
