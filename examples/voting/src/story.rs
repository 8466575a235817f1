//! The whole story, act by act.

use std::sync::Arc;

use crate::{
    ballots, count, deploy,
    electorate::{self, Electorate},
    error::StoryError,
    l1::L1,
    narrate::{Narrator, bytes, grouped, seconds},
    options::Options,
    report::Report,
    result,
    stage::{Programs, Stage},
    trouble::{self, Trouble},
};

/// How a story ended.
#[derive(Debug)]
pub struct Ending {
    /// The figures.
    pub report: Report,
    /// Everything, still running; dropping it stops and reaps all.
    pub stage: Stage,
}

/// Plays the whole story and stops everything.
///
/// # Errors
/// As [`play`].
pub async fn run(options: Options) -> Result<Report, StoryError> {
    let narrator = Arc::new(Narrator::new(options.detail));
    Ok(play(&options, &narrator).await?.report)
}

/// Plays the whole story, at the end of which everything runs still.
///
/// # Errors
/// [`StoryError`] if anything is not as it must be; everything is stopped then, and the files of
/// the cluster are kept, with the logs in them.
pub async fn play(options: &Options, narrator: &Arc<Narrator>) -> Result<Ending, StoryError> {
    options.check()?;
    narrator.act("1. The stage");
    // First, since it is what can be missing; building takes a while.
    let l1 = L1::connect(&options.l1).await?;
    let electorate = Electorate::random(options.voters)?;
    let byzantine = matches!(options.trouble, Some(Trouble::Byzantine { .. }));
    let programs = Programs::build(byzantine, narrator).await?;
    let mut stage = deploy::raise(l1, options, &programs, &electorate, narrator).await?;
    let acts = acts(&stage, &electorate, options.trouble, &programs, narrator);
    match stage.while_all_run(acts).await {
        Ok(report) => Ok(Ending { report, stage }),
        Err(error) => {
            narrator.logs_kept(&stage.cluster.keep_directory());
            Err(error)
        }
    }
}

async fn acts(
    stage: &Stage,
    electorate: &Electorate,
    trouble: Option<Trouble>,
    programs: &Programs,
    narrator: &Narrator,
) -> Result<Report, StoryError> {
    trouble::at_first(trouble, stage, programs, narrator).await?;
    narrator.act("2. The electorate");
    electorate::register(stage, electorate, narrator).await?;

    narrator.act("3. The ballots");
    let casting = ballots::cast_all(stage, electorate, narrator);
    let trouble_at_the_polls = trouble::while_voting(trouble, stage, narrator);
    let (casting, ()) = tokio::try_join!(casting, trouble_at_the_polls)?;

    narrator.act("4. The count");
    count::pass_deadline(stage, electorate, narrator).await?;
    let counted = count::count(stage, electorate, trouble, narrator).await?;
    trouble::tell_contradictions(stage, narrator).await?;

    narrator.act("5. The result");
    let published = result::published(stage, &counted, narrator).await?;
    result::attacks(stage, &counted, &published, narrator).await?;
    if let Some(trouble) = trouble {
        narrator.act("6. The return");
        trouble::come_back(trouble, stage, programs, narrator).await?;
    }

    let report = Report {
        voters: electorate.voters().len(),
        tally: published.tally,
        expected: casting.expected,
        casting: casting.time,
        cast: casting.ballots,
        close_to_attested: counted.time,
        close_to_l1: published.time,
        rounds: counted.info.rounds.unwrap_or_default(),
        inputs: counted.info.input_count.unwrap_or_default(),
        bytes_per_ballot_casting: casting.bytes_per_ballot,
        bytes_per_ballot_counting: counted.bytes_per_ballot,
        attempts: counted.attempts,
        result_gas: published.gas,
        total: narrator.elapsed(),
    };
    end(&report, narrator);
    if report.tally != report.expected {
        return Err(StoryError::WrongTally {
            expected: report.expected,
            actual: report.tally,
        });
    }
    Ok(report)
}

/// Tells the tallies side by side, and the figures.
fn end(report: &Report, narrator: &Narrator) {
    let Report {
        tally, expected, ..
    } = report;
    narrator.act("The end");
    narrator.show("                           sea     hills      city   invalid");
    for (name, t) in [("on L1", tally), ("in clear", expected)] {
        let [a, b, c] = t.votes.map(grouped);
        let invalid = grouped(t.invalid);
        narrator.show(format!(
            "tally {name:10}   {a:>9} {b:>9} {c:>9} {invalid:>9}"
        ));
    }
    narrator.say(if tally == expected {
        "They agree. Each node saw only random numbers, and no node alone could have changed a vote."
    } else {
        "THEY DO NOT AGREE."
    });
    if report.cast > 0 {
        narrator.say(format!(
            "{} ordinary ballots accepted in {}: {:.0} per second; {} between the nodes for each.",
            grouped(report.cast as u64),
            seconds(report.casting),
            report.ballots_per_second(),
            bytes(report.bytes_per_ballot_casting),
        ));
    }
    narrator.say(format!(
        "Count of {} ballots: {} to three signatures, {} to L1; {} between the nodes for each \
         ballot.",
        grouped(report.inputs),
        seconds(report.close_to_attested),
        seconds(report.close_to_l1),
        bytes(report.bytes_per_ballot_counting),
    ));
    narrator.say(format!(
        "The result took {} gas on L1. All in all {}.",
        grouped(report.result_gas),
        seconds(report.total),
    ));
}
