//! The Solidity that is made of a description, compared with what forge compiles and tests
//! (`l1-contracts/test/Generated.t.sol`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, env, fs, path::Path};

use contract_report::solidity;
use serde_json::{Value, json};
use wire::{contract::Description, docs::Doc};

/// A parameter; structs have a name and fields.
fn param(name: &str, ty: &str, structure: Option<(&str, Vec<Value>)>) -> Value {
    let Some((structure, fields)) = structure else {
        return json!({"name": name, "type": ty});
    };
    let internal = ty.replace("tuple", &format!("struct {structure}"));
    json!({"name": name, "type": ty, "internalType": internal, "components": fields})
}

fn computation(name: &str, output: &str, result: &Value) -> Value {
    json!({"name": name, "inputs": [0], "output": output, "result": result})
}

fn description(name: &str, computations: &[Value]) -> Description {
    serde_json::from_value(json!({
        "name": name, "abi": [], "inputs": [], "input_functions": [], "computations": computations,
    }))
    .unwrap()
}

/// All shapes that a result can have.
fn everything() -> Description {
    let order = || vec![param("price", "uint64", None), param("sold", "bool", None)];
    let lot = || {
        vec![
            param("best", "tuple", Some(("Order", order()))),
            param("orders", "tuple[2]", Some(("Order", order()))),
            param("grid", "int32[2][3]", None),
        ]
    };
    let fields = vec![
        param("lots", "tuple[2]", Some(("Lot", lot()))),
        param("case", "uint8", None),
        param("mean", "int128", None),
        param("flags", "bool[4]", None),
        param("a", "uint8", None),
        param("b", "uint16", None),
        param("c", "uint32", None),
    ];
    let order_type = "(uint64,bool)";
    let lot_type = format!("({order_type},{order_type}[2],int32[2][3])");
    let report = format!("({lot_type}[2],uint8,int128,bool[4],uint8,uint16,uint32)");
    let result = param("close_day", "tuple", Some(("DayReport", fields)));
    description(
        "order_book",
        &[
            computation("close_day", &report, &result),
            computation("total", "uint64", &param("total", "uint64", None)),
            computation("spread", "int64[3]", &param("spread", "int64[3]", None)),
            json!({"name": "private", "inputs": [0], "output": "()"}),
        ],
    )
}

fn docs() -> Vec<Doc> {
    let doc = |kind: &str, name: &str, doc: &str, fields: &[(&str, &str)]| {
        let fields = fields
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Doc {
            kind: kind.into(),
            name: name.into(),
            doc: doc.into(),
            fields: BTreeMap::from_iter(fields),
        }
    };
    vec![
        doc(
            "contract",
            "order_book",
            "Orders @ night.\n\nSecond */ line.",
            &[],
        ),
        doc("compute", "close_day", "Ends the day.", &[]),
        doc(
            "struct",
            "DayReport",
            "What a day brought.",
            &[("case", "Which rule\nended it.")],
        ),
    ]
}

/// Compares with the file, or writes it.
fn same(file: &str, source: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("../l1-contracts/test/generated").join(file);
    if env::var_os("QUARTET_UPDATE").is_some() {
        fs::write(&path, source).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == source,
        "{} is another than what is made now; to rewrite it:\n\
         QUARTET_UPDATE=1 cargo test -p contract-report --test generated",
        path.display()
    );
}

#[test]
fn all_shapes_of_results() {
    let source = solidity::source(&everything(), &docs(), "../../src/").unwrap();
    same("OrderBookApp.sol", &source.unwrap());
}

#[test]
fn a_contract_that_attests_nothing_has_no_solidity() {
    let nothing = json!({"name": "private", "inputs": [0], "output": "()"});
    let description = description("quiet", &[nothing]);
    assert_eq!(
        solidity::source(&description, &[], "quartet/").unwrap(),
        None
    );
}

#[test]
fn two_structs_of_one_name_are_refused() {
    let result = |ty| {
        param(
            "r",
            "tuple",
            Some(("Tally", vec![param("votes", ty, None)])),
        )
    };
    let description = description(
        "twice",
        &[
            computation("one", "(uint8)", &result("uint8")),
            computation("two", "(uint16)", &result("uint16")),
        ],
    );
    let error = solidity::source(&description, &[], "quartet/").unwrap_err();
    assert!(error.to_string().contains("two structs Tally"), "{error}");
}
