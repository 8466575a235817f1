//! Whether two reports of a contract say the same, for a build to fail when one does not.

use serde_json::Value;

use crate::Report;

/// Figures that another version of the SDK or the compiler moves a little.
const LOOSE: [&str; 2] = ["fuel", "bytes"];
/// A figure that is off by at most this part counts as the same: 1/20.
const PART: u64 = 20;
/// Follows from all else.
const LEFT_OUT: &str = "hash";

/// What is different in `new`, a line for each place: where, and what it was and is. Fuel and
/// lengths of code may be off by a twentieth, and the code's hash says nothing.
///
/// # Errors
/// If a report cannot be written as JSON.
pub fn differences(old: &Report, new: &Report) -> serde_json::Result<Vec<String>> {
    let (old, new) = (serde_json::to_value(old)?, serde_json::to_value(new)?);
    let mut all = Vec::new();
    compare("", Some(&old), Some(&new), &mut all);
    Ok(all)
}

fn compare(place: &str, old: Option<&Value>, new: Option<&Value>, all: &mut Vec<String>) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added).filter(|key| *key != LEFT_OUT) {
                compare(&below(place, key), old.get(key), new.get(key), all);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for at in 0..old.len().max(new.len()) {
                let (old, new) = (old.get(at), new.get(at));
                let name = new.or(old).and_then(name).unwrap_or_else(|| at.to_string());
                compare(&below(place, &name), old, new, all);
            }
        }
        _ if old == new || is_close(place, old, new) => {}
        _ => all.push(format!("{place}: {} → {}", shown(old), shown(new))),
    }
}

fn below(place: &str, key: &str) -> String {
    if place.is_empty() {
        return key.to_owned();
    }
    format!("{place}.{key}")
}

/// By what an element of a list is known.
fn name(element: &Value) -> Option<String> {
    let keys = ["name", "computation", "inputs"];
    let mut known = keys.iter().filter_map(|key| element.get(key));
    known.next().map(|name| match name {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    })
}

fn is_close(place: &str, old: Option<&Value>, new: Option<&Value>) -> bool {
    let loose = LOOSE
        .iter()
        .any(|key| place.rsplit('.').next() == Some(key));
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    match (number(old), number(new)) {
        (Some(old), Some(new)) if loose => old.abs_diff(new) <= old / PART,
        _ => false,
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".into(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::compare;

    #[test]
    fn places_of_differences_are_named() {
        let report = |rounds: u64, fuel: u64, hash: &str| {
            json!({
                "code": {"bytes": 1000, "hash": hash},
                "computations": [{"name": "tally", "costs": [
                    {"inputs": 1, "figures": {"rounds": 5}},
                    {"inputs": 10, "figures": {"rounds": rounds, "fuel": fuel}},
                ]}],
            })
        };
        let old = report(7, 100, "a");
        let differences = |new| {
            let mut all = Vec::new();
            compare("", Some(&old), Some(&new), &mut all);
            all
        };
        assert_eq!(differences(report(7, 105, "b")), [""; 0]);
        assert_eq!(
            differences(report(8, 106, "b")),
            [
                "computations.tally.costs.10.figures.fuel: 100 → 106",
                "computations.tally.costs.10.figures.rounds: 7 → 8",
            ]
        );
        assert_eq!(
            differences(json!({"code": {"bytes": 1000}, "computations": []})).len(),
            1
        );
    }
}
