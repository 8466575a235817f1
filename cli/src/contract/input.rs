//! `quartet contract input`: a secret from flags or JSON, sealed to the nodes.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use alloy::primitives::B256;
use client::{abi, input};
use serde_json::{Map, Value};
use wire::kind::{InputType, Kind};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    target::{Found, Target},
    values,
};
use crate::{error::CliError, site::Account};

/// Bytes of JSON that are read.
const MOST_BYTES: u64 = 1 << 20;
/// How long the nodes may take for the verdict.
const VERDICT: Duration = Duration::from_secs(120);

/// Help that follows the options.
pub(crate) const EXAMPLES: &str = "\
What is given with --set is in the history of your shell: secrets that matter come by --json.

Examples:
  quartet contract input vote --set yes=true --as ada
  quartet contract input bid 7 --set price=12 --set terms.days=3
  quartet contract input measure --set 'values=[1.5, -2, 0.25]'
  quartet contract input bid 7 --json secret.json --key me.key
  pass show bid | quartet contract input bid 7 --json -";

/// Options of `quartet contract input`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Name of the #[input] function.
    function: String,
    /// Its public arguments.
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// A secret field, by its name; `outer.inner` for a field of a struct within.
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<Setting>,
    /// File with all secret fields as JSON; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    json: Option<String>,
    /// Do not wait for the verdict.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    account: Account,
}

/// A secret field. Erased on drop, never printed.
#[derive(Clone)]
pub(crate) struct Setting {
    name: String,
    value: Zeroizing<String>,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=<redacted>", self.name)
    }
}

impl std::str::FromStr for Setting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("it is not FIELD=VALUE")?;
        Ok(Self {
            name: name.trim().to_owned(),
            value: Zeroizing::new(value.trim().to_owned()),
        })
    }
}

/// Seals, sends, and waits for the verdict.
pub(crate) async fn run(options: Options) -> Result<(), CliError> {
    let found = options.target.find().await?;
    let cluster = &found.cluster;
    if !cluster.committee.dev && !cluster.pinned {
        return Err(CliError::NotPinned);
    }
    let actor = options.account.actor(cluster.committee.dev)?;
    let function = values::function(&found.abi, &options.function)?;
    let (_, ty) = abi::input_function(&found.info.description, &function.name)?;
    let json = match &options.json {
        Some(file) => Secrets::read(file)?,
        None => Secrets::from_settings(ty, &options.set)?,
    };
    let secret = input::from_json(ty, &json.0)?;
    drop(json);
    let public = match function.inputs.split_last() {
        Some((_sealed, public)) => public,
        None => &[],
    };
    let words = cluster.words().await?;
    let what = format!("`{}`", function.name);
    let public = words.encode(&what, public, &options.arguments)?;
    let client = &cluster.client;
    let sent = client.submit_input(&actor.key, found.address, &function.name, &public, &secret);
    let id = sent.await?;
    drop(secret);
    println!("Sealed and sent as {actor}: input {id}");
    if options.no_wait {
        println!("Its verdict: `quartet contract watch {id}`");
        return Ok(());
    }
    verdict(&found, id).await
}

async fn verdict(found: &Found, id: B256) -> Result<(), CliError> {
    let info = found.cluster.client.wait_accepted(id, VERDICT).await?;
    println!(
        "Ordered in block {}, accepted in block {}.",
        info.ordered_in,
        info.decided_in.unwrap_or_default(),
    );
    Ok(())
}

/// Secret values as JSON. Their text is erased on drop.
struct Secrets(Value);

