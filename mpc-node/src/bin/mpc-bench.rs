//! `mpc-bench`: one workload on four processes over the nodes' own transport.

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use mpc_node::bench::{
    BenchError, party,
    run::{AS_PARTY, Options, Report, run},
    workload,
};

/// Measures one workload on four parties, each a process, over the nodes' own encrypted transport.
///
/// What is opened is checked against the clear-text model. The time is that of the program: without
/// process start, dealing of inputs, connecting, and agreeing on the session's keys.
#[derive(Debug, Parser)]
#[command(version, after_help = workloads())]
struct Arguments {
    /// What to run; see below.
    workload: String,
    /// How many of it.
    #[arg(long, value_name = "N")]
    count: NonZeroUsize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// One-way delay of every link, in milliseconds, emulated by a relay on this machine.
    #[arg(long, value_name = "D", default_value_t = 0.0)]
    delay_ms: f64,
    /// Bandwidth of each direction of every link, in Mbit/s, emulated likewise.
    #[arg(long, value_name = "B")]
    mbit_s: Option<f64>,
    /// Where inputs come from.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Run it without this party (0 to 3), from a reserve that all four make first.
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u8).range(0..4))]
    absent: Option<u8>,
    /// How often to run it; the run of the median time is reported.
    #[arg(long, value_name = "R", default_value_t = 1)]
    repeat: usize,
}

fn workloads() -> String {
    let rows = workload::ALL.iter();
    let rows = rows.map(|workload| format!("  {:<10}{}\n", workload.name, workload.about));
    let reserve = "lots of the reserve, made by all four";
    let reserve = format!("  {:<10}{reserve}\n", workload::RESERVE);
    format!("Workloads:\n{}{reserve}", rows.collect::<String>())
}

fn main() -> ExitCode {
    let result = if std::env::args()
        .nth(1)
        .is_some_and(|first| first == AS_PARTY)
    {
        party::run()
    } else {
        measure(Arguments::parse())
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: Arguments) -> Result<(), BenchError> {
    let json = arguments.json;
    let delay = Duration::try_from_secs_f64(arguments.delay_ms / 1000.0);
    let options = Options {
        workload: arguments.workload,
        count: arguments.count.get(),
        seed: arguments.seed,
        repeat: arguments.repeat,
        absent: arguments.absent,
        delay: delay.map_err(io::Error::other)?,
        mbit_s: arguments.mbit_s.filter(|mbit| *mbit > 0.0),
    };
    let report = run(&options)?;
    let mut out = io::stdout().lock();
    let written = if json {
        writeln!(out, "{}", serde_json::to_string(&report)?)
    } else {
        print(&report, &mut out)
    };
    match written {
        // Nobody reads on: `| head` has what it wants.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn print(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let Report {
        workload,
        count,
        seconds,
        per_second,
        rounds,
        max_party_bytes_sent: most,
        link_bytes,
        max_rss_bytes,
        cpu_seconds,
        all_seconds,
        reserve_seconds,
        reserve_bytes,
    } = report;
    writeln!(
        out,
        "{workload}: {count} in {seconds:.4} s, {per_second:.1} per second"
    )?;
    let each_us = seconds * 1e6 / f64::from((*rounds).max(1));
    writeln!(out, "rounds   {rounds} ({each_us:.1} µs each)")?;
    writeln!(
        out,
        "sent     {most} bytes by the busiest party, {:.3} each",
        *most as f64 / *count as f64
    )?;
    for (from, row) in link_bytes.iter().enumerate() {
        writeln!(out, "  from {from} to 0, 1, 2, 3: {row:?}")?;
    }
    writeln!(
        out,
        "memory   {:.1} MiB in the largest party",
        *max_rss_bytes as f64 / 1048576.0
    )?;
    writeln!(out, "CPU      {cpu_seconds:.3} s, all parties")?;
    if *reserve_bytes > 0 {
        let mib = *reserve_bytes as f64 / 1048576.0;
        writeln!(
            out,
            "reserve  {mib:.1} MiB at each party, made in {reserve_seconds:.4} s"
        )?;
    }
    if all_seconds.len() > 1 {
        writeln!(out, "all runs {all_seconds:.4?} s")?;
    }
    Ok(())
}
