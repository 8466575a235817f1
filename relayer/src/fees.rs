//! What a transaction offers per gas, in wei.

use client::transaction::Fees;

/// How fees are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeePolicy {
    /// The chain takes none.
    Free,
    /// Market fees up to a cap.
    Capped {
        /// The most that is offered per gas.
        cap: u128,
    },
}

/// The base fee is over the cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverCap {
    /// The cap.
    pub cap: u128,
}

impl FeePolicy {
    /// The first offer: room for the base fee to double, and the tip that the node suggests.
    ///
    /// # Errors
    /// [`OverCap`] if no block would take it.
    pub fn first(self, base_fee: u128, tip: u128) -> Result<Fees, OverCap> {
        let Self::Capped { cap } = self else {
            return Ok(Fees::default());
        };
        if base_fee > cap {
            return Err(OverCap { cap });
        }
        let max_fee_per_gas = base_fee.saturating_mul(2).saturating_add(tip).min(cap);
        Ok(Fees {
            max_fee_per_gas,
            max_priority_fee_per_gas: tip.min(max_fee_per_gas),
        })
    }

    /// What replaces an earlier offer: at least an eighth more of both (nodes ask for a tenth), and
    /// what the market asks now; none if that is over the cap.
    #[must_use]
    pub fn raise(self, earlier: Fees, now: Fees) -> Option<Fees> {
        let Self::Capped { cap } = self else {
            return None;
        };
        let more = |fee: u128| fee.saturating_add(fee / 8).saturating_add(1);
        let earlier_tip = earlier.max_priority_fee_per_gas;
        let tip = more(earlier_tip).max(now.max_priority_fee_per_gas);
        let fee = more(earlier.max_fee_per_gas)
            .max(now.max_fee_per_gas)
            .max(tip);
        (fee <= cap).then_some(Fees {
            max_fee_per_gas: fee,
            max_priority_fee_per_gas: tip,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: FeePolicy = FeePolicy::Capped { cap: 100 };

    fn fees(max_fee_per_gas: u128, max_priority_fee_per_gas: u128) -> Fees {
        Fees {
            max_fee_per_gas,
            max_priority_fee_per_gas,
        }
    }

    #[test]
    fn first_offers_leave_room_and_stay_under_the_cap() {
        assert_eq!(POLICY.first(10, 2), Ok(fees(22, 2)));
        assert_eq!(POLICY.first(60, 2), Ok(fees(100, 2)));
        assert_eq!(POLICY.first(100, 300), Ok(fees(100, 100)));
        assert_eq!(POLICY.first(101, 0), Err(OverCap { cap: 100 }));
        assert_eq!(POLICY.first(u128::MAX, 0), Err(OverCap { cap: 100 }));
        assert_eq!(FeePolicy::Free.first(10, 2), Ok(fees(0, 0)));
    }

    #[test]
    fn a_replacement_offers_a_tenth_more_of_both_until_the_cap() {
        let mut now = fees(8, 0);
        let mut raises = 0;
        while let Some(raised) = POLICY.raise(now, fees(8, 0)) {
            assert!(raised.max_fee_per_gas * 10 >= now.max_fee_per_gas * 11);
            assert!(raised.max_priority_fee_per_gas > now.max_priority_fee_per_gas);
            assert!(raised.max_fee_per_gas <= 100);
            now = raised;
            raises += 1;
        }
        assert!(raises > 10, "{raises}");
        assert_eq!(POLICY.raise(fees(8, 1), fees(50, 3)), Some(fees(50, 3)));
        assert_eq!(POLICY.raise(fees(100, 1), fees(1, 1)), None);
        assert_eq!(FeePolicy::Free.raise(fees(0, 0), fees(0, 0)), None);
    }
}
