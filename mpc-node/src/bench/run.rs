//! The parent: starts the parties, brings them together, and puts together what they measured.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use mpc_engine::{Program, clear, encode_opened};
use serde::{Serialize, de::DeserializeOwned};
use wire::limits::NODES;

use super::{BenchError, Contact, Introductions, Job, Measured, relay::Network, workload};

/// The argument that makes the program a party.
pub const AS_PARTY: &str = "--as-party";

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the workload.
    pub workload: String,
    /// How many of it.
    pub count: usize,
    /// Where inputs come from.
    pub seed: u64,
    /// How often.
    pub repeat: usize,
    /// Party number of the one that the workload is run without.
    pub absent: Option<u8>,
    /// One-way delay of each link.
    pub delay: Duration,
    /// Bandwidth of each direction of each link, in Mbit/s; that of the machine if none.
    pub mbit_s: Option<f64>,
}

/// What was measured. Of several runs, that of the median time.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the workload.
    pub workload: String,
    /// How many of it.
    pub count: usize,
    /// Time of the program, of the slowest party: without process start, dealing, connecting and
    /// the set-up of the session's keys.
    pub seconds: f64,
    /// Count by seconds.
    pub per_second: f64,
    /// Rounds, those of the set-up included.
    pub rounds: u32,
    /// Bytes that the busiest party sent, frames' headers included, without those of TLS and TCP.
    pub max_party_bytes_sent: u64,
    /// The same for each link: `[from][to]`.
    pub link_bytes: [[u64; NODES]; NODES],
    /// The most memory that was resident in one party's process.
    pub max_rss_bytes: u64,
    /// CPU time of the program, all parties.
    pub cpu_seconds: f64,
    /// Times of all runs, in order.
    pub all_seconds: Vec<f64>,
    /// Time in which all four made the reserve that three need.
    pub reserve_seconds: f64,
    /// Bytes that each of them keeps of it.
    pub reserve_bytes: usize,
}

/// Runs a workload, and checks its result.
///
/// # Errors
/// [`BenchError`].
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let expected = expected(options)?;
    let mut runs = Vec::new();
    for _ in 0..options.repeat.max(1) {
        runs.push(once(options, &expected)?);
    }
    let all_seconds: Vec<f64> = runs.iter().map(seconds).collect();
    runs.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
    let median = runs.swap_remove((runs.len() - 1) / 2);
    Ok(report(options, &median, all_seconds))
}

/// What is to be opened, encoded; nothing if lots are made.
fn expected(options: &Options) -> Result<Vec<u8>, BenchError> {
    if options
        .absent
        .is_some_and(|party| usize::from(party) >= NODES)
    {
        return Err(BenchError::Absent("the absent party is 0, 1, 2 or 3"));
    }
    if options.workload == workload::RESERVE {
        return match options.absent {
            Some(_) => Err(BenchError::Absent(
                "the reserve is made by all four parties",
            )),
            None => Ok(Vec::new()),
        };
    }
    let name = || BenchError::NoSuchWorkload(options.workload.clone());
    let workload = workload::find(&options.workload).ok_or_else(name)?;
    let program: Program = workload.program(options.count)?;
    let columns = workload.columns(&program, options.seed);
    let values = clear::evaluate(&program, &columns)?;
    Ok(encode_opened(&program, &values)?)
}

/// Whether all who hold a component of a lot hold the same.
fn check_lots(run: &[Measured; NODES]) -> Result<(), BenchError> {
    for component in 0..4u8 {
        let at = usize::from(component);
        let held = run.iter().enumerate().filter(|(party, _)| *party != at);
        let hashes: Vec<_> = held.map(|(_, party)| party.hashes[at]).collect();
        if hashes.iter().any(|hash| *hash != hashes[0]) {
            return Err(BenchError::Lots(component));
        }
    }
    Ok(())
}

fn seconds(run: &[Measured; NODES]) -> f64 {
    run.iter().map(|party| party.seconds).fold(0.0, f64::max)
}

