//! Runs the Solidity project's own checks, where npm is there: its tests (unit, fuzz, invariants and
//! the vectors shared with Rust), its gas snapshot, and that the artifacts which Rust reads are what
//! its sources compile to.

use std::path::Path;

use system_tests::{npm, npm_install};

#[test]
fn the_solidity_project_passes_its_own_checks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../l1-contracts");
    if !npm_install(&folder) {
        return;
    }
    npm(&folder, &["run", "artifacts:check"]);
    npm(&folder, &["test"]);
    npm(&folder, &["run", "snapshot:check"]);
}
