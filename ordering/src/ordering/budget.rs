//! How much work somebody may cause.

/// So much in a second, and as much at once.
pub(super) struct Budget<const PER_SECOND: u64> {
    left: u64,
    /// Spent beyond what there was.
    debt: u64,
    filled_at_ms: u64,
}

impl<const PER_SECOND: u64> Default for Budget<PER_SECOND> {
    fn default() -> Self {
        Self {
            left: PER_SECOND,
            debt: 0,
            filled_at_ms: 0,
        }
    }
}

impl<const PER_SECOND: u64> Budget<PER_SECOND> {
    /// Whether anything is left.
    pub(super) fn has_some(&mut self, now_ms: u64) -> bool {
        let elapsed_ms = now_ms.saturating_sub(self.filled_at_ms);
        let earned = elapsed_ms.saturating_mul(PER_SECOND) / 1_000;
        if earned > 0 {
            let repaid = earned.min(self.debt);
            self.debt -= repaid;
            self.left = self.left.saturating_add(earned - repaid).min(PER_SECOND);
            self.filled_at_ms = now_ms;
        }
        self.left > 0
    }

    /// Takes what was spent, also what was not there.
    pub(super) const fn spend(&mut self, amount: u64) {
        self.debt = self.debt.saturating_add(amount.saturating_sub(self.left));
        self.left = self.left.saturating_sub(amount);
    }

    /// Takes one, if anything is left.
    pub(super) fn take(&mut self, now_ms: u64) -> bool {
        let some = self.has_some(now_ms);
        if some {
            self.spend(1);
        }
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_earned_again_in_time() {
        let mut budget = Budget::<100>::default();
        let burst = (0..300).filter(|_| budget.take(5_000)).count();
        assert_eq!(burst, 100);
        assert!(!budget.has_some(5_009) && budget.has_some(5_010));
        // Two seconds' worth at once: the next is there after the one that is owed.
        budget.spend(101);
        assert!(!budget.has_some(6_009) && budget.has_some(6_030));
        assert!(budget.has_some(60_000));
        assert_eq!((0..300).filter(|_| budget.take(60_000)).count(), 100);
    }
}
