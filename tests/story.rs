//! The main job as its user runs it, but smaller: four processes, a real EVM, the relayer.

use std::error::Error;

use voting::{Options, story};

/// All that must count counts, all that must not does not, L1 has the tally and refuses replays: the
/// story checks each as it goes, and fails otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_ends_with_the_right_tally_on_l1() -> Result<(), Box<dyn Error>> {
    let report = story::run(Options::new(12)).await?;
    assert_eq!(report.tally, report.expected);
    assert_eq!(report.inputs, 11, "all voters but the late one");
    assert_eq!(report.tally.invalid, 1, "the ballot for no choice");
    Ok(())
}
