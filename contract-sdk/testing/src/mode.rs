//! In what a test runs: `#[quartet::test]` makes one of each of these.

use std::cell::Cell;

/// Where the contracts of a test run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In this process, natively; computations in clear.
    Clear,
    /// The same; computations in clear and on four parties in this process, whose results must agree.
    Mpc,
    /// As WASM on a cluster of four node processes. Needs the feature `nodes`.
    Nodes,
}

thread_local! {
    static MODE: Cell<Option<Mode>> = const { Cell::new(None) };
}

/// The mode of the test that is running. Outside of `#[quartet::test]` it is [`Mode::Mpc`].
#[must_use]
pub fn mode() -> Mode {
    MODE.get().unwrap_or(Mode::Mpc)
}

/// Runs a test in a mode; `#[quartet::test]` calls it.
///
/// # Panics
/// The test does, or the mode is not built.
pub fn run<T>(mode: Mode, test: impl FnOnce() -> T) -> T {
    assert!(
        mode != Mode::Nodes || cfg!(feature = "nodes"),
        "tests on real nodes need the feature `nodes` of contract-testing: run \
         `cargo test --features contract-testing/nodes`"
    );
    MODE.set(Some(mode));
    let result = test();
    MODE.set(None);
    result
}

/// A test on real nodes, which is ignored unless they can be had.
#[cfg(feature = "nodes")]
#[doc(hidden)]
#[macro_export]
macro_rules! nodes_test {
    ($($test:item)*) => { $(#[::core::prelude::v1::test] $test)* };
}

/// A test on real nodes, which is ignored unless they can be had.
#[cfg(not(feature = "nodes"))]
#[doc(hidden)]
#[macro_export]
macro_rules! nodes_test {
    ($($test:item)*) => {
        $(
            #[::core::prelude::v1::test]
            #[ignore = "needs the feature `nodes` of contract-testing"]
            $test
        )*
    };
}
