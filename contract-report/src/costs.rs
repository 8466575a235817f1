//! What computations cost, from the programs that they become.

use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use alloy_json_abi::Param;
use mpc_engine::{Amounts, Plan};
use wire::contract::{self, Description};
use zk_contract_runtime::inspect::{Inspection, Planned, RESERVE_LOT, Traced};

use crate::{
    ReportError, functions,
    report::{self, Computation, Cost, Figures, Reserve, Time, WithNodes},
};

/// Numbers of inputs for which costs are told.
pub(crate) const INPUTS: [u64; 5] = [1, 10, 100, 1_000, 10_000];

/// A network between the nodes.
struct Network {
    name: &'static str,
    /// Delay from one node to another, in microseconds.
    delay_us: u64,
    /// Bytes that a node can send and work through, in a millisecond.
    bytes_per_ms: u64,
}

/// `docs/performance.md` has what these come from: some 0.1 ms a round on one machine, and the
/// slowest of the measured bulk works sends 100 MB a second.
const ROUND_US: u64 = 100;
const NETWORKS: [Network; 3] = [
    Network {
        name: "one machine",
        delay_us: 0,
        bytes_per_ms: 100_000,
    },
    Network {
        name: "one region (2 ms, 1 Gbit/s)",
        delay_us: 2_000,
        bytes_per_ms: 100_000,
    },
    Network {
        name: "continents (75 ms, 200 Mbit/s)",
        delay_us: 75_000,
        bytes_per_ms: 25_000,
    },
];

/// The costs of all computations.
pub(crate) fn of(
    inspection: &Inspection,
    description: &Description,
) -> Result<Vec<Computation>, ReportError> {
    let numbered = (0..).zip(&description.computations);
    let computations = numbered.map(|(number, computation)| {
        let costs = INPUTS
            .iter()
            .map(|inputs| cost(inspection, number, computation, *inputs));
        let reads = computation.inputs.iter();
        let reads = reads.filter_map(|input| description.inputs.get(*input as usize));
        let params = params(computation)?;
        let arguments = params
            .iter()
            .map(|p| format!("{}: {}", p.name, report::ty(p)));
        Ok(Computation {
            name: computation.name.clone(),
            reads: reads.map(|input| input.name.clone()).collect(),
            arguments: arguments.collect(),
            min_inputs: computation.min_inputs,
            costs: costs.collect::<Result<_, _>>()?,
        })
    });
    computations.collect()
}

fn cost(
    inspection: &Inspection,
    number: u32,
    computation: &contract::Computation,
    inputs: u64,
) -> Result<Cost, ReportError> {
    if inputs < u64::from(computation.min_inputs) {
        let least = computation.min_inputs;
        return Ok(Cost {
            inputs,
            refused: Some(format!("too few: it runs on {least} or more")),
            figures: None,
        });
    }
    let traced = trace(inspection, number, computation, inputs)?;
    let (figures, refused) = match traced.program {
        Ok(planned) => (Some(figures(&planned, traced.fuel)), None),
        Err(why) => (None, Some(why)),
    };
    Ok(Cost {
        inputs,
        refused,
        figures,
    })
}

/// Traces a computation with ones as arguments over so many inputs of each type.
pub(crate) fn trace(
    inspection: &Inspection,
    number: u32,
    computation: &contract::Computation,
    inputs: u64,
) -> Result<Traced, ReportError> {
    let counts: BTreeMap<_, _> = computation.inputs.iter().map(|ty| (*ty, inputs)).collect();
    let params = params(computation)?;
    let arguments = if params.is_empty() {
        Vec::new()
    } else {
        DynSolValue::Tuple(functions::values(&params, 1)?).abi_encode_params()
    };
    Ok(inspection.trace_with(number, &arguments, counts)?)
}

/// A computation's public arguments.
fn params(computation: &contract::Computation) -> Result<Vec<Param>, ReportError> {
    let json = serde_json::Value::Array(computation.params.clone());
    let what = format!("the computation {}", computation.name);
    serde_json::from_value(json).map_err(|e| ReportError::description(what)(e.into()))
}

fn figures(planned: &Planned, fuel: u64) -> Figures {
    let Planned {
        plan, three, need, ..
    } = planned;
    let both = |figure: fn(&Plan) -> u64| WithNodes {
        four: figure(plan),
        three: figure(three),
    };
    let (rounds, sent) = (both(|plan| plan.latency as u64), both(sent));
    let time = NETWORKS.iter().map(|network| {
        let waiting = rounds.four * (network.delay_us + ROUND_US) / 1_000;
        let time = waiting + sent.four / network.bytes_per_ms;
        Time {
            name: network.name.to_owned(),
            ms: time.max(1),
        }
    });
    Figures {
        fuel,
        rounds,
        sent,
        memory: both(|plan| plan.memory_bytes),
        reserve: reserve(need),
        time: time.collect(),
    }
}

/// What the busiest node sends.
fn sent(plan: &Plan) -> u64 {
    let sent = (0..4).map(|party| plan.sent_by(party));
    sent.max().unwrap_or_default()
}

fn reserve(need: &Amounts) -> Reserve {
    let shares = [
        (need.bits, RESERVE_LOT.bits),
        (need.r64, RESERVE_LOT.r64),
        (need.r128, RESERVE_LOT.r128),
    ];
    let shares = shares.map(|(need, lot)| need.saturating_mul(1_000).div_ceil(lot));
    Reserve {
        bits: need.bits,
        r64: need.r64,
        r128: need.r128,
        lot_thousandths: shares.into_iter().max().unwrap_or_default(),
    }
}
