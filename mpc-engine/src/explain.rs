//! A program in words: its operations, what each costs, and what happens in each round.

use std::fmt;

use wire::kind::Kind;

use crate::{
    Plan, Program,
    circuit::{Circuit, Tally},
    plan::Memory,
    program::{Form, Node},
    schedule::{Action, Schedule},
    session::SETUP_FRAME_BYTES,
};

/// What a program does and costs. Its [`Display`](fmt::Display) is the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The operations in order, with those that nothing opened depends on.
    pub operations: Vec<Operation>,
    /// What a round sends and a party holds, set-up excluded.
    pub rounds: Vec<Round>,
    /// The costs in all.
    pub plan: Plan,
    gates: usize,
    tally: Tally,
    revealed: Vec<u32>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// It in words, with operands as `%n`.
    pub text: String,
    /// Kind of the result.
    pub kind: Kind,
    /// Elements of the result.
    pub len: usize,
    /// Gates that it adds; what it shares with earlier operations is counted there.
    pub gates: usize,
    /// Rounds that its gates take one after another.
    pub rounds: usize,
    /// Bytes of values that its gates send, over all links.
    pub bytes: u64,
}

/// One round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Bytes of values over all links.
    pub bytes: u64,
    /// Bytes of shares that a party holds when it sends.
    pub memory: u64,
}

impl Explanation {
    pub(crate) fn of(program: &Program) -> Self {
        let circuit = program.circuit();
        let count = program.nodes().len();
        let mut operations: Vec<Operation> = program
            .nodes()
            .iter()
            .zip(program.forms())
            .map(|(node, form)| Operation {
                text: text(program, node, *form),
                kind: form.kind,
                len: form.len,
                gates: 0,
                rounds: 0,
                bytes: 0,
            })
            .collect();
        for origin in circuit.origins() {
            operations[*origin as usize].gates += 1;
        }
        let mut depths = vec![(0, 0); count];
        let (rounds, gates) = run(program);
        for (i, gate) in gates.iter().enumerate() {
            let origin = circuit.origins()[i] as usize;
            operations[origin].bytes += gate.bytes;
            let (first, last) = &mut depths[origin];
            *first = (*first).max(gate.foreign_depth);
            *last = (*last).max(gate.depth);
        }
        for (operation, (first, last)) in operations.iter_mut().zip(depths) {
            operation.rounds = last.saturating_sub(first);
        }
        Self {
            operations,
            rounds,
            plan: program.plan(),
            gates: circuit.gates().len(),
            tally: circuit.tally(),
            revealed: program.revealed().iter().map(|v| v.0).collect(),
        }
    }
}

/// What a gate costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    bytes: u64,
    /// Rounds until it is there.
    depth: usize,
    /// Rounds until the operands are there that other operations made.
    foreign_depth: usize,
}

/// Goes through the schedule.
fn run(program: &Program) -> (Vec<Round>, Vec<Cost>) {
    let circuit = program.circuit();
    let mut costs = vec![Cost::default(); circuit.gates().len()];
    let mut stages = vec![0; costs.len()];
    let mut memory = Memory::new(program.layout());
    let (mut rounds, mut sent) = (Vec::new(), 0);
    let mut schedule = Schedule::new(program.layout().clone());
    let mut actions = schedule.begin();
    loop {
        for action in &actions {
            memory.note(circuit, action);
            match action {
                Action::Run(run) => {
                    let stage = run.stage;
                    let bytes = run.template.stage_bytes(stage, run.lanes, run.rows) as u64;
                    costs[run.value.index()].bytes += bytes;
                    stages[run.value.index()] = run.template.rounds();
                    sent += bytes;
                }
                Action::Open => {
                    let bytes = |(kind, len): (Kind, usize)| 4 * kind.bytes(len) as u64;
                    sent += program.outputs().into_iter().map(bytes).sum::<u64>();
                }
                Action::Send => {
                    let (bytes, memory) = (std::mem::take(&mut sent), memory.held);
                    rounds.push(Round { bytes, memory });
                }
                Action::Load(_) | Action::Move(_) | Action::Free(_) => {}
            }
        }
        actions = schedule.received();
        if schedule.is_done() {
            break;
        }
    }
    depths(circuit, &stages, &mut costs);
    (rounds, costs)
}

