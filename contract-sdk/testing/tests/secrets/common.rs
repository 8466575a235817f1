//! What the tests of secret operations share.

/// SplitMix64, from `QUARTET_SEED` or from the clock of the process's start; prints its seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        let seed = std::env::var("QUARTET_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(rand::random);
        println!("QUARTET_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u128 {
        let mut half = || {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        u128::from(half()) << 64 | u128::from(half())
    }

    /// A number of so many bits, which often is one of the ends of the range or zero, or next to
    /// them, or a small one.
    pub(crate) fn near_an_edge(&mut self, bits: u32) -> u128 {
        let pick = self.next();
        let small = self.next() % 5;
        match pick % 8 {
            0 | 1 => small.wrapping_sub(2),
            2 => (1_u128 << (bits - 1)).wrapping_add(small).wrapping_sub(2),
            3 => self.next() >> (128 - bits / 2),
            _ => self.next() >> (128 - bits),
        }
    }
}

/// Runs a contract's one computation, `calls::compute`, over these inputs of `calls::give`, in clear
/// and on four parties.
macro_rules! computed {
    ($contract:ident, $inputs:expr) => {{
        use contract_testing::user;
        let mut world: contract_testing::World<$contract::Contract> =
            contract_testing::World::deploy(0, user("d"), &$contract::calls::deploy()).unwrap();
        for (i, input) in $inputs.into_iter().enumerate() {
            let owner = user(&i.to_string());
            world.input(owner, &$contract::calls::give(&input)).unwrap();
        }
        let started = world.call(user("d"), &$contract::calls::compute()).unwrap();
        world.run(started)
    }};
}
