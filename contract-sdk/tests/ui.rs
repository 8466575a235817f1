//! What authors are told when they write what cannot be: each of these is an error that says what to
//! write instead. `TRYBUILD=overwrite` writes the expected texts anew.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