impl Secrets {
    fn read(file: &str) -> Result<Self, CliError> {
        let failed = |why: String| CliError::Secrets {
            file: file.to_owned(),
            why,
        };
        let mut text = Zeroizing::new(String::new());
        let read = if file == "-" {
            io::stdin().take(MOST_BYTES).read_to_string(&mut text)
        } else {
            let opened = fs::File::open(Path::new(file));
            opened.and_then(|f| f.take(MOST_BYTES).read_to_string(&mut text))
        };
        read.map_err(|error| failed(error.to_string()))?;
        // The message of the parser would quote it.
        let json = serde_json::from_str(&text).map_err(|e| {
            failed(format!(
                "no JSON in line {}, column {}",
                e.line(),
                e.column()
            ))
        })?;
        Ok(Self(json))
    }

    fn from_settings(ty: &InputType, settings: &[Setting]) -> Result<Self, CliError> {
        let mut object = Self(Value::Object(Map::new()));
        let Value::Object(fields) = &mut object.0 else {
            return Ok(object);
        };
        for Setting { name, value } in settings {
            let field = ty.fields.iter().find(|field| field.name == *name);
            let is_bool = field.is_some_and(|field| field.kind == Kind::Bool);
            let again = fields.insert(name.clone(), word(is_bool, value)).is_some();
            if again {
                return Err(CliError::SetTwice(name.clone()));
            }
        }
        Ok(object)
    }
}

/// A value or, in brackets, a list of values. Numbers stay text, so that they lose no digits.
fn word(is_bool: bool, text: &str) -> Value {
    let list = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(list) = list {
        let items = list.split(',').map(str::trim);
        let items = items.filter(|item| !item.is_empty());
        return items.map(|item| word(is_bool, item)).collect();
    }
    match text {
        "true" | "yes" | "1" if is_bool => Value::Bool(true),
        "false" | "no" | "0" if is_bool => Value::Bool(false),
        _ => Value::String(text.to_owned()),
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        erase(&mut self.0);
    }
}

fn erase(json: &mut Value) {
    match json {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(erase),
        Value::Object(fields) => fields.values_mut().for_each(erase),
        Value::Number(_) | Value::Bool(_) | Value::Null => *json = Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wire::kind::Field;

    use super::*;

    fn ty() -> InputType {
        let field = |name: &str, kind, len| Field {
            name: name.into(),
            kind,
            len,
        };
        InputType {
            name: "Bid".into(),
            fields: vec![
                field("yes", Kind::Bool, 1),
                field("price", Kind::U128, 1),
                field("flags", Kind::Bool, 2),
            ],
        }
    }

    fn set(settings: &[&str]) -> Result<Value, CliError> {
        let settings: Vec<Setting> = settings.iter().map(|s| s.parse().unwrap()).collect();
        Ok(Secrets::from_settings(&ty(), &settings)?.0.clone())
    }

    #[test]
    fn settings_are_typed_by_the_fields() {
        let most = u128::MAX.to_string();
        let given = set(&["yes = true", &format!("price={most}"), "flags=[0, yes]"]).unwrap();
        assert_eq!(
            given,
            json!({"yes": true, "price": most, "flags": [false, true]})
        );
        input::from_json(&ty(), &given).unwrap();
        assert!(matches!(
            set(&["price=1", "price=2"]),
            Err(CliError::SetTwice(_))
        ));
        let unknown = set(&["prize=1"]).unwrap();
        let error = input::from_json(&ty(), &unknown).unwrap_err().to_string();
        assert!(error.contains("price"), "{error}");
        assert!("price".parse::<Setting>().is_err());
    }

    #[test]
    fn no_message_has_a_secret() {
        let setting: Setting = "price=987654".parse().unwrap();
        assert!(!format!("{setting:?}").contains("987654"));
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("secret.json");
        fs::write(&file, "{\"price\": 987654x}").unwrap();
        let error = Secrets::read(file.to_str().unwrap()).err().unwrap();
        assert!(!error.to_string().contains("987654"), "{error}");
    }

    #[test]
    fn what_was_read_is_erased() {
        let mut json = json!({"a": ["x", 1, true], "b": {"c": "y"}});
        erase(&mut json);
        assert_eq!(json, json!({"a": ["", null, null], "b": {"c": ""}}));
    }
}
