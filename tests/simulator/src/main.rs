//! `simulator`: plays random scenarios, replays one, or makes one smaller.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use simulator::{Report, Scenario, fingerprint_text, run, shrink};

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(10);

/// Four nodes in one thread, with random faults: each seed is one run, to the byte.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Play these seeds: `A..B` is from A up to but not including B.
    #[arg(long, value_parser = range, group = "what")]
    seeds: Option<std::ops::Range<u64>>,
    /// Play one seed.
    #[arg(long, group = "what")]
    seed: Option<u64>,
    /// Look for the smallest scenario that fails like this seed.
    #[arg(long, group = "what", value_name = "SEED")]
    shrink: Option<u64>,
    /// Print everything that happens.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Features to switch off, by number.
    #[arg(long, value_delimiter = ',')]
    without: Vec<usize>,
    /// How many runs at a time; as many as there are processors if not given.
    #[arg(long)]
    jobs: Option<usize>,
}

fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let parsed = text.split_once("..").and_then(|(from, to)| {
        let range = from.parse().ok()?..to.parse().ok()?;
        (range.start < range.end).then_some(range)
    });
    parsed.ok_or_else(|| "give two numbers, the smaller one first: 0..1000".into())
}

fn main() -> ExitCode {
    let options = Options::parse();
    let good = if let Some(seed) = options.seed {
        replay(
            &Scenario::random(seed).without(&options.without),
            options.trace,
        )
    } else if let Some(seed) = options.shrink {
        make_smaller(&Scenario::random(seed).without(&options.without))
    } else {
        let seeds = options.seeds.unwrap_or(0..1_000);
        let jobs = options
            .jobs
            .unwrap_or_else(|| thread::available_parallelism().map_or(1, std::num::NonZero::get));
        play_all(seeds, &options.without, jobs)
    };
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn describe(report: &Report) -> String {
    format!(
        "{} blocks, {} messages, {} results in {} virtual ms, run {}",
        report.blocks,
        report.messages,
        report.results,
        report.virtual_ms,
        fingerprint_text(report.fingerprint),
    )
}

fn list(scenario: &Scenario) {
    println!(
        "seed {}: faults for {} ms, the poll closes after {} s",
        scenario.seed, scenario.chaos_ms, scenario.closes_s
    );
    for (number, feature) in &scenario.features {
        println!("  {number:>3} {feature:?}");
    }
}

fn replay(scenario: &Scenario, trace: bool) -> bool {
    list(scenario);
    let report = run(scenario, trace);
    println!("{}", describe(&report));
    if let Some(violation) = &report.violation {
        println!("VIOLATION: {violation}");
    }
    report.violation.is_none()
}

fn make_smaller(scenario: &Scenario) -> bool {
    let report = run(scenario, false);
    let Some(violation) = &report.violation else {
        println!(
            "seed {} breaks no promise: {}",
            scenario.seed,
            describe(&report)
        );
        return true;
    };
    println!("VIOLATION: {violation}");
    let smallest = shrink(scenario, violation, &mut |smaller| {
        println!("{} features are enough", smaller.features.len());
    });
    list(&smallest);
    let kept = |number: &usize| smallest.features.iter().all(|(n, _)| n != number);
    let numbers = 0..Scenario::random(scenario.seed).features.len();
    let off: Vec<_> = numbers.filter(kept).map(|n| n.to_string()).collect();
    println!(
        "again: --seed {} --without {} --trace",
        scenario.seed,
        off.join(",")
    );
    false
}

fn play_all(seeds: std::ops::Range<u64>, without: &[usize], jobs: usize) -> bool {
    let (next, failed) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let (blocks, results) = (AtomicU64::new(0), AtomicU64::new(0));
    let seen = Mutex::new(BTreeMap::<&str, u64>::new());
    let (begun, told) = (Instant::now(), Mutex::new(Instant::now()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report = run(&Scenario::random(seed).without(without), false);
                    blocks.fetch_add(report.blocks, Ordering::Relaxed);
                    results.fetch_add(report.results, Ordering::Relaxed);
                    for (what, count) in &report.seen {
                        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                        *seen.entry(what).or_default() += count;
                    }
                    if let Some(violation) = &report.violation {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("seed {seed}: {violation}; {}", describe(&report));
                    }
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    if told.elapsed() >= PROGRESS {
                        *told = Instant::now();
                        let done = seed + 1 - seeds.start;
                        let all = seeds.end - seeds.start;
                        eprintln!("{done} of {all} in {:.0?}", begun.elapsed());
                    }
                }
            });
        }
    });
    for (what, count) in seen.into_inner().unwrap_or_else(PoisonError::into_inner) {
        println!("{count:>8} {what}");
    }
    let failed = failed.into_inner();
    println!(
        "seeds {}..{}: {failed} broke a promise; {} blocks and {} results in {:.1?}",
        seeds.start,
        seeds.end,
        blocks.into_inner(),
        results.into_inner(),
        begun.elapsed()
    );
    failed == 0
}
