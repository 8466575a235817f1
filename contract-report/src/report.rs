//! The report: what a contract reveals and costs.

use alloy_json_abi::{JsonAbi, Param};
use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use wire::{
    contract,
    docs::Doc,
    guest::Recipient,
    kind::{InputType, Kind},
};
use zk_contract_runtime::inspect::Inspection;

use crate::{ReportError, check::places, costs, functions, said::Said};

/// What a contract reveals and costs. Its [`Display`](std::fmt::Display) is the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The contract's name.
    pub contract: String,
    /// What its author says of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Its code.
    pub code: Code,
    /// What users send that nobody sees.
    pub secret: Vec<Secret>,
    /// What computations open.
    pub revealed: Vec<Revealed>,
    /// What everybody sees, in sentences.
    pub public: Vec<String>,
    /// What an author should think about, in sentences.
    pub advice: Vec<String>,
    /// What computations cost.
    pub computations: Vec<Computation>,
    /// What functions use up.
    pub functions: Vec<Function>,
}

/// A contract's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Its length.
    pub bytes: u64,
    /// keccak-256 of it, by which attestations name it.
    pub hash: B256,
}

/// A secret input type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// What its author says of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Functions that take it.
    pub functions: Vec<String>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Bytes of its masked value, the same for all inputs.
    pub bytes: u64,
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type, in the words of Rust for secrets and of Solidity for results.
    #[serde(rename = "type")]
    pub ty: String,
    /// What its author says of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// What a computation opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revealed {
    /// Which computation.
    pub computation: String,
    /// Who sees it.
    pub to: String,
    /// The result's type: the struct's name, or Solidity's type.
    #[serde(rename = "type")]
    pub ty: String,
    /// What its author says of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The struct's fields; none for other types.
    pub fields: Vec<Field>,
}

/// A computation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computation {
    /// Its name.
    pub name: String,
    /// Names of the input types that it reads.
    pub reads: Vec<String>,
    /// Its public arguments, each with name and type. Costs are told for numbers of 1 and empty
    /// lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// How many inputs of the first type there must be; 0 if it may run over any.
    pub min_inputs: u32,
    /// What it costs for various numbers of inputs.
    pub costs: Vec<Cost>,
}

/// What a computation costs for a number of inputs of each type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// How many inputs of each type it reads.
    pub inputs: u64,
    /// Why nodes would not run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// What a run costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Fuel of tracing.
    pub fuel: u64,
    /// How many times in a row nodes wait for each other, with four nodes and with three.
    pub rounds: WithNodes,
    /// Bytes that a node sends.
    pub sent: WithNodes,
    /// Bytes of memory that it takes at a node.
    pub memory: WithNodes,
    /// What a run with three nodes takes of the reserve.
    pub reserve: Reserve,
    /// Estimates with four nodes, from the start of the run to the opened result.
    pub time: Vec<Time>,
}

/// How long a run takes on a network between the nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// The network: how far apart the nodes are, the delay from one to another, and what each can
    /// send.
    pub name: String,
    /// Milliseconds.
    pub ms: u64,
}

/// A figure with all nodes, and with one node down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithNodes {
    /// With four nodes.
    pub four: u64,
    /// With three, on values from the reserve.
    pub three: u64,
}

/// A part of the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// Triples of bits.
    pub bits: u64,
    /// Triples of 64-bit numbers.
    pub r64: u64,
    /// Triples of 128-bit numbers.
    pub r128: u64,
    /// Thousandths of a lot that this is, rounded up: of the material of which it takes most.
    pub lot_thousandths: u64,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its signature; `deployment` for the constructor.
    pub name: String,
    /// Fuel that a transaction used whose arguments were zeros and empty lists, right after a
    /// deployment with such arguments.
    pub fuel: u64,
    /// Why that call was refused, if it was: then the figure is of the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Report {
    /// Looks at a contract: its module as it is deployed, and the author's comments.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn of(code: &Bytes, docs: &[Doc]) -> Result<Self, ReportError> {
        let mut inspection = Inspection::new(code)??;
        let description = inspection.description().clone();
        let said = Said(docs);
        let json = description.abi.clone();
        let abi: JsonAbi = serde_json::from_value(json)
            .map_err(|error| ReportError::description("the ABI")(error.into()))?;
        Ok(Self {
            contract: description.name.clone(),
            about: said.item("contract", &description.name).to_owned(),
            code: Code {
                bytes: code.len() as u64,
                hash: inspection.code_hash(),
            },
            secret: secrets(&description, said),
            revealed: revealed(&description, said)?,
            public: public(&description, &abi, &places::imports(code)),
            advice: advice(&description),
            computations: costs::of(&inspection, &description)?,
            functions: functions::of(&mut inspection, &description, &abi)?,
        })
    }
}

