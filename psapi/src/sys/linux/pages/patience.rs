//! The time that a walk spends on waiting for pages that the kernel moves.

use std::time::Duration;

/// How probable it is that a doubtful entry becomes definite soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// The entry probably stays as it is.
    Weak,
    /// The kernel is probably moving the page.
    Strong,
}

/// The time that one walk still spends on waiting for doubtful entries.
#[derive(Debug)]
pub(super) struct Patience {
    all: Duration,
    /// The part for weak doubts.
    weak: Duration,
}

impl Patience {
    const ALL: Duration = Duration::from_millis(100);
    const WEAK: Duration = Duration::from_millis(1);
    const FIRST_PAUSE: Duration = Duration::from_micros(20);
    const LONGEST_PAUSE: Duration = Duration::from_millis(5);

    pub(super) fn new() -> Self {
        Patience {
            all: Self::ALL,
            weak: Self::WEAK,
        }
    }

    /// Returns the time to wait before the next reading; `None` if the patience ends.
    pub(super) fn next_pause(&mut self, attempt: u32, doubt: Doubt) -> Option<Duration> {
        let factor = 1u32.checked_shl(attempt).unwrap_or(u32::MAX);
        let pause = Self::FIRST_PAUSE
            .saturating_mul(factor)
            .min(Self::LONGEST_PAUSE);
        if doubt == Doubt::Weak {
            self.weak = self.weak.checked_sub(pause)?;
        }
        self.all = self.all.checked_sub(pause)?;
        Some(pause)
    }

    /// Notes that a doubtful page was in fact moving, so that others probably are.
    pub(super) fn renew(&mut self) {
        self.weak = Self::WEAK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_covers_whole_walk() {
        let mut patience = Patience::new();
        let waits = |patience: &mut Patience, doubt| {
            let pauses = (0..).map_while(|attempt| patience.next_pause(attempt, doubt));
            pauses.sum::<Duration>()
        };
        let weak = waits(&mut patience, Doubt::Weak);
        assert!(Duration::ZERO < weak && weak <= Patience::WEAK);
        assert_eq!(
            patience.next_pause(0, Doubt::Weak).is_some(),
            weak < Patience::WEAK
        );
        patience.renew();
        assert!(waits(&mut patience, Doubt::Weak) > Duration::ZERO);
        let strong = waits(&mut patience, Doubt::Strong);
        assert!(Duration::ZERO < strong && strong < Patience::ALL);
        // A renewal does not extend the whole.
        for _ in 0..1000 {
            patience.renew();
            waits(&mut patience, Doubt::Weak);
        }
        assert_eq!(waits(&mut patience, Doubt::Strong), Duration::ZERO);
    }
}
