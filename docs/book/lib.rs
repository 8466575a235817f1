//! The book for authors of contracts, whose Rust is compiled here, page by page. Read it with
//! `mdbook serve docs/book`, or as it is in `src/`.

macro_rules! pages {
    ($($name:ident: $path:literal)*) => {$(
        #[cfg(doctest)]
        #[doc = include_str!($path)]
        mod $name {}
    )*

        /// The pages that are compiled, from the folder `src`.
        pub const PAGES: &[&str] = &[$($path),*];
    };
}

pages! {
    introduction: "src/introduction.md"
    tutorial: "src/tutorial.md"
    contract: "src/guide/contract.md"
    state: "src/guide/state.md"
    inputs: "src/guide/inputs.md"
    computations: "src/guide/computations.md"
    results: "src/guide/results.md"
    time: "src/guide/time.md"
    errors: "src/guide/errors.md"
    calls: "src/guide/calls.md"
    tests: "src/guide/tests.md"
    build: "src/guide/build.md"
    l1: "src/guide/l1.md"
    leakage: "src/guide/leakage.md"
    costs: "src/guide/costs.md"
    attributes: "src/reference/attributes.md"
    operations: "src/reference/operations.md"
    cli: "src/reference/cli.md"
    limits: "src/reference/limits.md"
    peers: "src/reference/peers.md"
}