fn secrets(description: &contract::Description, said: Said<'_>) -> Vec<Secret> {
    let all = (0..).zip(&description.inputs);
    let secrets = all.map(|(number, input)| {
        let takes = description.input_functions.iter();
        let takes = takes.filter(|function| function.input == number);
        Secret {
            name: input.name.clone(),
            about: said.item("struct", &input.name).to_owned(),
            functions: takes.map(|function| function.name.clone()).collect(),
            fields: fields(input, said),
            bytes: input.bytes() as u64,
        }
    });
    secrets.collect()
}

/// A kind in Rust's words.
fn kind(kind: Kind, len: u32) -> String {
    let name = match kind {
        Kind::Fixed64(fraction) => format!("Fixed<{fraction}>"),
        Kind::Fixed128(fraction) => format!("Fixed128<{fraction}>"),
        kind => format!("{kind:?}").to_lowercase(),
    };
    if len == 1 {
        name
    } else {
        format!("[{name}; {len}]")
    }
}

/// The parameter that a computation attests, if it attests anything.
pub(crate) fn result(computation: &contract::Computation) -> Result<Option<Param>, ReportError> {
    let name = &computation.name;
    let wrong = ReportError::description(format!("the computation {name}"));
    if matches!(computation.output.as_str(), "" | "()") {
        return Ok(None);
    }
    match &computation.result {
        Some(result) => serde_json::from_value(result.clone()).map(Some),
        None => {
            let json = serde_json::json!({"name": name, "type": computation.output});
            serde_json::from_value(json).map(Some)
        }
    }
    .map_err(|error| wrong(error.into()))
}

/// The name of the struct that a parameter is or has in its arrays.
pub(crate) fn structure(param: &Param) -> Option<&str> {
    let (_, name) = param.internal_type()?.as_struct()?;
    name.split('[').next()
}

fn revealed(
    description: &contract::Description,
    said: Said<'_>,
) -> Result<Vec<Revealed>, ReportError> {
    let mut all = Vec::new();
    for computation in &description.computations {
        all.extend(kept(description, computation, said));
        let Some(result) = result(computation)? else {
            continue;
        };
        let name = structure(&result);
        let fields = result.components.iter().map(|field| Field {
            name: field.name.clone(),
            ty: ty(field),
            about: name
                .map_or("", |name| said.field("struct", name, &field.name))
                .to_owned(),
        });
        all.push(Revealed {
            computation: computation.name.clone(),
            to: "everybody".into(),
            ty: ty(&result),
            about: name.map_or("", |name| said.item("struct", name)).to_owned(),
            fields: fields.collect(),
        });
    }
    Ok(all)
}

/// What stays secret, or is for one user.
fn kept<'a>(
    description: &'a contract::Description,
    computation: &'a contract::Computation,
    said: Said<'a>,
) -> impl Iterator<Item = Revealed> + 'a {
    let first = computation.inputs.first();
    let first = first.and_then(|input| description.inputs.get(*input as usize));
    let first = first.map_or("input", |input| &input.name);
    computation.secrets.iter().filter_map(move |result| {
        let input = description.inputs.get(result.input as usize)?;
        Some(Revealed {
            computation: computation.name.clone(),
            to: match result.recipient {
                Recipient::Contract => "nobody; kept for later computations".into(),
                Recipient::Owners => format!("the owner of each {first}, a row each"),
                Recipient::Reader => "the reader whom the call that starts it names".into(),
            },
            ty: input.name.clone(),
            about: said.item("struct", &input.name).to_owned(),
            fields: fields(input, said),
        })
    })
}