fn depths(circuit: &Circuit, stages: &[usize], costs: &mut [Cost]) {
    for (i, gate) in circuit.gates().iter().enumerate() {
        let (mut depth, mut foreign) = (0, 0);
        for operand in gate.operands() {
            let operand = operand.index();
            depth = depth.max(costs[operand].depth);
            if circuit.origins()[operand] != circuit.origins()[i] {
                foreign = foreign.max(costs[operand].depth);
            }
        }
        costs[i].depth = depth + stages[i];
        costs[i].foreign_depth = foreign;
    }
}

/// A node in words.
fn text(program: &Program, node: &Node, form: Form) -> String {
    match node {
        Node::Input(column) => match program.columns().get(*column as usize) {
            Some(column) => format!(
                "input type {}, field {}, element {}",
                column.id.input_type, column.id.field, column.id.element
            ),
            None => "input".into(),
        },
        Node::Constant { value, .. } => format!("constant {}", number(form.kind, *value)),
        Node::Public { values, .. } => {
            let shown: Vec<String> = values
                .iter()
                .take(4)
                .map(|v| number(form.kind, *v))
                .collect();
            let more = if values.len() > 4 { ", …" } else { "" };
            format!("public [{}{more}]", shown.join(", "))
        }
        Node::Apply { op, immediate, .. } => {
            let mut text = format!("{op:?}").to_lowercase();
            for operand in node.operands() {
                text += &format!(" %{}", operand.0);
            }
            if *immediate != 0 {
                text += &format!(" with {immediate}");
            }
            text
        }
    }
}

/// A public value as its kind reads it.
fn number(kind: Kind, value: u128) -> String {
    let negative = kind.is_signed() && value >> (kind.bits() - 1) & 1 == 1;
    let extended = if negative {
        value | !kind.mask()
    } else {
        value
    };
    match kind.fraction() {
        _ if kind == Kind::Bool => (value == 1).to_string(),
        0 if negative => extended.cast_signed().to_string(),
        0 => value.to_string(),
        fraction => format!("{}·2^-{fraction}", extended.cast_signed()),
    }
}

/// Rounds that are alike are told together.
fn alike(rounds: &[Round]) -> impl Iterator<Item = (usize, usize, Round)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let round = *rounds.get(at)?;
        let more = rounds[at..].iter().take_while(|r| **r == round).count();
        at += more;
        Some((at - more, more, round))
    })
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, operation) in self.operations.iter().enumerate() {
            let Operation {
                text, kind, len, ..
            } = operation;
            let kind = format!("{kind:?}").to_lowercase();
            let opened = self.revealed.contains(&(i as u32));
            write!(f, "%{i} = {text}: {kind}[{len}]")?;
            if opened {
                write!(f, ", opened")?;
            }
            match (operation.gates, operation.bytes) {
                (0, _) if opened => writeln!(f, "; shared with what is above")?,
                (0, _) => writeln!(f, "; nothing to do")?,
                (_, 0) => writeln!(f, "; free")?,
                (gates, bytes) => {
                    let plural = if gates == 1 { "" } else { "s" };
                    let rounds = operation.rounds;
                    writeln!(f, "; {gates} gate{plural}, {rounds} rounds, {bytes} bytes")?;
                }
            }
        }
        let Tally {
            asked,
            merged,
            dropped,
        } = self.tally;
        writeln!(
            f,
            "{} gates of {asked} asked for: {merged} were there already, {dropped} were not needed",
            self.gates
        )?;
        let setup = SETUP_FRAME_BYTES.len();
        writeln!(f, "rounds 1 to {setup}: keys")?;
        for (at, more, round) in alike(&self.rounds) {
            let first = setup + at + 1;
            if more == 1 {
                write!(f, "round {first}")?;
            } else {
                write!(f, "rounds {first} to {}, each", first + more - 1)?;
            }
            writeln!(
                f,
                ": {} bytes, {} bytes of memory at each node",
                round.bytes, round.memory
            )?;
        }
        write!(f, "in all: {}", self.plan)
    }
}