fn report(options: &Options, run: &[Measured; NODES], all_seconds: Vec<f64>) -> Report {
    let seconds = seconds(run);
    let sent = run.iter().map(|party| party.sent.iter().sum());
    Report {
        workload: options.workload.clone(),
        count: options.count,
        seconds,
        per_second: options.count as f64 / seconds,
        rounds: run
            .iter()
            .map(|party| party.rounds)
            .max()
            .unwrap_or_default(),
        max_party_bytes_sent: sent.max().unwrap_or_default(),
        link_bytes: std::array::from_fn(|party| run[party].sent),
        max_rss_bytes: run
            .iter()
            .map(|party| party.rss_bytes)
            .max()
            .unwrap_or_default(),
        cpu_seconds: run.iter().map(|party| party.cpu_seconds).sum(),
        all_seconds,
        reserve_seconds: run
            .iter()
            .map(|party| party.reserve_seconds)
            .fold(0.0, f64::max),
        reserve_bytes: 3 * run[0].reserve_bytes,
    }
}

/// A party's process; killed when this is dropped.
struct Party {
    me: u8,
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Drop for Party {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Party {
    fn start(me: u8) -> Result<Self, BenchError> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(AS_PARTY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(BenchError::Ended(me))?;
        let output = BufReader::new(output);
        Ok(Self { me, child, output })
    }

    fn tell(&mut self, message: &impl Serialize) -> Result<(), BenchError> {
        let mut line = serde_json::to_string(message)?;
        line.push('\n');
        let ended = BenchError::Ended(self.me);
        let input = self.child.stdin.as_mut().ok_or(ended)?;
        input
            .write_all(line.as_bytes())
            .map_err(|_| BenchError::Ended(self.me))
    }

    fn hear<T: DeserializeOwned>(&mut self) -> Result<T, BenchError> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(BenchError::Ended(self.me));
        }
        Ok(serde_json::from_str(&line)?)
    }
}

fn once(options: &Options, expected: &[u8]) -> Result<[Measured; NODES], BenchError> {
    let mut parties = Vec::with_capacity(NODES);
    for me in 0..4 {
        let mut party = Party::start(me)?;
        party.tell(&Job {
            me,
            workload: options.workload.clone(),
            count: options.count,
            seed: options.seed,
            absent: options.absent,
        })?;
        parties.push(party);
    }
    let mut introductions: Vec<Introductions> = Vec::with_capacity(NODES);
    for party in &mut parties {
        introductions.push(party.hear()?);
    }
    for party in &mut parties {
        let contacts = contacts(options, usize::from(party.me), &introductions)?;
        party.tell(&contacts)?;
    }
    let mut measured = Vec::with_capacity(NODES);
    for party in &mut parties {
        let said: Measured = party.hear()?;
        let expected = if options.absent == Some(party.me) {
            &[]
        } else {
            expected
        };
        if said.opened != expected {
            return Err(BenchError::Wrong(party.me));
        }
        measured.push(said);
    }
    let measured = measured.try_into().map_err(|_| BenchError::Ended(0))?;
    check_lots(&measured)?;
    Ok(measured)
}

/// What one party is told of all of them; where a network is emulated, the way leads through it.
fn contacts(
    options: &Options,
    me: usize,
    introductions: &[Introductions],
) -> Result<Vec<Contact>, BenchError> {
    let network = Network {
        delay: options.delay,
        bandwidth: options.mbit_s.map(|mbit| mbit * 1e6 / 8.0),
    };
    let emulated = !options.delay.is_zero() || options.mbit_s.is_some();
    let mut contacts = Vec::with_capacity(NODES);
    for (peer, theirs) in introductions.iter().enumerate() {
        let introduction = theirs[me].clone();
        let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, introduction.port));
        // The lower index dials.
        if emulated && me < peer {
            address = network.relay(address)?;
        }
        contacts.push(Contact {
            address,
            introduction,
        });
    }
    Ok(contacts)
}