fn fields(input: &InputType, said: Said<'_>) -> Vec<Field> {
    let fields = input.fields.iter().map(|field| Field {
        name: field.name.clone(),
        ty: kind(field.kind, field.len),
        about: said.field("struct", &input.name, &field.name).to_owned(),
    });
    fields.collect()
}

/// A parameter's type, a struct by its name.
pub(crate) fn ty(param: &Param) -> String {
    let dimensions = param.ty.strip_prefix("tuple");
    match (structure(param), dimensions) {
        (Some(name), Some(dimensions)) => format!("{name}{dimensions}"),
        _ => param.ty.clone(),
    }
}

fn list(words: impl IntoIterator<Item = impl Into<String>>) -> String {
    let words: Vec<String> = words.into_iter().map(Into::into).collect();
    words.join(", ")
}

/// What everybody sees.
fn public(description: &contract::Description, abi: &JsonAbi, imports: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for function in &description.input_functions {
        let declared = abi.functions().find(|f| f.selector() == function.selector);
        let arguments = declared.map_or(&[][..], |f| f.inputs.as_slice());
        // The last is the sealed part.
        let open = arguments.split_last().map_or(&[][..], |(_, open)| open);
        let name = &function.name;
        let input = description.inputs.get(function.input as usize);
        let input = input.map_or("input", |input| &input.name);
        let arguments = if open.is_empty() {
            String::new()
        } else {
            format!(", its arguments {}", list(open.iter().map(|p| &p.name)))
        };
        all.push(format!(
            "Who sends a {input} by {name}, in which block{arguments}, and whether it is accepted. \
             Its length is the same for all values."
        ));
    }
    for computation in &description.computations {
        let reads = computation.inputs.iter();
        let reads = reads.filter_map(|number| description.inputs.get(*number as usize));
        all.push(format!(
            "Which inputs ({}) the computation {} runs on and how many they are, the program that it \
             becomes, and how long it takes. All of this follows from the number of inputs and from \
             public values, never from secrets.",
            list(reads.map(|input| &input.name)),
            computation.name,
        ));
    }
    for (import, what) in [
        ("input_group", "The group of each input."),
        ("input_tag", "The tag of each input, also to computations."),
        (
            "input_replace",
            "Which inputs take the place of which earlier ones.",
        ),
        ("delete_inputs", "Which inputs are deleted."),
    ] {
        if imports.iter().any(|name| name == import) {
            all.push(what.into());
        }
    }
    if description
        .computations
        .iter()
        .any(|c| !c.secrets.is_empty())
    {
        all.push(
            "How many secret results there are, of which type, and whose they are; not what is in \
             them."
                .into(),
        );
    }
    let writing = abi.functions().filter(|f| {
        let takes = &description.input_functions;
        !takes.iter().any(|input| input.selector == f.selector())
    });
    let mut names: Vec<_> = writing.map(|f| f.name.as_str()).collect();
    names.sort_unstable();
    all.push(format!(
        "All of the contract's state, and sender, arguments and results of every call: {}.",
        list(names)
    ));
    let events: Vec<_> = abi.events().map(|event| event.name.as_str()).collect();
    if !events.is_empty() {
        all.push(format!("Events: {}.", list(events)));
    }
    all
}

/// What an author should think about.
fn advice(description: &contract::Description) -> Vec<String> {
    let open = description.computations.iter();
    let open = open.filter(|computation| !matches!(computation.output.as_str(), "" | "()"));
    let advice = open.filter(|c| c.min_inputs < 2).map(|computation| {
        format!(
            "Nothing keeps {} from running on one input, about whose owner its result may then \
             tell. If that is too much, write #[compute(min_inputs = 5)].",
            computation.name
        )
    });
    advice.collect()
}
